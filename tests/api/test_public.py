"""What `import sartor` gives."""

from __future__ import annotations

import ast
import inspect
import json
import pkgutil
import re
import subprocess
import sys
import typing
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import sartor
from api import program
from support.database import Database
from support.folder import Folder

PACKAGE = Path(sartor.__file__).parent
FUNCTIONS = [name for name in sartor.__all__ if inspect.isfunction(getattr(sartor, name))]
FOR_DEVELOPMENT = {"backup", "fresh", "rehearse"}
"""Functions whose target is `next` where none is given, as that of their commands."""


def _stub() -> dict[str, str]:
    """The names that the stub exports, and their modules."""
    tree = ast.parse((PACKAGE / "__init__.pyi").read_text("utf-8"))
    found = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    return {str(alias.asname): str(node.module) for node in found for alias in node.names}


def _own_types() -> dict[str, type]:
    """Sartor's classes by name, where only one has it: what names in annotations stand for."""
    loaded = [module for name, module in sys.modules.items() if name.startswith("sartor.") and ".cli" not in name]
    found: dict[str, set[type]] = {}
    for module in loaded:
        for name, value in vars(module).items():
            if isinstance(value, type):
                found.setdefault(name, set()).add(value)
    return {name: values.pop() for name, values in found.items() if len(values) == 1}


def _hints(value: Any, module: str) -> dict[str, Any]:
    return typing.get_type_hints(value, {**_own_types(), **vars(sys.modules[module])})


def _named(hint: Any) -> Iterator[type]:
    if isinstance(hint, type) and hint.__module__.startswith("sartor."):
        yield hint
    for each in typing.get_args(hint):
        yield from _named(each)


def _parts(of: type) -> Iterator[type]:
    """The types of a class's fields, and of what its properties and methods take and give."""
    for name, value in [("", of), *vars(of).items()]:
        found = value.fget if isinstance(value, property) else getattr(value, "__func__", getattr(value, "func", value))
        if not name.startswith("_") and (inspect.isfunction(found) or isinstance(found, type)):
            for hint in _hints(found, of.__module__).values():
                yield from _named(hint)


def test_names() -> None:
    """Each name is loaded from the module where type checkers see it, and isn't hidden by a module of that name."""
    assert sorted(sartor.__all__) == sorted(_stub())
    assert {name: getattr(sartor, name) for name in sartor.__all__} == {
        name: getattr(import_module(module), name) for name, module in _stub().items()
    }
    assert set(sartor.__all__) <= set(dir(sartor))
    assert not set(sartor.__all__) & {module.name for module in pkgutil.iter_modules([str(PACKAGE)])}
    with pytest.raises(AttributeError, match="no attribute 'deplyo'"):
        sartor.deplyo  # type: ignore[attr-defined]  # noqa: B018 - a slip


def test_every_type_is_exported() -> None:
    """What a function takes or gives, and what is to be found in that, can be imported from `sartor`."""
    functions = [getattr(sartor, name) for name in FUNCTIONS]
    seen = {value for value in vars(sartor).values() if isinstance(value, type)}
    hints = [hint for each in functions for hint in _hints(inspect.unwrap(each), each.__module__).values()]
    left = [part for hint in hints for part in _named(hint)]
    while left:
        if (each := left.pop()) not in seen:
            assert each.__name__ in sartor.__all__, f"{each.__module__}.{each.__name__} isn't exported"
            seen.add(each)
        left += [part for part in _parts(each) if part not in seen]


def test_arguments_are_alike() -> None:
    """An argument of one name has one type and one default, wherever it is; after the target they are named."""
    found: dict[str, set[str]] = {}
    for name in FUNCTIONS:
        for parameter in inspect.signature(getattr(sartor, name)).parameters.values():
            if parameter.name == "target" and name in FOR_DEVELOPMENT:
                assert parameter.default == "next"
            elif name not in {"rollback", "check_rollback"} or parameter.name != "target":
                found.setdefault(parameter.name, set()).add(str(parameter.replace(kind=parameter.KEYWORD_ONLY)))
    several = {name: forms for name, forms in found.items() if len(forms) > 1}
    # A backup is of everything where no alterations are given, and an application may ask for a release alone.
    # The tables of a diagram are the product's, and those that `require` names by their prefix are Sartor's own.
    # The observer of a fleet's run is told of destinations, too.
    assert several.keys() == {"alterations", "observer", "sources", "tables"}, several


def test_every_argument_is_explained() -> None:
    """Each argument is in the function's docstring, or in the package's where several functions have it."""
    common = set(re.findall(r"^- `(\w+)`", sartor.__doc__ or "", re.MULTILINE))
    for name in FUNCTIONS:
        text = getattr(sartor, name).__doc__ or ""
        explained = common | set(re.findall(r"`(\w+)`", text))
        assert set(inspect.signature(getattr(sartor, name)).parameters) <= explained, name
        assert "Raises" in text or name == "is_production", name


def test_the_import_is_light() -> None:
    """`import sartor` loads nothing but itself, and a name only what that needs: no driver to list files."""
    code = "import json, sys; before = set(sys.modules); {}; print(json.dumps(sorted(set(sys.modules) - before)))"

    def loaded(statement: str) -> set[str]:
        done = subprocess.run(
            [sys.executable, "-c", code.format(statement)], capture_output=True, text=True, check=True
        )
        return set(json.loads(done.stdout))

    assert loaded("import sartor") == {"sartor"}
    assert not {"asyncio", "asyncpg", "typer"} & loaded("from sartor import deploy, list_alterations, Destination")


def test_a_program(database: Database, folder: Folder) -> None:
    """A program that uses all functions does what it says; the gate's mypy has checked it."""
    folder.add("1.0.0-1700000001-first.py", up="create table first (id int)", down="drop table first")
    folder.add("1.1.0-1700000002-second.py", up="create table second (id int)", down="drop table second")
    folder.write("seeds/010_rows.py", "async def seed(conn):\n    await conn.execute('insert into first values (1)')\n")
    arguments = [sys.executable, program.__file__, str(folder.path)]
    environment = {"SARTOR_DB_URL": database.url, "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        arguments, env=environment, cwd=folder.path.parent, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == (f"{sartor.__version__}\n", "")


def test_the_program_uses_all() -> None:
    """The program calls every function that is exported."""
    used = set(re.findall(r"\b(\w+)\(", Path(program.__file__).read_text("utf-8"))) | {"embedded_server"}
    assert {name for name in FUNCTIONS if name not in used} == set()
