"""Loads Python scripts: compiles and executes them as modules that nothing else can import."""

import asyncio
import importlib
import inspect
import os
import sys
import traceback
import zlib
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from sartor.alterations.conditions import require_true, stated
from sartor.alterations.import_path import importing_from
from sartor.alterations.process_owner import Guest
from sartor.alterations.process_state import stay
from sartor.alterations.script import FUNCTIONS, Body, Condition, Place, Script, outside
from sartor.conninfo.parameters import seconds
from sartor.domain.alteration import Alteration
from sartor.domain.source import Part, Run
from sartor.errors import ScriptError, SettingsError, causes, said

PACKAGE = "sartor_scripts"
"""The prefix of the package of a folder's modules, so that `from ._helpers import x` finds their own folder's."""


def load_python(alteration: Alteration, content: bytes) -> Script:
    """Loads the script in `content`. Raises ScriptError, naming file, line and reason, where it isn't a valid one."""
    functions = load_module(Path(alteration.file), content, alteration.lineage, alteration.given.import_path)
    return Script(
        alteration=alteration,
        bodies=_bodies(functions, alteration, "{}"),
        before=_bodies(functions, alteration, "before_{}"),
        outside=outside(lambda name: _option(functions, alteration.name, name, bool, default=None)),
        irreversible=_option(functions, alteration.name, "irreversible", str, default=None),
        lock_timeout=_lock_timeout(functions, alteration.name),
        requires=_conditions(functions, alteration, Part.REQUIRE),
        ensures=_conditions(functions, alteration, Part.ENSURE),
        locate=lambda error: locate(error, alteration.file),
        source=content.decode("utf-8", "replace"),
    )


def load_module(file: Path, content: bytes, lineage: str, folders: Sequence[str]) -> dict[str, Any]:
    """Executes a module of a lineage, which may import from `folders`; returns its names. Raises ScriptError."""
    return vars(run_module(file, content, package=f"{PACKAGE}_{lineage.replace('-', '_')}", folders=folders))


def run_module(file: Path, content: bytes, *, package: str, folders: Sequence[str] = ()) -> ModuleType:
    """Executes a module's source as part of a package named after `package`, of the file's folder. Raises ScriptError.

    It may import from `folders`.
    """
    package = _make_package(package, str(file.parent))
    module = ModuleType(f"{package}.{file.stem}")
    module.__file__ = str(file)
    module.__package__ = package
    # Dataclasses and pickles look their module up by its name, while it runs.
    sys.modules[module.__name__] = module
    try:
        code = compile(content, str(file), "exec", dont_inherit=True)
        with stay(Guest(str(file))) as process_state, process_state.step(), importing_from(folders):
            exec(code, vars(module))  # noqa: S102
    except SyntaxError as error:
        place = f"{Path(error.filename or file).name}, line {error.lineno}"
        raise ScriptError(f"{place}: {error.msg}: {(error.text or '').strip()}".rstrip(": ")) from error
    except asyncio.CancelledError as error:
        if type(error) is not asyncio.CancelledError:
            raise  # a signal interrupted the module, whose code isn't awaited
        raise _unloadable(file, error) from error
    except BaseException as error:  # a module may raise anything, SystemExit too
        raise _unloadable(file, error) from error
    finally:
        del sys.modules[module.__name__]
    if process_state.fault is not None:
        raise ScriptError(f"{file.name}: while loading: {process_state.fault}") from process_state.fault
    return module


def _unloadable(file: Path, error: BaseException) -> ScriptError:
    found = locate(error, str(file))
    line = f", line {found[1]}" if found else ""
    missing = "install it, or name the folder that holds it in the setting import-path; no alteration was run"
    hint = missing if isinstance(error, ModuleNotFoundError) else None
    return ScriptError(f"{file.name}{line}: {type(error).__name__} while loading: {said(error)}", hint=hint)


