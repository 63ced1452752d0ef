"""Says what a statement is and does, as far as its text shows.

The server alone understands a statement. Where a property says what a statement can't do, it is so; the functions that
a statement calls are known by name only.
"""

import itertools
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import NamedTuple

from sartor.sql.grammar import Action, Cursor, Head, read_actions, read_head
from sartor.sql.lexer import Token, layers, meaning, tokens

Kind = Enum(
    "Kind",
    "ABORT ALTER ANALYZE BEGIN CALL CHECKPOINT CLOSE CLUSTER COMMENT COMMIT COPY CREATE DEALLOCATE DECLARE DELETE "
    "DISCARD DO DROP END EXECUTE EXPLAIN FETCH GRANT IMPORT INSERT LISTEN LOAD LOCK MERGE MOVE NOTIFY PREPARE REASSIGN "
    "REFRESH REINDEX RELEASE RESET REVOKE ROLLBACK SAVEPOINT SECURITY SELECT SET SHOW START TABLE TRUNCATE UNLISTEN "
    "UPDATE VACUUM VALUES WITH OTHER",
)
"""The first word of a statement, which says what it is; `OTHER` where it begins with no command's word."""
_KINDS = {kind.name.lower(): kind for kind in Kind if kind is not Kind.OTHER}

QUERIES = frozenset({Kind.SELECT, Kind.TABLE, Kind.VALUES, Kind.WITH})
CHANGES_ROWS = frozenset({Kind.DELETE, Kind.INSERT, Kind.MERGE, Kind.UPDATE})
_OF_OBJECTS = frozenset({Kind.ALTER, Kind.COMMENT, Kind.CREATE, Kind.DROP, Kind.REFRESH, Kind.REINDEX, Kind.SECURITY})
_CONTROL = frozenset({Kind.ABORT, Kind.BEGIN, Kind.COMMIT, Kind.END})
_OF_SERVER = frozenset({"role", "group", "user", "database", "tablespace", "subscription", "system"})
"""The types of objects that belong to the server, or reach another one."""
_ALONE = frozenset(
    {(Kind.VACUUM, ""), (Kind.ALTER, "system")}
    | {(kind, type_) for kind in (Kind.CREATE, Kind.DROP) for type_ in ("database", "tablespace", "subscription")}
    | {(Kind.REINDEX, "database"), (Kind.REINDEX, "schema"), (Kind.REINDEX, "system")}
)
_INSIDE = frozenset(
    {(Kind.CREATE, "index"), (Kind.DROP, "index"), (Kind.ALTER, "table"), (Kind.ALTER, "type")}
    | {(Kind.REINDEX, "index"), (Kind.REINDEX, "table"), (Kind.REINDEX, "schema")}
)
_PROGRAMS = frozenset({Kind.CALL, Kind.DO})
_ROUTINES = frozenset({"function", "procedure"})
_DEFINING = frozenset({"function", "procedure", "routine", "trigger"})
_TABLES = frozenset({"table", "foreign table"})
_NO_CALL = frozenset({"as", "into", "only", "recursive", "references", "table", "with"})
"""Words before a name with a parenthesis that is no function's."""
_SESSION = _PROGRAMS | frozenset(
    {Kind.DEALLOCATE, Kind.DECLARE, Kind.DISCARD, Kind.EXECUTE}
    | {Kind.LISTEN, Kind.LOAD, Kind.PREPARE, Kind.RESET, Kind.UNLISTEN}
)
"""The kinds that may leave something in the session, whatever they say."""
_SYNTAX = """
    all and any array as between by case check coalesce conflict cube default distinct else exclude exists extract
    filter from generated greatest group having identity ilike if in include insert interval is key lateral least like
    materialized not nullif on or over partition primary range returning returns rollup row select set sets some then
    unique using values when where with within
    bigint bit char character date decimal float int integer numeric real text time timestamp timestamptz varbit varchar
"""
_CALM = """
    abs array_agg avg concat count gen_random_uuid generate_series jsonb_build_object length lower ltrim max md5 min
    now random regexp_replace replace round row_number rtrim substring sum to_char trim upper
"""
_KNOWN = frozenset((_SYNTAX + _CALM).split())
"""Words before a parenthesis that are no functions, or functions of Postgres that leave nothing in the session."""


