r"""Writes the events of a plan as a psql script: the SQL that a run would send, to be run by hand.

The claims and records are those of `journal`, with their numbers fixed in advance: a script that isn't the first to
write event 12 fails there, and has changed nothing. See the manual's page on psql for what it does to a script:
variables after a colon, `\;` between statements of one message, `\gset` so that a row isn't shown.
"""

from collections.abc import Iterable, Sequence

from sartor.domain.check import AskedSql, Part, SentMessage
from sartor.domain.own_tables import OwnTable
from sartor.domain.rehearsal import Message
from sartor.domain.table_names import OwnTables
from sartor.postgres.driver.fence import CLEANING, FENCE, limit_lock_timeout
from sartor.postgres.invalid_indexes import start_detail
from sartor.postgres.journal import NewEvent, claim_sql, record_sql
from sartor.postgres.session_settings import SessionSettings, set_in_session, without_lock_timeout
from sartor.sql import lexer
from sartor.sql.quoting import quote_comment, quote_literal, quote_word
from sartor.sql.splitting import find_client_copy, may_lift_lock_timeout, split, waits_for_others
from sartor.sql.statements import CHANGES_ROWS, QUERIES, Kind

SETUP = r"""\set ON_ERROR_STOP on
\set ON_ERROR_ROLLBACK off
\set AUTOCOMMIT on
\set QUIET on
"""
"""The psql settings that the script relies on, whatever a `.psqlrc` says; QUIET hides the result of each statement."""

_ENCODING = "\\encoding UTF8\n"
"""The script's own encoding; CLEANING resets it with everything else."""

_PREPARED = "sartor_told"
_SAVEPOINT = "sartor_condition"
_PREPARABLE = frozenset({Kind.SELECT, Kind.VALUES, Kind.WITH}) | CHANGES_ROWS
_PLAIN = (type(None), bool, int, str)
"""The Python types whose values have the same text in SQL, whatever the type of the parameter."""
_SILENT = ("space", "line_comment", "block_comment")


def is_sayable(text: str) -> bool:
    """Returns whether psql sends `text` unchanged.

    It doesn't where a string or a comment never ends, where there is a backslash outside of strings, and where COPY
    copies from or to the client.
    """
    if any(token.kind.startswith("open") or token.kind == "backslash" for token in lexer.tokens(text)):
        return False
    return find_client_copy(text) is None


def say(text: str) -> str:
    """Returns SQL as psql needs it: no name after a colon that looks like a variable, and a semicolon at the end."""
    parts, before, last, ends_in_comment = [], "", "", False
    for token in lexer.tokens(text.strip("\r\n").rstrip()):
        if before == ":" and (token.kind in {"word", "number", "string"} or token.text == "{"):
            parts.append(" ")
        parts.append(token.text)
        # `::` and `:=` are operators, which psql knows.
        before = "" if before == ":" and token.text == ":" else token.text
        ends_in_comment = token.kind == "line_comment"
        last = last if token.kind in _SILENT else token.text
    end = "" if last in {";", ""} else "\n;" if ends_in_comment else ";"
    return "".join(parts) + end + "\n"


def with_values(message: Message) -> str | None:
    """Returns a message as SQL without parameters; None where it isn't certain how SQL writes a value.

    PREPARE infers the types of parameters as the driver's own protocol does, so that a literal is read as the value it
    stands for, whatever functions and operators there are.
    """
    if not message.rows:
        return message.text
    statements = split(message.text)
    values = [value for row in message.rows for value in row]
    if not values or len(statements) != 1 or statements[0].kind not in _PREPARABLE:
        return None
    if not all(type(value) in _PLAIN for value in values):
        return None
    runs = "".join(f"execute {_PREPARED}({', '.join(map(_literal, row))});\n" for row in message.rows)
    return f"prepare {_PREPARED} as {statements[0].text}\n;\n{runs}deallocate {_PREPARED};"


def _literal(value: object) -> str:
    if value is None:
        return "null"
    # The driver accepts True for the number 1 as well; the text 1 is valid for both types.
    return quote_literal(str(int(value) if isinstance(value, int) else value))


def in_transaction(
    event: NewEvent,
    settings: SessionSettings,
    statements: Iterable[SentMessage],
    *,
    requires: Iterable[AskedSql] = (),
    ensures: Iterable[AskedSql] = (),
) -> list[Part]:
    """Returns an event and its work in one transaction, between what it requires and what it ensures."""
    work: list[Part] = [part for sent in statements for part in ("\n", *_limited(sent, settings, local=True))]
    work = [*map(_asking, requires), *work, *map(_asking, ensures)]
    claim, record = _quiet(claim_sql(event, settings)), _quiet(record_sql(event, settings))
    before = f"{_ENCODING}begin;\n-- its claim\n{claim}"
    return [before, *work, f"\n-- its record\n{record}commit;\n{_quiet(CLEANING)}"]


def outside_transaction(
    start: NewEvent,
    end: NewEvent,
    settings: SessionSettings,
    messages: Iterable[SentMessage],
    inside: Iterable[SentMessage] = (),
    *,
    requires: Iterable[AskedSql] = (),
    ensures: Iterable[AskedSql] = (),
) -> list[Part]:
    """Returns two events and, between them, work outside a transaction: each of `messages` is sent as one message.

    What is `inside` belongs to the transaction of the second event. The first one `requires`, the second one `ensures`.

    What a run that resumes after an interruption needs to know is recorded with the first event.
    """
    own, detail = settings.tables, start_detail(settings.tables.schema)
    note = f"{FENCE}update {own.journal} set detail = detail || {detail} where seq = {start.seq}"
    work = [part for sent in messages for part in ("\n", *_at_leisure(sent, settings))]
    began = in_transaction(start, settings, [SentMessage(note)], requires=requires)
    ended = in_transaction(end, settings, inside, ensures=ensures)
    return [*began, f"\n{_ENCODING}{_quiet(set_in_session(settings))}", *work, f"\n{_quiet(CLEANING)}\n", *ended]


