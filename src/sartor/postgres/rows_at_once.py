"""Records many alterations as deployed at once: an event of the journal and a row of the ledger for each."""

import json
import secrets
import socket
from collections.abc import Iterable, Mapping

from sartor import __version__
from sartor.domain.alteration import Alteration
from sartor.domain.ledger import FORMAT, EventKind
from sartor.domain.table_names import OwnTables
from sartor.sql.quoting import quote_literal

_WRITE = """
with given as (
    select * from pg_catalog.jsonb_to_recordset({rows}::pg_catalog.jsonb) as g (seq pg_catalog.int8,
        token pg_catalog.text, lineage pg_catalog.text, id pg_catalog.text, release pg_catalog.text,
        name pg_catalog.text, checksum pg_catalog.text, down pg_catalog.text)
), told as (
    insert into {journal} (seq, prev, token, kind, lineage, id, release, name, checksum, by_user, host, sartor, format,
        detail)
    select seq, seq operator(pg_catalog.-) 1, token, {kind}, lineage, id, release, name, checksum, session_user,
        {host}, {version}, {format}, {detail}::pg_catalog.jsonb
    from given
)
insert into {ledger} (lineage, id, release, name, checksum, state, deployed_at, deployed_by, host, sartor, seq, format,
    down)
select lineage, id, release, name, checksum, 'deployed', pg_catalog.clock_timestamp(), session_user, {host}, {version},
    seq, {format}, down
from given
"""


def rows_sql(
    tables: OwnTables,
    deployed: Iterable[tuple[Alteration, str | None]],
    *,
    after: int,
    kind: EventKind,
    detail: Mapping[str, object],
) -> str:
    """Returns the SQL that records alterations as deployed, as the events of a `kind` after `after`.

    Each comes with its down, as the ledger keeps it. The SQL belongs into the transaction that claims event `after`, or
    behind that for the events before these.
    """
    rows = [
        {
            "seq": seq,
            "token": secrets.token_hex(12),
            "lineage": each.lineage,
            "id": each.id,
            "release": each.release.label,
            "name": each.name,
            "checksum": each.checksum,
            "down": down,
        }
        for seq, (each, down) in enumerate(deployed, after + 1)
    ]
    return _WRITE.format(
        rows=quote_literal(json.dumps(rows, ensure_ascii=False)),
        journal=tables.journal,
        ledger=tables.ledger,
        host=quote_literal(socket.gethostname()),
        version=quote_literal(__version__),
        format=FORMAT,
        kind=quote_literal(kind.value),
        detail=quote_literal(json.dumps(dict(detail), ensure_ascii=False)),
    )
