"""Gives the sessions of a clone what a database and a role have set for their sessions."""

from __future__ import annotations

from sartor.postgres.driver.connection import Connection
from sartor.postgres.errors import ServerError
from sartor.sql.quoting import quote_identifier, quote_literal

PINNED = frozenset({"search_path", "role", "session_authorization"})
"""Settings that a script's session has from elsewhere: Sartor's own path, and its role."""
_LISTS = frozenset({"temp_tablespaces", "local_preload_libraries", "session_preload_libraries"})
"""Settings that are stored quoted, as a list of names."""
_SET = """
select pg_catalog.split_part(entry, '=', 1) as name,
    pg_catalog.substr(entry, pg_catalog.strpos(entry, '=') + 1) as value
from pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) entry
where s.setdatabase in (0, (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database()))
    and s.setrole in (0, (select oid from pg_catalog.pg_roles where rolname = session_user))
order by s.setrole <> 0, s.setdatabase <> 0
"""
"""Selects the settings of a session's database and role, each before those that override it."""


async def adopt_session_defaults(live: Connection, clone: Connection) -> list[str]:
    """Sets for later sessions of `clone` what those of `live` begin with; returns the settings that were refused."""
    found = {row["name"]: row["value"] for row in await live.fetch(_SET)}
    who, where = await clone.fetchrow("select session_user::text, pg_catalog.current_database()::text")
    begin = f"alter role {quote_identifier(who)} in database {quote_identifier(where)} set"
    refused = []
    for name, value in found.items():
        if name.lower() in PINNED:
            continue
        given = value if name.lower() in _LISTS and value else quote_literal(value)
        try:
            await clone.execute(f"{begin} {'.'.join(map(quote_identifier, name.split('.')))} = {given}")
        except ServerError:
            refused.append(name)
    return refused