class ClientCopy(NamedTuple):
    """A COPY that has the client send rows (`from_client`) or receive them, and whether in binary.

    STDIN and STDOUT mean the same, what counts is FROM or TO (gram.y, CopyStmt).
    """

    statement: str
    from_client: bool
    binary: bool


@dataclass(frozen=True)
class Statement:
    """One statement without its semicolon; `start` is its offset in the text that it is from."""

    text: str
    start: int = 0

    @cached_property
    def tokens(self) -> list[Token]:
        return meaning(self.text)

    @cached_property
    def words(self) -> tuple[str, ...]:
        """All words, in lower case, with `""` for a quoted name."""
        named = (token for token in self.tokens if token.name is not None)
        return tuple(token.word if token.kind == "word" else '""' for token in named)

    @cached_property
    def outer(self) -> list[Token]:
        """The tokens that are in no parentheses, up to a semicolon in it."""
        return [token for token in Cursor(self.tokens).clause() if token is not None]

    @cached_property
    def kind(self) -> Kind:
        """The kind, by the first word; the parentheses around a query don't count."""
        first = next((token for token in tokens(self.text) if not token.is_blank and token.text != "("), None)
        return Kind.OTHER if first is None else _KINDS.get(first.word, Kind.OTHER)

    @cached_property
    def head(self) -> Head:
        """The type and the names of the objects that it is about, where it creates, alters or drops them."""
        return self._head[0]

    @cached_property
    def actions(self) -> tuple[Action, ...]:
        return tuple(read_actions(Cursor(self.tokens, self._head[1]))) if self.kind is Kind.ALTER else ()

    @cached_property
    def _head(self) -> tuple[Head, int]:
        cursor = Cursor(self.tokens, 1)
        head = read_head(cursor) if self.kind in _OF_OBJECTS else Head()
        return head, cursor.at

    @property
    def placeholders(self) -> list[str]:
        """The words in angle brackets, such as `<table>`: no statement has one that Postgres takes."""
        around = ((f"<{each.text}>", each.start - 1) for each in self.tokens if each.kind == "word")
        return [
            word
            for word, at in around
            if self.text.startswith(word, max(at, 0)) and self.text[at + len(word) : at + len(word) + 1] != ">"
        ]

    def starts(self, *beginnings: str) -> bool:
        return any(self.words[: len(words)] == tuple(words) for words in map(str.split, beginnings))

    @property
    def controls_transaction(self) -> bool:
        """True where it begins or ends a transaction: `COMMIT`, not `ROLLBACK TO`."""
        match self.kind:
            case Kind.ROLLBACK:
                return not self.is_savepoint
            case Kind.START | Kind.PREPARE:
                return self.starts("start transaction", "prepare transaction")
            case _:
                return self.kind in _CONTROL

    @property
    def is_savepoint(self) -> bool:
        """True where it makes a savepoint, releases one or goes back to one."""
        if self.kind is not Kind.ROLLBACK:
            return self.kind in {Kind.SAVEPOINT, Kind.RELEASE}
        return self.starts("rollback to", "rollback work to", "rollback transaction to")

    @property
    def waits_for_others(self) -> bool:
        """True where it waits for other transactions by its nature, as CREATE INDEX CONCURRENTLY does.

        A lock_timeout would interrupt such a wait, and leave an invalid index; the wait keeps no other session waiting.
        """
        if self.kind is Kind.ALTER:
            return any(each.what == "detach partition" and each.rest[-1:] == ("concurrently",) for each in self.actions)
        return self.kind in {Kind.CREATE, Kind.DROP, Kind.REINDEX} and self.head.concurrently

    @property
    def refuses_transaction(self) -> bool:
        """True where the server refuses it in a transaction, whatever it is about."""
        alone = (self.kind, self.head.type) in _ALONE or self.words in {("cluster",), ("cluster", "verbose")}
        return alone or self.starts("discard all") or self.waits_for_others

    @property
    def changes_server(self) -> bool:
        """True where it creates, alters or drops what belongs to the server, such as a role or a database."""
        return self.kind in {Kind.CREATE, Kind.ALTER, Kind.DROP} and self.head.type in _OF_SERVER

    @property
    def stays_in_database(self) -> bool:
        """True for CALL, DO and what refuses a transaction, where it is known to change nothing beyond its database."""
        if (self.kind, self.head.type) not in _INSIDE and self.kind not in _PROGRAMS | {Kind.CLUSTER, Kind.VACUUM}:
            return False
        # A DO may itself commit what it has changed.
        words = ([*(token.word for token in layer), ""] for layer in layers(self.text))
        return not any(
            verb in {"create", "alter", "drop"} and type_ in _OF_SERVER and (type_, after) != ("user", "mapping")
            for found in words
            for verb, type_, after in zip(found, found[1:], found[2:], strict=False)
        )

    @property
    def client_copy(self) -> ClientCopy | None:
        """The COPY from or to the client, for which both exchange messages of their own; else None."""
        if self.kind is not Kind.COPY:
            return None
        words = [token.word for token in self.outer]
        end = next((at for at, word in enumerate(words) if word in {"from", "to"}), len(words))
        if words[end + 1 : end + 2] not in (["stdin"], ["stdout"]):
            return None
        every = [token.word.lower().strip("'\"") for token in self.tokens]
        binary = "binary" in words or ("format", "binary") in itertools.pairwise(every)
        return ClientCopy(self.text, words[end] == "from", binary)

    @property
    def leaves_trace(self) -> bool:
        """True where it may leave something in the session: a setting, a temporary table, a lock, a listener.

        A trigger, or a function that a default calls, may leave something that no text shows.
        """
        if self.kind is Kind.SET:
            return not self.starts("set local", "set transaction", "set constraints")
        made = self.head.modifiers if self.kind is Kind.CREATE else self.words if "into" in self.words else ()
        temporary = not {"temp", "temporary"}.isdisjoint(made) or re.search(r"(?i)\bpg_temp\b", self.text) is not None
        return temporary or self.kind in _SESSION or not self.calls <= _KNOWN

    @cached_property
    def calls(self) -> frozenset[str]:
        """The names of functions that it may call, without schemas; some of them are no functions.

        A new table's defaults don't count: the statements that fill it call them.
        """
        defines = self.kind in {Kind.CREATE, Kind.ALTER} and self.head.type in _DEFINING
        table = self.kind is Kind.CREATE and self.head.type in _TABLES and not self.runs_query
        if defines or table or self.kind in {Kind.DROP, Kind.COMMENT, Kind.GRANT, Kind.REVOKE}:
            return frozenset()
        return frozenset(called(self.tokens, {"on", "using"} if self.head.type == "index" else frozenset()))

    @property
    def runs_query(self) -> bool:
        """True where it defines a table or a view by a query, as CREATE TABLE AS does."""
        return self.kind is Kind.CREATE and any(token.word == "as" for token in self.outer)

    @property
    def runs_code(self) -> bool:
        """True where it is a program, DO or CALL, whose path depends on the data that it finds."""
        return self.kind in _PROGRAMS

    @property
    def block(self) -> str | None:
        """The SQL that a DO runs; None for any other statement."""
        if self.kind is not Kind.DO:
            return None
        return next((code for token in self.tokens if (code := token.code) is not None), None)

    @property
    def makes_function(self) -> str | None:
        """The name of the function that it creates, where that may change something; else None."""
        options = itertools.takewhile(lambda word: word not in {"atomic", "return"}, (each.word for each in self.outer))
        harmless = not {"immutable", "stable"}.isdisjoint(options)
        if self.kind is not Kind.CREATE or self.head.type not in _ROUTINES or harmless:
            return None
        return self.head.names[0][-1] if self.head.names[0] else None


def called(found: Sequence[Token], others: Collection[str] = ()) -> Iterator[str]:
    """Yields the names that a parenthesis follows, unless a word before, also one of `others`, says what they name."""
    for at in range(1, len(found)):
        if found[at].text != "(" or (name := found[at - 1].name) is None:
            continue
        start = at - 1
        while start > 1 and found[start - 1].text == ".":
            start -= 2
        before = found[start - 1].word if start else ""
        if before not in _NO_CALL and before not in others:
            yield name
