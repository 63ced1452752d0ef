"""Loads SQL scripts: sections and options are comments, statements are sent one by one.

    -- sartor: up
    create table users (id bigint primary key);
    -- sartor: down
    drop table users;

What is in the sections `-- sartor: before_up` and `-- sartor: before_down` runs first, outside the transaction. A
section `-- sartor: require <condition>` has a query that must give true before `up`, and a section
`-- sartor: ensure <condition>` one that must do so after it. Other directives: `-- sartor: transaction off`,
`-- sartor: irreversible <why>` in place of a `down` section, `-- sartor: lock-timeout <time>`, and
`-- sartor: ignore <code>`.
"""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from sartor.alterations import directives
from sartor.alterations.copy_data import Sifted, sift
from sartor.alterations.script import FUNCTIONS, Condition, Fragment, Script, Sender
from sartor.alterations.variables import DIRECTIVE, asks_for_variables, with_values
from sartor.conninfo.parameters import seconds
from sartor.domain.alteration import Alteration
from sartor.domain.plan import Direction
from sartor.domain.source import Part, Text
from sartor.errors import ScriptError, SettingsError
from sartor.sql import lexer, splitting
from sartor.sql.statements import QUERIES

_SECTIONS = {function: direction for direction, function in FUNCTIONS.items()}
_BEFORE = {f"before_{function}": direction for function, direction in _SECTIONS.items()}
_CONDITIONS = {Part.REQUIRE.value, Part.ENSURE.value}
_BACKSLASH = {
    "copy": "write `copy ... from stdin;` followed by the data, or use `conn.copy_to_table` in a Python alteration",
    **dict.fromkeys(("i", "ir", "include", "include_relative"), "write the SQL of that file into this one"),
    **dict.fromkeys(("c", "connect"), "a script stays in its database"),
    "gexec": "use a `do` block with EXECUTE, or a Python alteration",
    ".": "it ends the data of a COPY, but no COPY comes before it",
}
_OPEN = {"'": "string", '"': "quoted name", "$": "dollar quote", "e": "string", "/": "comment"}
_NO_ROWS = "the data of this COPY are missing: end the statement with a semicolon and begin the data on the next line"
_TO_CLIENT = (
    "COPY TO STDOUT isn't supported in a SQL script: copy to a file on the server, or in a Python alteration use"
    " `conn.copy_from_query`"
)


class _Condition(NamedTuple):
    """A section with a condition, whose directive is at `start`."""

    part: Part
    words: str
    start: int
    pieces: list[lexer.Token]


@dataclass(slots=True)
class _Directives:
    """The content of the file's `-- sartor:` lines: sections by their word, as pieces of SQL."""

    sections: dict[str, list[lexer.Token]] = field(default_factory=dict)
    starts: dict[str, int] = field(default_factory=dict)
    conditions: list[_Condition] = field(default_factory=list)
    section: str | None = None
    """The word of the section that is being read."""
    pieces: list[lexer.Token] = field(default_factory=list)
    """The pieces of that section."""
    transactions: dict[str | None, bool] = field(default_factory=dict)
    """Whether there is a transaction, by the section that says so; None for the file's head."""
    irreversible: str | None = None
    lock_timeout: float | None = None
    ignored: list[Text] = field(default_factory=list)

    @property
    def outside(self) -> frozenset[Direction]:
        """The directions that run outside a transaction."""
        both = self.transactions.get(None, True)
        return frozenset(d for word, d in _SECTIONS.items() if not self.transactions.get(word, both))


class _Reader:
    """A file being read, which makes the errors about it."""

    def __init__(self, name: str, sifted: Sifted) -> None:
        self.name = name
        self.sifted = sifted
        self.text = sifted.text

    def wrong(self, offset: int, reason: str, *, hint: str | None = None) -> ScriptError:
        line = self.sifted.lines.at(offset)
        return ScriptError(f"{self.name}, line {line}: {reason}", line=line, hint=hint)

    def fragments(self, pieces: Iterable[lexer.Token]) -> Iterator[Fragment]:
        """Yields the statements of some pieces. Raises ScriptError at a COPY to or from the client without its data."""
        for statement, _ in splitting.each_statement(self.text, pieces):
            rows = self.sifted.rows.get(statement.start)
            copy = statement.client_copy if rows is None else None
            if copy is not None:
                raise self.wrong(statement.start, _NO_ROWS if copy.from_client else _TO_CLIENT)
            line = self.sifted.lines.at(statement.start)
            yield Fragment(statement.text, line, verbatim=self.sifted.exact, rows=rows)


