"""Sartor's own tables: their form as Sartor makes them, how a database's deviate from it, and who may write them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sartor.domain.table_names import OwnTables
from sartor.errors import LedgerUnsound, PrivilegeMissing, SettingsError
from sartor.sql.changes import removals
from sartor.sql.quoting import quote_identifier

_NOW = "timestamp with time zone not null default clock_timestamp()"
_TYPES = {
    "journal": {
        "bigint not null": "seq prev",
        "integer not null": "format",
        "text not null": "token kind by_user host sartor",
        "boolean": "open",
        "text": "lineage id release name checksum",
        "double precision": "duration_ms",
        _NOW: "at",
        "jsonb not null default '{}'::jsonb": "detail",
    },
    "ledger": {
        "bigint not null": "seq",
        "integer not null": "format",
        "text not null": "lineage id name checksum state deployed_by host sartor",
        "text": "release down",
        "double precision": "duration_ms",
        "timestamp with time zone not null": "deployed_at",
    },
    "fingerprint": {
        "boolean not null default false": "other",
        "bigint not null": "seq",
        "text not null": "by_user host sartor catalog_version",
        "jsonb not null": "packed",
        _NOW: "at",
        "timestamp with time zone": "adopted_at",
    },
}
"""The columns of each table, by their types; a table is called by what it is, without the prefix."""
_COLUMNS = {
    table: {name: text for text, names in types.items() for name in names.split()} for table, types in _TYPES.items()
}
_OPEN = "FOREIGN KEY (open) REFERENCES {prefix}_fingerprint(other) DEFERRABLE INITIALLY DEFERRED"
_STATE = "CHECK ((state = ANY (ARRAY['deployed'::text, 'started'::text, 'again'::text])))"
_CONSTRAINTS = {
    "journal": ("PRIMARY KEY (seq)", _OPEN),
    "ledger": ("PRIMARY KEY (lineage, id)", _STATE),
    "fingerprint": ("PRIMARY KEY (other)", "CHECK ((NOT other))"),
}
_NAMES = {_OPEN: "{prefix}_journal_open_fkey"}
"""The constraint whose name counts."""

GONE = (
    "if alterations were deployed here, Sartor's tables were dropped or moved: restore them from a backup, or record"
    " the release whose objects exist, with `baseline VERSION`, or single alterations, with `repair --mark-deployed ID`"
)
"""The way out where there is no ledger, but what alterations may have made."""

_TAKES = {"drop": "drops", "rename to": "renames", "set schema": "moves"}


def leave(tables: OwnTables) -> str:
    """Returns the advice for a script that drops or moves them."""
    pattern = tables.prefix.replace("_", r"\_")
    return (
        "a script must leave Sartor's own tables as and where they are: leave them out of a loop over all"
        rf" tables, `where tablename not like '{pattern}\_%'`; drop, move or rename the product's objects, not the"
        " whole schema"
    )


def takes_away(sql: str, tables: OwnTables) -> str | None:
    """Returns in words which of the tables, or that their schema, a text of SQL drops, renames or moves.

    None where it does nothing of that, as far as its words show: a block may put other words together.
    """
    lower = sql.lower()
    schema, own = tables.schema, tables.names
    if not any(word in lower for word in ("schema", f"{tables.prefix}_", "u&")):  # as in most texts; some are long
        return None
    for verb, head, actions in removals(sql):
        action = actions[0].what if actions else verb
        for name in head.names if action in _TAKES else ():
            if head.type == "schema" and name == (schema,):
                return f"{_TAKES[action]} schema {schema}, which holds Sartor's own tables"
            if head.type == "table" and name[-1:] and name[-1] in own and name[:-1] in {(), (schema,)}:
                return f"{_TAKES[action]} {name[-1]}, a table of Sartor's own"
    return None


class OwnTable(NamedTuple):
    """The facts that a session finds about one of Sartor's tables.

    `trusted` says that its owner is a role that this role may trust with its own rights: itself, a role that it is a
    member of, a superuser, or a role that may act as the schema's or the database's owner. `entitled` says that the
    owner is trusted, or was granted the right to create in the schema by name. `odd` says what the table is, where that
    is no table that can be read without running other roles' code, and `hidden` that row-level security would hide rows
    from this role. `rights` are this role's, as far as Sartor needs any.
    """

    name: str
    owner: str
    trusted: bool
    entitled: bool
    odd: str | None
    hidden: bool
    columns: Sequence[str]
    rights: Sequence[str] = ()


class Trait(NamedTuple):
    """A property of one of the tables: its `kind`, its name, and its text."""

    table: str
    kind: str
    name: str
    text: str


def expected(prefix: str) -> frozenset[Trait]:
    """Returns the traits of the tables as Sartor makes them."""

    def said(text: str) -> str:
        return text.replace("{prefix}", prefix)

    traits = [Trait(kind, "is", "", "rp") for kind in _COLUMNS]
    for kind, columns in _COLUMNS.items():
        traits += [Trait(kind, "column", name, text) for name, text in columns.items()]
    for kind, texts in _CONSTRAINTS.items():
        traits += [Trait(kind, "constraint", said(_NAMES.get(text, "")), said(text)) for text in texts]
    return frozenset(trait._replace(table=f"{prefix}_{trait.table}") for trait in traits)


_STRANGE: Mapping[str, str] = {
    "is": "isn't an ordinary table",
    "column": "has an unexpected column {name}, {text}",
    "constraint": "has an unexpected constraint: {text}",
    "reference": "is referenced by a foreign key of {name}",
    "trigger": "has a trigger {name}, which would run as {role}: {text}",
    "disabled": "has a disabled trigger of a foreign key: {text}",
    "rule": "has a rule {name}, which would run as {role}: {text}",
    "policy": "has a row-level security policy {name}",
    "row security": "has row-level security that applies to {role}",
    "parent": "inherits from {name}",
    "child": "is inherited from by {name}",
    "index": "has an unexpected index: {text}",
    "use": "uses an object that isn't part of Postgres: {name}",
}

_REMOVALS: Mapping[str, str] = {
    **{kind: f"drop {kind} {{quoted}} on {{table}};" for kind in ("trigger", "rule", "policy")},
    "index": "drop index {name};",
    "disabled": "alter table {table} enable trigger all;",
}
"""The statements that remove them; the others take more thought."""


def require_readable(found: Sequence[OwnTable], tables: OwnTables, role: str) -> None:
    """Raises LedgerUnsound or PrivilegeMissing where the content of the tables that were found can't be relied on.

    No tables at all is fine.
    """
    require_complete(found, tables)
    schema, columns = tables.schema, {tables.name(kind): names for kind, names in _COLUMNS.items()}
    for table in found:
        named = _named(schema, table.name)
        if not table.entitled:
            raise _stranger(table, schema, role)
        if table.odd:
            raise _unsound(schema, table.name, f"is {table.odd}; Sartor creates it as a table")
        if lacks := [name for name in columns[table.name] if name not in table.columns]:
            raise _unsound(schema, table.name, f"lacks column {', '.join(lacks)}")
        if table.hidden:
            raise PrivilegeMissing(
                f"row-level security hides rows of {table.name} in schema {schema} from role {role}",
                hint=f"read the table as its owner, {table.owner}, or as a role with BYPASSRLS; or run as the"
                f" owner: alter table {named} no force row level security, disable row level security;",
            )


def require_complete(found: Sequence[OwnTable], tables: OwnTables) -> None:
    """Raises LedgerUnsound where some of the tables exist, and some don't."""
    there = {table.name for table in found}
    if gone := [name for name in tables.names if there and name not in there]:
        raise LedgerUnsound(
            f"Sartor's tables in schema {tables.schema} are incomplete: {', '.join(gone)} doesn't exist, but"
            f" {', '.join(sorted(there))} does",
            hint="restore the missing table from a backup; if the data can be lost, `fresh` starts with an"
            " empty schema",
        )


