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

_DIRECTIVE = re.compile(r"--\s*sartor\s*:\s*(?P<text>.*?)\s*")
_SECTIONS = {function: direction for direction, function in FUNCTIONS.items()}


@dataclass(slots=True)
class _Directives:
    """What the file's `-- sartor:` lines say: sections as (word, from, to) offsets."""

    sections: list[tuple[str, int, int]] = field(default_factory=list)
    transactional: bool = True
    irreversible: str | None = None


def load_sql(alteration: Alteration, content: bytes) -> Script:
    """The script in `content`. Raises ScriptError, naming file, line and reason, where it can't be one."""
    script = read_sql(alteration, content)
    if script.transactional:
        for fragments in script.fragments.values():
            _refuse_control(alteration, fragments)
    return script


def read_sql(alteration: Alteration, content: bytes) -> Script:
    """The same for a script that isn't to run: what would end Sartor's transaction is let pass."""
    text = _decode(alteration, content)
    directives = _read_directives(alteration, text)
    return straight_script(
        alteration,
        {_SECTIONS[word]: tuple(_fragments(text, start, end)) for word, start, end in directives.sections},
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
    found = _Directives()
    for token in sql.runs(text):
        match = _DIRECTIVE.fullmatch(token.text) if token.kind == "line_comment" else None
        if match is None:
            if not found.sections and not token.is_blank:
                place = token.end - len(token.text.lstrip())
                raise _wrong(alteration, text, place, "SQL before the first `-- sartor: up` line")
            continue
        _take(found, match["text"], token, alteration, text)
    return found


def _take(found: _Directives, directive: str, token: sql.Token, alteration: Alteration, text: str) -> None:
    word, _, rest = directive.partition(" ")
    if directive in _SECTIONS:
        if any(section[0] == directive for section in found.sections):
            raise _wrong(alteration, text, token.start, f"a second section `{directive}`")
        if found.sections:
            name, start, _ = found.sections[-1]
            found.sections[-1] = (name, start, token.start)
        found.sections.append((directive, token.end, len(text)))
    elif directive in {"transaction off", "transaction on"}:
        found.transactional = rest == "on"
    elif word == "irreversible" and rest:
        found.irreversible = rest
    elif word != "ignore" or not rest:  # that one is for `lint`
        known = "`up`, `down`, `transaction off`, `irreversible <why>`, `ignore <code>`"
        raise _wrong(alteration, text, token.start, f"unknown line `-- sartor: {directive}`; there are {known}")


def _fragments(text: str, start: int, end: int) -> Iterator[Fragment]:
    for statement in sql.split(text[start:end]):
        yield Fragment(statement.text, _line(text, start + statement.start), verbatim=True)


def _refuse_control(alteration: Alteration, fragments: Iterable[Fragment]) -> None:
    for fragment in fragments:
        if control := sql.transaction_control(fragment.text):
            raise ScriptError(
                f"{alteration.name}, line {fragment.line}: {control.split()[0].upper()}: Sartor runs each script in a"
                " transaction of its own; take the line out, or add `-- sartor: transaction off`",
                line=fragment.line,
            )


def _line(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def _wrong(alteration: Alteration, text: str, offset: int, reason: str) -> ScriptError:
    line = _line(text, offset)
    return ScriptError(f"{alteration.name}, line {line}: {reason}", line=line)