def load_sql(alteration: Alteration, blocks: Iterable[bytes]) -> Script:
    """Loads the script in a file's bytes. Raises ScriptError, naming file, line and reason, where it is invalid."""
    script, _ = read_sql(alteration, blocks)
    inside = (sent for direction, sent in script.fragments.items() if direction not in script.outside)
    for fragment in itertools.chain(*inside):
        if control := splitting.transaction_control(fragment.text):
            raise ScriptError(
                f"{alteration.name}, line {fragment.line}: {control.split()[0].upper()}: Sartor runs each"
                " script in a transaction; remove the line"
                + ("" if alteration.is_repeatable else ", or add `-- sartor: transaction off`"),
                line=fragment.line,
            )
    return script


def read_sql(alteration: Alteration, blocks: Iterable[bytes], *, known: bool = True) -> tuple[Script, tuple[Text, ...]]:
    """Reads a script that isn't to be run; returns it, and the codes that it ignores.

    Where the values of variables aren't `known`, their names stand for them. Raises ScriptError as `load_sql`, but not
    for a statement that ends the transaction.
    """
    sifted = sift(alteration.name, alteration.file, blocks)
    asks = asks_for_variables(sifted.text)
    if asks:
        sifted = with_values(sifted, alteration, known=known)
    reader = _Reader(alteration.name, sifted)
    found = _read_directives(reader, section=FUNCTIONS[Direction.DEPLOY] if alteration.is_repeatable else None)
    sent = {word: tuple(reader.fragments(pieces)) for word, pieces in found.sections.items()}
    fragments = {_SECTIONS[word]: section for word, section in sent.items() if section and word in _SECTIONS}
    before = {_BEFORE[word]: section for word, section in sent.items() if section and word in _BEFORE}
    lines, sender = reader.sifted.lines, Sender(alteration.file)
    conditions = [(each.part, _condition(each, reader, sender)) for each in found.conditions]
    script = Script(
        alteration=alteration,
        bodies=sender.bodies(fragments),
        before=sender.bodies(before),
        fragments=fragments,
        fragments_before=before,
        locate=sender.locate,
        outside=found.outside,
        irreversible=found.irreversible,
        lock_timeout=found.lock_timeout,
        requires=tuple(condition for part, condition in conditions if part is Part.REQUIRE),
        has_variables=asks,
        ensures=tuple(condition for part, condition in conditions if part is Part.ENSURE),
        source=reader.text,
        empty=tuple(Text(word, lines.at(found.starts.get(word, 0))) for word, section in sent.items() if not section),
    )
    return script, tuple(found.ignored)


def _condition(found: _Condition, reader: _Reader, sender: Sender) -> Condition:
    """Returns the condition of a section. Raises ScriptError unless that is one query."""
    sent = list(reader.fragments(found.pieces))
    kinds = [statement.kind for each in sent for statement in splitting.split(each.text)]
    if len(kinds) != 1 or kinds[0] not in QUERIES:
        what = "has no query" if not kinds else "isn't a query" if len(kinds) == 1 else "has more than one statement"
        hint = "write one query below it that gives true or false, such as `select exists (select from users);`"
        raise reader.wrong(found.start, f"the condition `-- sartor: {found.part.value}` {what}", hint=hint)
    words = found.words or " ".join(sent[0].text.split())
    return sender.condition(found.part, words, sent[0])


def read_statements(name: str, file: str, blocks: Iterable[bytes]) -> tuple[Fragment, ...]:
    """Returns the statements of a SQL file that has no sections. Raises ScriptError."""
    reader = _Reader(name, sift(name, file, blocks))
    pieces = [token for token in lexer.pieces(reader.text) if not _is_passed_over(token, reader)]
    for token in pieces:
        _require_closed(token, reader)
    return tuple(reader.fragments(pieces))


def _read_directives(reader: _Reader, *, section: str | None) -> _Directives:
    """Reads the directives of a file that begins in `section`, where it needn't say so. Raises ScriptError."""
    found = _Directives(section=section)
    if section is not None:
        found.sections[section] = found.pieces
    for suspect in directives.suspects(reader.text):
        raise reader.wrong(suspect.end, _not_one(suspect.text))
    for token in lexer.pieces(reader.text):
        said = directives.directive(token.text) if token.kind == "line_comment" else None
        if said is not None:
            _take(found, said, token, reader)
            continue
        _require_closed(token, reader)
        if "comment" in token.kind:
            _require_plain(token, found.section, reader)
        if _is_passed_over(token, reader):
            continue
        if found.section is not None:
            found.pieces.append(token)
        elif not token.is_blank:
            place = token.end - len(token.text.lstrip())
            raise reader.wrong(place, "SQL stands before the first `-- sartor: up` line")
    return found


