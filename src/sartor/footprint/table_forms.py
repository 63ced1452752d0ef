"""Reads the forms of tables, as the catalogue has them now."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from sartor.domain.hazards.table_form import Column, Demand, Form
from sartor.postgres.driver.connection import Connection

_FORMS = """
select c.oid::int8 as oid, c.relispartition as part,
    (select pg_catalog.json_agg(pg_catalog.json_build_array(a.attnum, a.attname,
            pg_catalog.format_type(a.atttypid, a.atttypmod), t.typnotnull or a.attnotnull and not exists (
                select from pg_catalog.pg_constraint k where k.conrelid = a.attrelid and k.contype = 'n'
                    and not k.convalidated and a.attnum = any(k.conkey)),
            a.atthasdef or a.atthasmissing or a.attidentity <> '' or a.attgenerated <> '' or t.typdefault is not null))
        from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
    (select pg_catalog.json_agg(pg_catalog.json_build_array(k.conname, k.oid::int8, k.contype))
        from pg_catalog.pg_constraint k where k.conrelid = c.oid and k.convalidated
        and k.contype in ('c', 'f', 'x')) as constraints,
    (select pg_catalog.json_agg(pg_catalog.json_build_array(r.relname, r.oid::int8))
        from pg_catalog.pg_index i join pg_catalog.pg_class r on r.oid = i.indexrelid
        where i.indrelid = c.oid and i.indisunique and i.indisvalid) as indexes
from pg_catalog.pg_class c where c.oid = any($1::pg_catalog.oid[])
"""


async def read_forms(connection: Connection, oids: Collection[int]) -> dict[int, Form]:
    """Reads the forms of relations, by OID."""
    rows = await connection.fetch(_FORMS, list(oids)) if oids else []
    return {row["oid"]: _form(row) for row in rows}


def _form(row: Any) -> Form:
    columns, constraints, indexes = (json.loads(row[key] or "[]") for key in ("columns", "constraints", "indexes"))
    return Form(
        {number: Column(*column) for number, *column in columns},
        {f"constraint {name}": Demand(number, kind) for name, number, kind in constraints}
        | {f"index {name}": Demand(number, "u") for name, number in indexes},
        row["part"],
    )


@dataclass(slots=True)
class Forms:
    """The forms of the relations that were known before a run: as they were `then`, and as they are `now`."""

    then: Mapping[int, Form] = field(default_factory=dict)
    now: dict[int, Form] = field(default_factory=dict)

    def of(self, oid: int) -> Form | None:
        """Returns the relation's form at the last look, or None."""
        return self.now.get(oid) or self.then.get(oid)

    def is_new(self, oid: int, column: str) -> bool:
        """Returns whether this run has made the column, which has this name at present."""
        then, now = self.then.get(oid), self.of(oid)
        if then is None or now is None:
            return False
        return column in {each.name for number, each in now.columns.items() if number not in then.columns}
