"""SQL scripts: sections and options in comments, statements sent one by one.

    -- sartor: up
    create table users (id bigint primary key);
    -- sartor: down
    drop table users;

Further lines: `-- sartor: transaction off`, `-- sartor: irreversible <why>` in place of a `down` section, and
`-- sartor: ignore <code>`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from sartor.catalogue.fragments import straight_script
from sartor.catalogue.script import FUNCTIONS, Fragment, Script
from sartor.domain import sql
from sartor.domain.alteration import Alteration
from sartor.domain.errors import ScriptError
from sartor.domain.lines import Lines

_DIRECTIVE = re.compile(r"--\s*sartor\s*:\s*(?P<text>.*?)\s*")
_SECTIONS = {function: direction for direction, function in FUNCTIONS.items()}


@dataclass(slots=True)
class _Directives:
    """What the file's `-- sartor:` lines say: sections by their word, as pieces of SQL."""

    sections: dict[str, list[sql.Token]] = field(default_factory=dict)
    transactional: bool = True
    irreversible: str | None = None


def load_sql(alteration: Alteration, content: bytes) -> Script:
    """The script in `content`. Raises ScriptError, naming file, line and reason, where it can't be one."""
    script = read_sql(alteration, content)
    if script.transactional and sql.may_control(script.source):
        for fragments in script.fragments.values():
            _refuse_control(alteration, fragments)
    return script


def read_sql(alteration: Alteration, content: bytes) -> Script:
    """The same for a script that isn't to run: what would end Sartor's transaction is let pass."""
    text = _decode(alteration, content)
    directives = _read_directives(alteration, text)
    lines = Lines(text)
    return straight_script(
        alteration,
        {_SECTIONS[word]: tuple(_fragments(text, lines, pieces)) for word, pieces in directives.sections.items()},
        transactional=directives.transactional,
        irreversible=directives.irreversible,
        source=text,
    )


def _decode(alteration: Alteration, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ScriptError(f"{alteration.name}, line {line}: not UTF-8", line=line) from error


def _read_directives(alteration: Alteration, text: str) -> _Directives:
    found, section = _Directives(), None  # type: _Directives, list[sql.Token] | None
    for token in sql.pieces(text):
        match = _DIRECTIVE.fullmatch(token.text) if token.kind == "line_comment" else None
        if match is not None:
            _take(found, match["text"], token, alteration, text)
            section = next(reversed(found.sections.values()), None)
        elif section is not None:
            section.append(token)
        elif not token.is_blank:
            place = token.end - len(token.text.lstrip())
            raise _wrong(alteration, text, place, "SQL before the first `-- sartor: up` line")
    return found


def _take(found: _Directives, directive: str, token: sql.Token, alteration: Alteration, text: str) -> None:
    word, _, rest = directive.partition(" ")
    if directive in _SECTIONS:
        if directive in found.sections:
            raise _wrong(alteration, text, token.start, f"a second section `{directive}`")
        found.sections[directive] = []
    elif directive in {"transaction off", "transaction on"}:
        found.transactional = rest == "on"
    elif word == "irreversible" and rest:
        found.irreversible = rest
    elif word != "ignore" or not rest:  # that one is for `lint`
        known = "`up`, `down`, `transaction off`, `irreversible <why>`, `ignore <code>`"
        raise _wrong(alteration, text, token.start, f"unknown line `-- sartor: {directive}`; there are {known}")


def _fragments(text: str, lines: Lines, pieces: Iterable[sql.Token]) -> Iterator[Fragment]:
    for statement in sql.statements(text, pieces):
        yield Fragment(statement.text, lines.at(statement.start), verbatim=True)


def _refuse_control(alteration: Alteration, fragments: Iterable[Fragment]) -> None:
    for fragment in fragments:
        if control := sql.transaction_control(fragment.text):
            raise ScriptError(
                f"{alteration.name}, line {fragment.line}: {control.split()[0].upper()}: Sartor runs each script in a"
                " transaction of its own; take the line out, or add `-- sartor: transaction off`",
                line=fragment.line,
            )


def _wrong(alteration: Alteration, text: str, offset: int, reason: str) -> ScriptError:
    line = Lines(text).at(offset)
    return ScriptError(f"{alteration.name}, line {line}: {reason}", line=line)