def _take(found: _Directives, directive: str, token: lexer.Token, reader: _Reader) -> None:
    word, _, rest = directive.partition(" ")
    before = reader.text[reader.text.rfind("\n", 0, token.start) + 1 : token.start]
    if before.strip("\ufeff \t\r\f\v") and word != "ignore":
        raise reader.wrong(token.start, f"`-- sartor: {directive}` follows other text: put it on a line of its own")
    if directive in _SECTIONS | _BEFORE or word in _CONDITIONS:
        _begin_section(found, directive, token, reader)
    elif directive in {"transaction off", "transaction on"}:
        _take_transaction(found, token, reader, on=rest == "on")
    elif directive == DIRECTIVE:
        if found.starts or found.conditions:
            raise reader.wrong(token.start, "`variables` is in a section: write it above all sections")
    elif word == "irreversible" and rest:
        found.irreversible = rest
    elif word == "lock-timeout" and rest:
        try:
            found.lock_timeout = seconds(word, rest)
        except SettingsError as error:
            raise reader.wrong(token.start, str(error), hint=error.hint) from error
    elif word == "ignore" and rest:  # that one is for `lint`
        found.ignored += directives.ignored_by(token.text, reader.sifted.lines.at(token.start))
    else:
        known = directives.KNOWN
        raise reader.wrong(token.start, f"unknown directive `-- sartor: {directive}`; known are {known}")


def _take_transaction(found: _Directives, token: lexer.Token, reader: _Reader, *, on: bool) -> None:
    """Notes whether there is a transaction: below `up` or `down` for that section, above them for both."""
    section = found.section if found.starts or found.conditions else None
    if section is not None and section not in _SECTIONS:
        reason = f"`transaction` is in the section `{section}`: write it below `up` or `down`, or above all sections"
        raise reader.wrong(token.start, reason)
    found.transactions[section] = on


def _begin_section(found: _Directives, directive: str, token: lexer.Token, reader: _Reader) -> None:
    word, _, rest = directive.partition(" ")
    if word in _CONDITIONS:
        found.section, found.pieces = word, []
        found.conditions.append(_Condition(Part(word), rest.strip(), token.start, found.pieces))
        return
    if any(not piece.is_blank for piece in found.sections.get(directive, ())) and directive not in found.starts:
        raise reader.wrong(token.start, f"SQL stands before the `-- sartor: {directive}` line: remove the line")
    if directive in found.starts:
        raise reader.wrong(token.start, f"the section `{directive}` is there twice")
    found.section, found.pieces = directive, []
    found.sections[directive], found.starts[directive] = found.pieces, token.start


def _require_plain(token: lexer.Token, section: str | None, reader: _Reader) -> None:
    """Raises ScriptError where a reader would take a comment for a directive, or for another section's start."""
    at = token.start
    for line in token.text.splitlines(keepends=True):
        if directives.is_nearly(line):
            raise reader.wrong(at, _not_one(line.strip()))
        if section is not None and directives.other_section(line, section):
            raise reader.wrong(
                at,
                f"`{line.strip()}` is in the section `{section}`, and doesn't begin a new section",
                hint="begin a section with `-- sartor: up` or `-- sartor: down`; if the line is a comment, reword it",
            )
        at += len(line)


def _not_one(line: str) -> str:
    return (
        f"`{line[:60]}` looks like a directive but isn't one: write it like `-- sartor: down`, on a"
        f" line of its own ({directives.KNOWN}), or reword the comment"
    )


def _require_closed(token: lexer.Token, reader: _Reader) -> None:
    if token.kind in {"open", "open_comment"}:
        raise reader.wrong(token.start, f"unterminated {_OPEN[token.text[0].lower()]}")


def _is_passed_over(token: lexer.Token, reader: _Reader) -> bool:
    """Returns whether a token is a psql command that does nothing. Raises ScriptError at any other psql command."""
    if token.kind != "backslash":
        return False
    begins_line = token.start == 0 or reader.text[token.start - 1] in "\r\n"
    command = token.text[1:]
    match command.split():
        case ["restrict" | "unrestrict", key] if begins_line and key.isascii() and key.isalnum():
            return True  # pg_dump writes it for psql's safety
    name = "".join(itertools.takewhile(str.isidentifier, command)) or command[:1]
    raise reader.wrong(
        token.start,
        f"`\\{name}` is a psql command, which isn't supported in a script: "
        + _BACKSLASH.get(name, "remove it, or use a Python alteration"),
    )
