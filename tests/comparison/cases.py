"""Classic dangerous alterations, each on tables of its own with rows in them."""

from __future__ import annotations

import re
from dataclasses import dataclass

ROWS = 1000
"""Rows of each table."""

TABLES = """
    create table customers (id bigint primary key, email text, name text);
    create type kind as enum ('sale', 'return');
    create table orders (id bigint primary key, customer bigint, total int, state text, sort kind);
"""
DATA = f"""
    insert into customers select i, 'c' || i || '@example.com', 'same' from generate_series(1, {ROWS}) i;
    insert into orders select i, i, i, 'open', 'sale' from generate_series(1, {ROWS}) i;
"""
UNTABLES = "drop table orders, customers; drop type kind;"


@dataclass(frozen=True, kw_only=True)
class Case:
    """A mistake with its SQL; `by_hand` is what somebody does with psql besides, after it was deployed.

    `fails` says that the rows don't allow it.
    """

    title: str
    up: str
    down: str = ""
    by_hand: str = ""
    fails: bool = False

    @property
    def slug(self) -> str:
        """The title as a file name has it."""
        return re.sub(r"\W+", "-", self.title.lower()).strip("-")

    def own(self, text: str) -> str:
        """`text` with this case's tables."""
        return re.sub(r"\b(customers|orders|refunds|kind)(?=\b|_)", rf"{self.prefix}\1", text)

    @property
    def prefix(self) -> str:
        """What the names of its tables begin with."""
        return "c" + format(CASES.index(self), "02") + "_"


CASES = (
    Case(
        title="Column with a volatile default",
        up="alter table orders add column token uuid default gen_random_uuid()",
        down="alter table orders drop column token",
    ),
    Case(
        title="Set not null",
        up="alter table orders alter column total set not null",
        down="alter table orders alter column total drop not null",
    ),
    Case(
        title="Foreign key",
        up="alter table orders add constraint orders_customer_fkey foreign key (customer) references customers",
        down="alter table orders drop constraint orders_customer_fkey",
    ),
    Case(
        title="Check constraint",
        up="alter table orders add constraint orders_total_check check (total >= 0)",
        down="alter table orders drop constraint orders_total_check",
    ),
    Case(
        title="Unique constraint",
        up="alter table customers add constraint customers_email_key unique (email)",
        down="alter table customers drop constraint customers_email_key",
    ),
    Case(
        title="Index built in a transaction",
        up="create index orders_customer_idx on orders (customer)",
        down="drop index orders_customer_idx",
    ),
    Case(
        title="Another type",
        up="alter table orders alter column total type bigint",
        down="alter table orders alter column total type int",
    ),
    Case(
        title="Renamed column",
        up="alter table orders rename column state to status",
        down="alter table orders rename column status to state",
    ),
    Case(
        title="Dropped column",
        up="alter table orders drop column total",
        down="alter table orders add column total int",
    ),
    Case(
        title="All rows in one update",
        up="alter table orders add column net bigint; update orders set net = total",
        down="alter table orders drop column net",
    ),
    Case(
        title="New enum value, and no way back",
        up="alter type kind add value 'refund'",
        down="select 'a label of an enum can''t be dropped'",
    ),
    Case(
        title="A `down` that forgets a column",
        up="create table refunds (id bigint); alter table orders add column refund bigint",
        down="drop table refunds",
    ),
    Case(
        title="A column added by hand",
        up="alter table orders add column paid bool",
        down="alter table orders drop column paid",
        by_hand="alter table orders add column by_hand text",
    ),
    Case(
        title="Unique, where rows are alike",
        up="alter table customers add constraint customers_name_key unique (name)",
        down="alter table customers drop constraint customers_name_key",
        fails=True,
    ),
)
