"""Reads `hooks.py` beside the alterations: functions that are called around a run, and around each of its scripts."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sartor.alterations.files import HOOKS_FILE, file_blocks, find_folder
from sartor.alterations.python_module import async_function, load_module, locate
from sartor.alterations.script import Body, Locate
from sartor.domain.alteration import Lineage
from sartor.domain.hooks import HOOKS
from sartor.domain.source import Text
from sartor.errors import ScriptError

_KNOWN = ", ".join(f"`{name}`" for name in HOOKS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """The loaded hooks of a lineage: its functions by name, of which there is at least one."""

    lineage: str
    file: Path
    functions: Mapping[str, Body]
    locate: Locate


def load_hooks(lineages: Iterable[Lineage]) -> tuple[Hooks, ...]:
    """Loads the hooks of these lineages. Raises ScriptError, naming file, line and reason, where they are invalid."""
    files = ((lineage, find_hooks(lineage.location)) for lineage in lineages)
    return tuple(_load(lineage, file) for lineage, file in files if file is not None)


def find_hooks(location: str) -> Path | None:
    """Returns the file with the hooks of the lineage at `location`; None where it has none."""
    file = find_folder(location) / HOOKS_FILE
    return file if file.is_file() or file.is_symlink() else None


def _load(lineage: Lineage, file: Path) -> Hooks:
    content, folders = b"".join(file_blocks(str(file))), lineage.given.import_path
    for flaw in hook_flaws(content):
        raise ScriptError(f"{HOOKS_FILE}, line {flaw.line}: {flaw.text}", line=flaw.line)
    found = load_module(file, content, lineage.name, folders)
    functions = {name: async_function(found[name], HOOKS_FILE, name, folders) for name in HOOKS if name in found}
    if not functions:
        raise ScriptError(f"{HOOKS_FILE} has no hook: write `async def before_run(conn, run)`, or another of {_KNOWN}")
    return Hooks(lineage=lineage.name, file=file, functions=functions, locate=lambda error: locate(error, str(file)))


def hook_flaws(content: bytes) -> Iterator[Text]:
    """Yields what is wrong in a file of hooks as far as its text shows, without running it."""
    try:
        tree = ast.parse(content, HOOKS_FILE)
    except (SyntaxError, ValueError, RecursionError) as error:
        yield Text(f"isn't valid Python: {error}", getattr(error, "lineno", None) or 1)
        return
    for each in tree.body:
        match each:
            case ast.FunctionDef(name=name) if name in HOOKS and not each.decorator_list:
                yield Text(f"`{name}` isn't async: write `async def {name}(conn, run)`", each.lineno)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) if _is_meant(name):
                yield Text(f"`{name}` isn't a hook and is never called; hooks are {_KNOWN}", each.lineno)


def _is_meant(name: str) -> bool:
    """Returns whether a function's name is that of a hook that doesn't exist; a helper's begins with `_`."""
    return name not in HOOKS and name.startswith(("before", "after", "on_"))
