"""Fills in the templates of new alterations, in SQL or in Python.

The templates are the files in `templates/`: `<template>.sql`, or `<template>.<number>.<part>.sql` where a change takes
several alterations; `.later` marks one that a later release ships. A `.py` file takes the place of the Python that is
made of the SQL.
"""

import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from sartor.alterations.directives import directive
from sartor.conninfo.parameters import nearest
from sartor.errors import UsageError
from sartor.sql.quoting import quote_if_needed, quote_literal
from sartor.sql.splitting import split

_FOLDER = Path(__file__).with_name("templates")
EMPTY = "empty"
"""The template of an alteration for which none is named."""
TEMPLATES = tuple(sorted({file.name.partition(".")[0] for file in _FOLDER.iterdir()} - {EMPTY, "__pycache__"}))
"""The names of the templates of new alterations."""

_SQL = {"condition", "expression", "lower", "statement", "type", "undo", "upper"}
_LITERALS = {"label"}
"""The parameters that are SQL, and those that are strings; all others are names."""

_WORD = re.compile(r"\w*(?:\{[a-z]+\}\w*)+")
"""A word of a template, with the parameters that it is made of."""
_PARAMETER = re.compile(r"\{([a-z]+)\}")
_PLACEHOLDER = re.compile(r"<[a-z]+>")


class Draft(NamedTuple):
    """A file to be written: its text, what follows the name of the alteration in its own, and its suffix.

    `later` is true where it isn't to be shipped with the others.
    """

    text: str
    part: str
    suffix: str
    later: bool


def parameters(template: str) -> tuple[str, ...]:
    """Returns the names of a template's parameters, in the order in which they occur. Raises UsageError."""
    texts = (file.read_text("utf-8") for file in _files(template, ".sql"))
    return tuple(dict.fromkeys(name for text in texts for name in _PARAMETER.findall(text)))


def fill(template: str, values: Mapping[str, str], *, sql: bool) -> list[Draft]:
    """Returns the files of a template; a parameter without a value stays, as `<table>`, which no server takes for SQL.

    Raises UsageError where there is no such template or parameter, or a value can't be put in.
    """
    known = () if template == EMPTY else parameters(template)
    for name, value in values.items():
        _check(name, value, known)
    return [_draft(file, values, sql=sql) for file in _files(template, ".sql")]


def unfilled(text: str) -> tuple[str, ...]:
    """Returns the placeholders that a filled-in template still has."""
    return tuple(dict.fromkeys(_PLACEHOLDER.findall(text)))


def _files(template: str, suffix: str) -> list[Path]:
    if template not in (*TEMPLATES, EMPTY):
        near = nearest(template, TEMPLATES, cutoff=0.5)
        hint = f"did you mean {near}?" if near else f"the templates are {', '.join(TEMPLATES)}"
        raise UsageError(f"there is no template {template!r}", hint=hint)
    return sorted(
        file for file in _FOLDER.iterdir() if re.fullmatch(rf"{template}(\..*)?{re.escape(suffix)}", file.name)
    )


def _check(name: str, value: str, known: Iterable[str]) -> None:
    if name not in known:
        near = nearest(name, known, cutoff=0.6)
        takes = f"the parameters are {', '.join(known)}" if known else "name a template with `template`"
        raise UsageError(f"there is no parameter {name!r}", hint=f"did you mean {near}?" if near else takes)
    if not value.strip() or not value.isprintable():
        raise UsageError(f"{name} is empty, or isn't a line of text")
    if name not in _SQL | _LITERALS and "." in value:
        hint = "leave the schema out: an alteration's objects are in the schema that it is deployed to"
        raise UsageError(f"{name}={value}: a name without a schema is expected", hint=hint)


def _draft(file: Path, values: Mapping[str, str], *, sql: bool) -> Draft:
    _, *marks, _ = file.name.split(".")
    part = f"-{marks[1]}" if marks else ""
    own = file.with_suffix(".py")
    text = _fill_in(file.read_text("utf-8"), values)
    if not sql:
        text = _fill_in(own.read_text("utf-8"), values, _escaped) if own.exists() else _as_python(text)
    return Draft(text, part, ".sql" if sql else ".py", "later" in marks)


def _escaped(text: str) -> str:
    """Returns text as a string of Python in double quotes holds it."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _fill_in(text: str, values: Mapping[str, str], written: Callable[[str], str] = str) -> str:
    def word(match: re.Match[str]) -> str:
        names = _PARAMETER.findall(match[0])
        filled = _PARAMETER.sub(lambda each: values.get(each[1], f"<{each[1]}>"), match[0])
        if not names or not values.keys() >= set(names) or names[0] in _SQL:
            return written(filled)
        return written(quote_literal(filled) if names[0] in _LITERALS else quote_if_needed(filled))

    return _WORD.sub(word, text)


def _as_python(text: str) -> str:
    """Returns a filled-in SQL template as a module."""
    head, *sections = _sections(text)
    constants = [_constant(said) for said, _ in sections if said.partition(" ")[0] in {"transaction", "irreversible"}]
    functions = [_function(said, body) for said, body in sections if "_" in said or said in {"up", "down"}]
    blocks = [*([_docstring(head[1])] if head[1] else []), "from sartor import Connection\n", *constants]
    return "\n".join(blocks) + "".join(f"\n\n{function}" for function in functions)


def _sections(text: str) -> Iterator[tuple[str, str]]:
    """Yields what each directive says, and the lines below it; first of all those above the first directive."""
    said, lines = "", list[str]()
    for line in text.splitlines():
        if (found := directive(line)) is not None:
            yield said, "\n".join(lines).strip()
            said, lines = found, []
        else:
            lines.append(line)
    yield said, "\n".join(lines).strip()


def _constant(said: str) -> str:
    word, _, rest = said.partition(" ")
    return "transaction = False\n" if word == "transaction" else f"{word} = {_quoted(rest)}\n"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\")
    if '"' in text and "'" not in text:
        return f"'{escaped}'"
    return '"' + escaped.replace('"', '\\"') + '"'


def _docstring(comment: str) -> str:
    words = "\n".join(line.removeprefix("--").strip() for line in comment.splitlines())
    first, end, rest = words.replace("\n", " ").partition(". ")
    if not end:
        return f'"""{first}"""\n'
    return f'"""{first}.\n\n{_wrapped(rest)}\n"""\n'


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 120)


def _function(name: str, body: str) -> str:
    sent = "".join(_execute(statement.text.strip()) for statement in split(body))
    return f"async def {name}(conn: Connection) -> None:\n{sent}"


def _execute(sql: str) -> str:
    sql = sql.removesuffix(";").rstrip()
    if "\n" not in sql and len(sql) <= 96:
        return f"    await conn.execute({_quoted(sql)})\n"
    lines = sql.replace("\\", "\\\\").replace('"""', '\\"\\"\\"').splitlines()
    inner = "\n".join(f"        {line}".rstrip() for line in lines)
    return f'    await conn.execute(\n        """\n{inner}\n        """\n    )\n'