def require_only(others: Sequence[str], tables: OwnTables) -> None:
    """Raises SettingsError where the schema has the tables of other prefixes, and not these: its history is there."""
    if others:
        other = OwnTables(tables.schema, others[0])
        raise SettingsError(
            f"the history of schema {tables.schema} is kept in {other.name('ledger')}, and there is no"
            f" {tables.name('ledger')}: nothing was done",
            hint=f'go on with that history: `tables = "{other.prefix}"` in sartor.toml, or'
            f' SARTOR_TABLES={other.prefix}; for another product in the same schema, `tables = "{tables.prefix}"`'
            " begins a history beside it",
        )


def require_trusted(found: Iterable[OwnTable], tables: OwnTables, role: str) -> None:
    """Raises LedgerUnsound where an untrusted role owns one of these tables, and so could run code as `role`."""
    for table in found:
        if not table.trusted:
            raise _stranger(table, tables.schema, role)


def require_sound(traits: Iterable[Trait], tables: OwnTables, role: str) -> None:
    """Raises LedgerUnsound where the tables have something that Sartor didn't make, or lack something that it did."""
    found, made, schema = frozenset(traits), expected(tables.prefix), tables.schema
    strange = sorted(found - made)
    for trait in strange:
        text = _STRANGE[trait.kind].format(name=trait.name, text=trait.text, role=role)
        text += f" (and {len(strange) - 1} more)" if len(strange) > 1 else ""
        names = {"table": _named(schema, trait.table), "name": trait.name, "quoted": quote_identifier(trait.name)}
        removal = _REMOVALS.get(trait.kind, "").format_map(names)
        raise _unsound(schema, trait.table, text, removal)
    for trait in sorted(made - found):
        raise _unsound(schema, trait.table, " ".join(filter(None, ("lacks", trait.kind, trait.name, trait.text))))


