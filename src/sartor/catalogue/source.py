"""Scripts read as they are written: nothing of them is run, and nothing raised where one is wrong."""

from __future__ import annotations

from collections.abc import Iterator

from sartor.catalogue.files import read_script
from sartor.catalogue.ignoring import ignored_by
from sartor.catalogue.python_source import read_python
from sartor.catalogue.sql_script import read_sql
from sartor.domain import sql
from sartor.domain.alteration import Alteration
from sartor.domain.errors import ScriptError
from sartor.domain.lines import Lines
from sartor.domain.plan import Direction
from sartor.domain.source import Part, Source, Text

_PARTS = {Direction.DEPLOY: Part.UP, Direction.ROLLBACK: Part.DOWN}


def read_source(alteration: Alteration) -> Source:
    """What can be known of a script without running it. Raises CatalogueError where the file can't be read."""
    content = read_script(alteration)
    return _read_sql_source(alteration, content) if alteration.is_sql else read_python(alteration, content)


def _read_sql_source(alteration: Alteration, content: bytes) -> Source:
    ignored = tuple(_ignored(content.decode("utf-8", "replace")))
    try:
        script = read_sql(alteration, content)
    except ScriptError as error:
        line = error.line or 1
        reason = str(error).removeprefix(f"{alteration.name}, line {line}: ")
        return Source(alteration=alteration, wrong=(Text(reason, line),), ignored=ignored)
    return Source(
        alteration=alteration,
        parts={_PARTS[d]: tuple(Text(f.text, f.line) for f in sent) for d, sent in script.fragments.items()},
        transactional=script.transactional,
        irreversible=script.irreversible is not None,
        ignored=ignored,
    )


def _ignored(text: str) -> Iterator[Text]:
    lines = Lines(text)
    for token in sql.tokens(text):
        if token.kind == "line_comment":
            yield from ignored_by(token.text, lines.at(token.start))
