"""Compares a schema with an earlier or a restored one: where two texts differ, has the server parse both again.

Postgres writes an expression in other words once it has read its own text, as after a restore, and each major version
in its own. So both texts become temporary objects in a transaction that is rolled back, and what the server prints of
them is compared. Nothing of a stranger's runs: a temporary view is parsed, not planned. An event trigger would run, and
so might a domain's check for a literal of a composite: there the texts are compared as they are.
"""

from sartor.domain.drift import Comparison, Difference, find_differences
from sartor.domain.fingerprint import Fingerprint
from sartor.postgres.driver.connection import DriverConnection
from sartor.postgres.errors import INSUFFICIENT_PRIVILEGE, ServerError
from sartor.schema.fingerprint import pinned
from sartor.schema.queries import Query, literal_types, split

_HINDRANCE = """
select case
    when pg_is_in_recovery() then 'the server is a standby'
    when current_setting('transaction_read_only')::bool then 'transactions are read-only'
    when not has_database_privilege(current_database(), 'temporary') then format(
        'role %s may not create temporary objects: grant temporary on database %I to %I;',
        current_user, current_database(), current_user)
    else (
        select format('event trigger %I would run', evtname) from pg_event_trigger
        where evtenabled <> 'D' and evtevent in ('ddl_command_start', 'ddl_command_end')
            and (evttags is null or evttags && '{CREATE VIEW,CREATE RULE,CREATE FUNCTION,CREATE PROCEDURE}')
        order by 1 limit 1)
end
"""
_HARMLESS = """
select bool_and(coalesce(
    t.typtype in ('b', 'e') and (t.typelem = 0 or e.typtype in ('b', 'e') and e.typelem = 0), false))
from unnest($1::text[]) given (name)
left join pg_type t on t.oid = to_regtype(given.name)
left join pg_type e on e.oid = t.typelem
"""
"""Selects whether no literal of these types runs code of a user's: a composite's, and an array's of domains, may."""


_OF_THE_TEXT = frozenset({"22", "42"})
"""The classes of SQLSTATE by which a text can't be right here: it names what is gone, or a value that isn't one."""

_Pairs = tuple[tuple[Query, Query], ...]


class _Unread(Exception):
    """The server wasn't asked for a text, or refused to parse it."""


async def compare(connection: DriverConnection, expected: Fingerprint, live: Fingerprint) -> Comparison:
    """Compares what is expected with what is `live` on this connection; changes nothing.

    Raises what the driver raises where the connection is lost.
    """
    found = find_differences(expected, live)
    texts = {each: pairs for each in found if (pairs := _pairs(each))}
    same, unread, why = set[Difference](), list[Difference](), ""
    if texts:
        async with pinned(connection):
            await connection.execute("set local check_function_bodies = off")
            hindrance = await connection.fetchval(_HINDRANCE)
            for each, pairs in texts.items():
                try:
                    if await _alike(connection, pairs, hindrance):
                        same.add(each)
                except _Unread as error:
                    unread.append(each)
                    why = why or str(error)
    settled = same if expected.server == live.server else same.union(unread)
    return Comparison(tuple(each for each in found if each not in settled), tuple(unread), why)


def _pairs(difference: Difference) -> _Pairs:
    """Returns the queries that differ between two definitions; none where something else differs too."""
    if difference.before is None or difference.after is None:
        return ()
    before, after = (
        split(difference.kind, difference.name, difference.parent, text)
        for text in (difference.before, difference.after)
    )
    if before.frame != after.frame:
        return ()
    return tuple((one, other) for one, other in zip(before.queries, after.queries, strict=True) if one != other)


async def _alike(connection: DriverConnection, pairs: _Pairs, hindrance: str | None) -> bool:
    """Returns whether the server prints two texts alike. Raises _Unread where it can't parse the live one either."""
    if hindrance:
        raise _Unread(hindrance)
    for older, newer in pairs:
        try:
            live = await _print(connection, newer)
        except ServerError as error:
            raise _Unread(str(error)) from error
        try:
            if await _print(connection, older) != live:
                return False
        except ServerError as error:
            if error.sqlstate == INSUFFICIENT_PRIVILEGE or error.sqlstate[:2] not in _OF_THE_TEXT:
                raise _Unread(str(error)) from error
            return False
    return True


async def _print(connection: DriverConnection, query: Query) -> str:
    """Has the server parse a text, and returns how it prints it. Raises _Unread, and what the driver raises."""
    types = literal_types(" ".join(query.statements))
    if types is None or (types and not await connection.fetchval(_HARMLESS, list(types))):
        raise _Unread("reading its literals could run a domain's check")
    savepoint = connection.transaction()
    await savepoint.start()
    try:
        # Not by `execute`, which would run several statements where a hostile text holds them.
        for statement in query.statements:
            await connection.fetch(statement)
        return str(await connection.fetchval(query.printed))
    finally:
        await savepoint.rollback()
