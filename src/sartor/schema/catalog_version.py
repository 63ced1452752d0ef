"""Reads the catalog version: a short text that differs once anything that a fingerprint reads has changed."""

from __future__ import annotations

from sartor.domain.fingerprint import FORMAT
from sartor.postgres.driver.connection import DriverConnection

CATALOGUES = (
    "aggregate", "am", "amop", "amproc", "attrdef", "attribute", "cast", "class", "collation", "constraint",
    "conversion", "default_acl", "depend", "description", "enum", "extension", "foreign_data_wrapper",
    "foreign_server", "foreign_table", "index", "inherits", "language", "namespace", "opclass", "operator", "opfamily",
    "partitioned_table", "policy", "proc", "range", "rewrite", "sequence", "statistic_ext", "tablespace", "transform",
    "trigger", "ts_config", "ts_config_map", "ts_dict", "ts_parser", "ts_template", "type",
)  # fmt: skip
"""The catalogues that the files in `objects/` name or the server's functions look up for them; without `pg_`."""

# A write gives a row the number of its transaction, which no row had before; the number stays when the row is frozen.
# Few may read the catalogue of roles: its view has no transaction numbers, so the names of roles count there.
_ROWS = " union all ".join(f"select xmin::text from pg_catalog.pg_{name}" for name in CATALOGUES)
_QUERY = f"""
select pg_catalog.concat_ws('.', {FORMAT}, pg_catalog.current_setting('server_version_num'), pg_catalog.count(*),
    pg_catalog.sum(pg_catalog.hashtextextended(written, 0)))
from ({_ROWS} union all select pg_catalog.concat(oid, rolname) from pg_catalog.pg_roles) as rows (written)
"""


async def read_catalog_version(connection: DriverConnection) -> str:
    """Returns the catalog version of the database now. Raises what the driver raises.

    Equal versions mean that a fingerprint in `Scope.SCHEMAS` would be the same. Different ones mean nothing: a
    temporary table changes the version, and so does one in another schema. Reading it costs a tenth of a fingerprint,
    and waits for no lock.
    """
    version: str = await connection.fetchval(_QUERY)
    return version
