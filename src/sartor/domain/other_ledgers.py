"""The tables in which other tools keep what they have deployed, by which a database of theirs is known."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, NamedTuple

from sartor.sql.quoting import quote_if_needed

if TYPE_CHECKING:
    from sartor.domain.drift import Difference, Drift


class OtherLedger(NamedTuple):
    """A tool's own table, with columns that tell it from others of that name; `also` are further tables of the tool.

    `imports` is the tool's name for `import`, "" where its scripts can't be imported.
    """

    tool: str
    table: str
    columns: frozenset[str]
    imports: str = ""
    also: tuple[str, ...] = ()

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of all tables of the tool."""
        return self.table, *self.also


def _of(tool: str, table: str, columns: str, imports: str = "", *, also: str = "") -> OtherLedger:
    return OtherLedger(tool, table, frozenset(columns.split()), imports, tuple(also.split()))


OTHER_LEDGERS = (
    _of("golang-migrate", "schema_migrations", "version dirty", "golang-migrate"),
    _of("Rails", "schema_migrations", "version", also="ar_internal_metadata"),
    _of("dbmate", "schema_migrations", "version", "dbmate"),
    _of("goose", "goose_db_version", "version_id is_applied", "goose"),
    _of("Flyway", "flyway_schema_history", "installed_rank version success", "flyway"),
    _of("Prisma", "_prisma_migrations", "migration_name finished_at", "prisma"),
    _of("Alembic", "alembic_version", "version_num", "alembic"),
    _of("Django", "django_migrations", "app name applied", "django"),
    _of("sqlx", "_sqlx_migrations", "version description success", "sqlx"),
    _of("Liquibase", "databasechangelog", "id author filename", also="databasechangeloglock"),
    _of("Diesel", "__diesel_schema_migrations", "version run_on", "pairs"),
    _of("Atlas", "atlas_schema_revisions", "version applied"),
    _of("sql-migrate", "gorp_migrations", "id applied_at"),
    _of("Knex", "knex_migrations", "name batch", also="knex_migrations_lock"),
    _of("node-pg-migrate", "pgmigrations", "name run_on"),
    _of("Sequelize", "SequelizeMeta", "name"),
    _of("Entity Framework", "__EFMigrationsHistory", "MigrationId ProductVersion"),
    _of("TypeORM", "migrations", "id timestamp name"),
    _of("Laravel", "migrations", "id migration batch"),
)
"""The tools that are known; of several with a table of one name it is the first whose columns and tables are there."""

_TABLES = frozenset(table for each in OTHER_LEDGERS for table in each.tables)
COMMON = frozenset({"migrations"})
"""Names that a product may well have a table of: only their columns tell whose it is."""
NAMES = tuple(sorted(_TABLES))
"""The names of all tables of other tools."""


def other_tool(columns: Mapping[str, Collection[str]]) -> OtherLedger | None:
    """Returns the tool of which a schema has the tables; `columns` are those of the tables called as in NAMES."""
    for each in OTHER_LEDGERS:
        if each.columns <= set(columns.get(each.table, ())) and all(table in columns for table in each.also):
            return each
    return None


def without_other_ledgers(drift: Drift) -> Drift:
    """Returns a drift from a replay in which tables with the names of other tools' ledgers are ignored.

    Only those are that the alterations don't make.
    """
    theirs = {each for each in (*drift.differences, *drift.noted) if _is_theirs(each)}
    if not theirs:
        return drift
    return drift._replace(
        differences=tuple(each for each in drift.differences if each not in theirs),
        noted=tuple(each for each in drift.noted if each not in theirs),
        ignored=(*drift.ignored, *(each for each in (*drift.differences, *drift.noted) if each in theirs)),
    )


def is_left_out(table: str) -> bool:
    """Returns whether a table of this name counts in no comparison with a replay, whoever made it."""
    return table in _TABLES - COMMON


def _is_theirs(difference: Difference) -> bool:
    _, _, name = difference.name.rpartition(".")
    return difference.kind == "table" and difference.before is None and name in _SPELLED


_SPELLED = frozenset(quote_if_needed(table) for table in _TABLES - COMMON)
"""The names as a fingerprint has them."""
