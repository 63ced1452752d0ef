"""A stamp of the catalogue: a short text that is another one once anything was changed of what fingerprints look at."""

from __future__ import annotations

from typing import Any

import asyncpg

from sartor.domain.fingerprint import FORMAT

CATALOGUES = (
    "aggregate", "am", "amop", "amproc", "attrdef", "attribute", "cast", "class", "collation", "constraint",
    "conversion", "default_acl", "depend", "description", "enum", "extension", "foreign_data_wrapper",
    "foreign_server", "foreign_table", "index", "inherits", "language", "namespace", "opclass", "operator", "opfamily",
    "partitioned_table", "policy", "proc", "range", "rewrite", "sequence", "statistic_ext", "tablespace", "transform",
    "trigger", "ts_config", "ts_config_map", "ts_dict", "ts_parser", "ts_template", "type",
)  # fmt: skip
"""What the files in `objects/` name, and what the server's own functions look up for them: each is a `pg_...`."""

# Whoever writes a row gives it the number of the transaction, which no row had before; numbers stay when rows are
# frozen. Roles are a view on what few may read: there it is the names that count.
_ROWS = " union all ".join(f"select xmin::text from pg_catalog.pg_{name}" for name in CATALOGUES)
_QUERY = f"""
select pg_catalog.concat_ws('.', {FORMAT}, pg_catalog.current_setting('server_version_num'), pg_catalog.count(*),
    pg_catalog.sum(pg_catalog.hashtextextended(written, 0)))
from ({_ROWS} union all select pg_catalog.concat(oid, rolname) from pg_catalog.pg_roles) as rows (written)
"""


async def read_stamp(connection: asyncpg.Connection[Any]) -> str:
    """The database's stamp now. Raises what the driver raises.

    Two that are equal say that a fingerprint in `Scope.SCHEMAS` would be the same. Two that differ say nothing: a
    temporary table changes it, and so does another schema's. It costs a tenth of a fingerprint, and waits for no lock.
    """
    stamp: str = await connection.fetchval(_QUERY)
    return stamp
