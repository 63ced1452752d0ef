"""Classic dangerous alterations, each on tables of its own with rows in them."""

from __future__ import annotations

import re
from dataclasses import dataclass

ROWS = 1000
"""Rows of each table."""

TABLES = {
    "customers": "create table customers (id bigint primary key, email text, name text)",
    "orders": "create table orders (id bigint primary key, customer bigint, total int, state text not null)",
    "orders_open": "create view orders_open as select id, state from orders where state = 'open'",
    "amount": "create domain amount as int",
    "prices": "create table prices (code text, net numeric(10, 2), stock amount)",
    "prices_code_idx": "create unique index prices_code_idx on prices (code)",
    "kind": "create type kind as enum ('sale', 'return')",
}
"""What is there before, in the order in which it is made."""
DATA = {
    "customers": "select i, 'c' || i || '@example.com', 'same'",
    "orders": "select i, i, i, 'open'",
    "prices": "select 'p' || i, i, i",
}
NEEDS = {"orders_open": ("orders",), "prices": ("amount",), "prices_code_idx": ("prices", "amount")}


@dataclass(frozen=True, kw_only=True)
class Case:
    """An alteration with its SQL. `earlier` is that of another one, pending before it, and `undo` the way back of that.

    `besides` names what it needs of TABLES and doesn't name itself. `by_hand` is what somebody does with psql besides,
    after it was deployed. `fails` says that it can't be deployed where there are rows: such cases come last. Where it
    isn't about the way back, `proves` is False, as a proof takes a while. `since` is the first major version that knows
    the SQL.
    """

    title: str
    up: str
    down: str
    earlier: str = ""
    undo: str = ""
    besides: str = ""
    by_hand: str = ""
    fails: bool = False
    proves: bool = True
    since: int = 14

    @property
    def slug(self) -> str:
        """The title as a file name has it."""
        return re.sub(r"\W+", "-", self.title.lower()).strip("-")

    def own(self, text: str) -> str:
        """`text` with this case's tables."""
        return re.sub(r"\b(customers|orders|refunds|prices|kind|amount)(?=\b|_)", rf"{self.prefix}\1", text)

    @property
    def tables(self) -> str:
        """The SQL that makes what it needs."""
        return ";\n".join(TABLES[name] for name in self._needed)

    @property
    def untables(self) -> str:
        """The SQL that drops it all again."""
        made = [TABLES[name].split()[1:3] for name in reversed(self._needed) if "index" not in TABLES[name]]
        return "; ".join(f"drop {kind} {name}" for kind, name in made)

    @property
    def data(self) -> str:
        """The SQL that fills its tables."""
        series = f"from generate_series(1, {ROWS}) i"
        return "".join(f"insert into {name} {DATA[name]} {series};\n" for name in self._needed if name in DATA)

    @property
    def _needed(self) -> list[str]:
        text = f"{self.up} {self.besides}"
        named = [name for name in TABLES if re.search(rf"\b{name}\b", text)]
        return [name for name in TABLES if name in named or any(name in NEEDS.get(each, ()) for each in named)]

    def plain(self, text: str) -> str:
        """The first line of a text, with the names that the reader knows."""
        return text.partition("\n")[0].replace("public.", "").replace(self.prefix, "")

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
        title="Dropped not null",
        up="alter table orders alter column state drop not null",
        down="alter table orders alter column state set not null",
        proves=False,
    ),
    Case(
        title="Dropped index",
        up="drop index prices_code_idx",
        down="create unique index prices_code_idx on prices (code)",
        proves=False,
    ),
    Case(
        title="Truncate",
        up="truncate orders",
        down="select 'rows don''t come back'",
    ),
    Case(
        title="Exclusion constraint",
        up="alter table prices add constraint prices_net_excl exclude (net with =)",
        down="alter table prices drop constraint prices_net_excl",
        proves=False,
    ),
    Case(
        title="Primary key over a nullable column, by an index that is there",
        up="alter table prices add constraint prices_pkey primary key using index prices_code_idx",
        down="alter table prices drop constraint prices_pkey; create unique index prices_code_idx on prices (code)",
    ),
    Case(
        title="Check of a domain",
        up="alter domain amount add constraint amount_check check (value >= 0)",
        down="alter domain amount drop constraint amount_check",
        besides="prices",
        proves=False,
    ),
    Case(
        title="Wider numeric",
        up="alter table prices alter column net type numeric(12, 2)",
        down="alter table prices alter column net type numeric(10, 2)",
        proves=False,
    ),
    Case(
        title="Virtual generated column",
        up="alter table orders add column twice bigint generated always as (total * 2) virtual",
        down="alter table orders drop column twice",
        since=18,
        proves=False,
    ),
    Case(
        title="Index on a table that the script makes",
        up="create table refunds (id bigint, ord bigint); create index refunds_ord_idx on refunds (ord)",
        down="drop table refunds",
        proves=False,
    ),
    Case(
        title="Index on a table that an earlier pending script makes",
        earlier="create table refunds (id bigint, ord bigint)",
        undo="drop table refunds",
        up="create index refunds_ord_idx on refunds (ord)",
        down="drop index refunds_ord_idx",
        proves=False,
    ),
    Case(
        title="New table with types to regret",
        up="create table refunds (id serial primary key, ord bigint references orders, at timestamp, code char(3))",
        down="drop table refunds",
        proves=False,
    ),
    Case(
        title="Unique, where rows are alike",
        up="alter table customers add constraint customers_name_key unique (name)",
        down="alter table customers drop constraint customers_name_key",
        fails=True,
    ),
    Case(
        title="Required column, where there are rows",
        up="alter table orders add column note text not null",
        down="alter table orders drop column note",
        fails=True,
    ),
    Case(
        title="Dropped column that a view needs",
        up="alter table orders drop column state",
        down="alter table orders add column state text",
        besides="orders_open",
        fails=True,
    ),
)
