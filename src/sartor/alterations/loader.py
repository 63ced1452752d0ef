"""Loads scripts in either language, and reads them without running them."""

from sartor.alterations.files import read_script, script_blocks
from sartor.alterations.python_module import load_python
from sartor.alterations.python_source import read_python
from sartor.alterations.repeatable import repeatable_flaws, require_repeatable
from sartor.alterations.script import FUNCTIONS, Script
from sartor.alterations.shared import load_shared
from sartor.alterations.sql_file import load_sql, read_sql
from sartor.alterations.static_sql import read_static
from sartor.domain.alteration import Alteration
from sartor.domain.source import Part, Source, Text
from sartor.errors import ScriptError


def load_script(alteration: Alteration) -> Script:
    """Loads an alteration's script; checks that the file is as it was listed. Raises ScriptError, CatalogueError."""
    return load_shared(alteration, _load_valid)


def _load_valid(alteration: Alteration) -> Script:
    return require_repeatable(_load(alteration)) if alteration.is_repeatable else _load(alteration)


def _load(alteration: Alteration) -> Script:
    if alteration.is_sql:
        return load_sql(alteration, script_blocks(alteration))
    content = read_script(alteration)
    return read_static(alteration, content) or load_python(alteration, content)


def read_source(alteration: Alteration) -> Source:
    """Returns what can be known of a script without running it. Raises CatalogueError where the file can't be read."""
    source = _read_sql_source(alteration) if alteration.is_sql else read_python(alteration, read_script(alteration))
    if alteration.is_repeatable and not source.wrong:
        return source._replace(wrong=repeatable_flaws(source))
    return source


def _read_sql_source(alteration: Alteration) -> Source:
    try:
        script, ignored = read_sql(alteration, script_blocks(alteration), known=False)
    except ScriptError as error:
        line = error.line or 1
        reason = str(error).removeprefix(f"{alteration.name}, line {line}: ")
        return Source(alteration=alteration, wrong=(Text(reason, line),))
    sent = {Part(FUNCTIONS[d]): fragments for d, fragments in script.fragments.items()}
    sent |= {Part(f"before_{FUNCTIONS[d]}"): fragments for d, fragments in script.fragments_before.items()}
    for part, conditions in ((Part.REQUIRE, script.requires), (Part.ENSURE, script.ensures)):
        if conditions:
            sent[part] = tuple(each.query for each in conditions if each.query)
    return Source(
        alteration=alteration,
        parts={part: tuple(Text(f.text, f.line) for f in fragments) for part, fragments in sent.items()},
        outside=frozenset(Part(FUNCTIONS[direction]) for direction in script.outside),
        irreversible=script.irreversible is not None,
        empty=script.empty,
        ignored=ignored,
    )