def _stranger(table: OwnTable, schema: str, role: str) -> LedgerUnsound:
    named, owner, mine = _named(schema, table.name), quote_identifier(table.owner), quote_identifier(role)
    return LedgerUnsound(
        f"{table.name} in schema {schema} belongs to role {table.owner}, which isn't trusted: the"
        f" owner must be {role}, a role that {role} is a member of, the owner of the schema or of the"
        f" database, or a superuser. {table.owner} may have created the table in order to run code as"
        f" {role}",
        hint=f"inspect the table in psql: \\d+ {named} -- if it isn't Sartor's: drop table {named} cascade;"
        f" -- if {table.owner} is trusted: grant {owner} to {mine}; or: alter table {named} owner to"
        f" {mine};",
    )


def _unsound(schema: str, table: str, what: str, removal: str = "") -> LedgerUnsound:
    hint = f"inspect the table in psql: \\d+ {_named(schema, table)}"
    hint += f" -- if it isn't needed: {removal}" if removal else ""
    return LedgerUnsound(f"{table} in schema {schema} {what}", hint=hint)


def _named(schema: str, table: str) -> str:
    return f"{quote_identifier(schema)}.{table}"


ALL_DATA = "pg_write_all_data"
"""Postgres's own role whose members may write each table."""


class Writer(NamedTuple):
    """A role that may write some of the tables: its rights by table, and whether it may pass them on.

    `role` is None for everybody (PUBLIC); with no rights by table, it is a member of ALL_DATA.
    """

    schema: str
    role: str | None
    rights: Mapping[str, Sequence[str]]
    grantable: bool = False

    @property
    def revoke(self) -> str:
        """The statement that revokes its rights."""
        who = "public" if self.role is None else quote_identifier(self.role)
        if not self.rights:
            return f"revoke {ALL_DATA} from {who};"
        rights = ", ".join(sorted({right for each in self.rights.values() for right in each}))
        tables = ", ".join(_named(self.schema, table) for table in self.rights)
        return f"revoke {rights} on {tables} from {who}{' cascade' if self.grantable else ''};"

    def __str__(self) -> str:
        who = "every role (public)" if self.role is None else f"role {self.role}"
        if not self.rights:
            return f"{who} can write to Sartor's tables as a member of {ALL_DATA}; as a superuser, run: {self.revoke}"
        what = "; ".join(f"{', '.join(rights)} on {table}" for table, rights in self.rights.items())
        return f"{who} can write to Sartor's tables in schema {self.schema} ({what}); as the owner, run: {self.revoke}"