def _make_package(name: str, folder: str) -> str:
    """Makes a package of a folder's modules, where there is none; returns its name, which begins with `name`.

    Runs of several folders may be under way at once, for lineages of one name.
    """
    full = f"{name}_{zlib.crc32(os.fsencode(folder)):08x}"
    if full not in sys.modules:
        sys.modules[full] = package = ModuleType(full)
        package.__path__ = [folder]
    return full


def forget_modules() -> None:
    """Forgets what scripts imported from their own folders, so that it is read again: a process may outlive an edit."""
    for name in [each for each in sys.modules if each.startswith(f"{PACKAGE}_")]:
        del sys.modules[name]
    importlib.invalidate_caches()


def locate(error: BaseException, file: str) -> Place | None:
    """Returns the innermost line of `file` that an error or one of its causes passed through; None where none did."""
    for each in causes(error):
        lines = [frame.lineno for frame in traceback.extract_tb(each.__traceback__) if frame.filename == file]
        if lines and lines[-1] is not None:
            return file, lines[-1]
    return None


def _bodies(functions: dict[str, Any], alteration: Alteration, pattern: str) -> dict[Any, Body]:
    name, folders = alteration.name, alteration.given.import_path
    found = {direction: pattern.format(word) for direction, word in FUNCTIONS.items()}
    return {d: async_function(functions[f], name, f, folders) for d, f in found.items() if f in functions}


def async_function(function: object, file: str, name: str, folders: Sequence[str] = ()) -> Body:
    """Returns `function` as one that takes a connection and a Run. Raises as `_async_function`."""
    given = _async_function(function, file, name, folders)

    async def body(conn: Any, run: Run) -> None:
        await given(conn, run)

    return body


def _conditions(functions: dict[str, Any], alteration: Alteration, part: Part) -> tuple[Condition, ...]:
    """Returns the condition that a module's function asks; none where it has no such function. Raises ScriptError."""
    if part.value not in functions:
        return ()
    function = functions[part.value]
    asked = _async_function(function, alteration.name, part.value, alteration.given.import_path)
    words = stated(function.__doc__, part)
    code = getattr(inspect.unwrap(function), "__code__", None)
    place = (alteration.file, code.co_firstlineno) if code else None

    async def body(conn: Any, run: Run) -> None:
        require_true(part, words, await asked(conn, run), place)

    return (Condition(part, words, body),)


def _async_function(
    function: object, file: str, name: str, folders: Sequence[str]
) -> Callable[[Any, Run], Awaitable[object]]:
    """Returns `function` as one that takes a connection and a Run, and may import from `folders`.

    Raises ScriptError unless it is `async def f(conn[, run])`.
    """
    if not callable(function):
        raise ScriptError(f"{file}: `{name}` isn't a function: write `async def {name}(conn)`")
    if not inspect.iscoroutinefunction(function):
        raise ScriptError(f"{file}: `{name}` isn't async: write `async def {name}(conn)`")
    takes = _parameters(function)
    if takes not in {1, 2}:
        raise ScriptError(f"{file}: `{name}` takes {takes} parameters: write `async def {name}(conn)`")

    async def asked(conn: Any, run: Run) -> object:
        with importing_from(folders):
            return await (function(conn) if takes == 1 else function(conn, run))

    return asked


def _parameters(function: Callable[..., Any]) -> int:
    if isinstance(function, FunctionType) and not hasattr(function, "__wrapped__"):
        return function.__code__.co_argcount
    kinds = {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}
    return sum(parameter.kind in kinds for parameter in inspect.signature(function).parameters.values())


def _lock_timeout(functions: dict[str, Any], file: str) -> float | None:
    text = _option(functions, file, "lock_timeout", str, default=None)
    try:
        return None if text is None else seconds("lock_timeout", text)
    except SettingsError as error:
        raise ScriptError(f"{file}: {error}", hint=error.hint) from error


def _option(functions: dict[str, Any], file: str, name: str, kind: type, *, default: Any) -> Any:
    value = functions.get(name, default)
    if value is not default and not isinstance(value, kind):
        raise ScriptError(f"{file}: `{name}` is {value!r}; it must be of type {kind.__name__}")
    return value