def _at_leisure(sent: SentMessage, settings: SessionSettings) -> list[Part]:
    """Returns a message outside a transaction; a statement that waits for others by its nature has no lock_timeout."""
    if settings.lock_timeout and may_lift_lock_timeout(sent.text):
        between, behind = (limit_lock_timeout(settings.lock_timeout, local=local) for local in (True, False))
        return [*_said(_joined(sent, between.removesuffix(";"))), _quiet(behind)]
    said = _said(_joined(sent))
    if not waits_for_others(sent.text):
        return said
    before, behind = without_lock_timeout(settings)
    return [f"{_quiet(before)}", *said, f"{_quiet(behind)}"]


def _limited(sent: SentMessage, settings: SessionSettings, *, local: bool) -> list[Part]:
    """Returns a message; behind each statement that may lift lock_timeout, the limit of the run is restored."""
    if sent.rows is not None or not settings.lock_timeout or not may_lift_lock_timeout(sent.text):
        return _said(sent)
    limit = _quiet(limit_lock_timeout(settings.lock_timeout, local=local))
    return [part for each in split(sent.text) for part in (say(each.text), limit)]


def _said(sent: SentMessage) -> list[Part]:
    return [say(sent.text)] if sent.rows is None else [say(sent.text), sent.rows]


def _joined(sent: SentMessage, *between: str) -> SentMessage:
    """Returns a message that psql sends as one, with SQL between its statements."""
    statements = [statement.text for statement in split(sent.text)]
    return sent if len(statements) < 2 else sent._replace(text=" \\;\n".join(("", *between, "")).join(statements))


def creating(creation: str) -> str:
    return f"begin;\n{FENCE}\n{say(creation)}commit;\n"


def expecting(tables: OwnTables, head: int, token: str | None, own: Sequence[OwnTable]) -> str:
    """Returns SQL that stops unless event `head`, with this token, is the journal's last event.

    Without a token, it stops where there is a ledger. With one, it also stops where one of Sartor's tables isn't an
    ordinary table with the owner given in `own`, or has a trigger or a rule: nothing else may run on a write to it.
    """
    if token is None:
        differs = f"pg_catalog.to_regclass({quote_literal(tables.ledger)}) is not null"
    else:
        last = f"select token from {tables.journal} order by seq desc limit 1"
        count = f"select pg_catalog.max(seq) from {tables.journal}"
        differs = f"{_planted(tables, own)} or ({count}) <> {head} or ({last}) <> {quote_literal(token)}"
    return _stop(
        "the database has changed since this script was written; nothing was changed",
        "write a new script with `sartor db alteration check`",
        condition=differs,
    )


def _planted(tables: OwnTables, own: Sequence[OwnTable]) -> str:
    """Returns the SQL condition that a table isn't a plain one, has another owner, or has a trigger or a rule."""
    whose = ", ".join(f"({quote_literal(each.name)}, {quote_literal(each.owner)})" for each in own)
    return f"""exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = {quote_literal(tables.schema)} and c.relname in {tables.names} and (c.relkind <> 'r'
        or (c.relname, pg_get_userbyid(c.relowner)) not in ({whose})
        or exists (select from pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal)
        or exists (select from pg_rewrite r where r.ev_class = c.oid)))"""


def stopping(reason: str, hint: str) -> str:
    """Returns SQL that stops with `reason`; `hint` says how to go on."""
    return _stop(reason, hint, condition="true")


def _stop(reason: str, hint: str, *, condition: str) -> str:
    body = f"""
begin
    if {condition} then
        raise exception using message = {quote_literal(f"sartor: {reason}")}, hint = {quote_literal(hint)};
    end if;
end
"""
    return f"begin;\n{FENCE}\n{_block(body)}commit;\n"


def _block(body: str) -> str:
    tag = "$sartor$"
    while tag in body:
        tag = tag.replace("$", "$_", 1)
    return f"do {tag}{body}{tag};\n"


def _asking(asked: AskedSql) -> str:
    """Returns SQL that stops where a condition isn't met. It can change nothing, as its savepoint is read-only."""
    query = quote_literal(f"select ({split(asked.query)[0].text}\n) and true")
    part, words = asked.part, asked.words
    failed, unknown = (f"sartor: `{part}` {what}: {words}" for what in ("isn't met", "gives NULL or no row"))
    body = f"""
declare met boolean;
begin
    execute {query} into strict met;
    if met is not true then
        raise exception using message = case when met is null then {quote_literal(unknown)}
            else {quote_literal(failed)} end;
    end if;
end
"""
    lead = f"\n-- {part}: {quote_comment(words)}\nsavepoint {_SAVEPOINT};\nset transaction read only;\n"
    return f"{lead}{_block(body)}rollback to savepoint {_SAVEPOINT};\nrelease savepoint {_SAVEPOINT};\n"


def _quiet(text: str) -> str:
    """Returns Sartor's own statements, each on lines of its own; their rows aren't shown."""
    hidden = " \\gset sartor_"
    return "".join(each.text + (hidden if each.kind in QUERIES else ";") + "\n" for each in split(text))


def echo(text: str) -> str:
    return f"\\echo {quote_word(text)}\n"
