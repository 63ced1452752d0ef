"""Recognises Python scripts that are straight sequences of SQL, by their syntax tree; they are never executed.

Such a module has constants, and functions whose bodies are nothing but `await conn.execute("constant")`. What it
does is known before it runs, so that it can be shown, judged, and sent together with others. When in doubt it isn't
straight: it is then a Python module like any other.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from sartor.alterations.conditions import stated
from sartor.alterations.script import FUNCTIONS, TRANSACTIONS, Condition, Fragment, Script, Sender, outside
from sartor.conninfo.parameters import seconds
from sartor.domain.alteration import Alteration
from sartor.domain.source import Part
from sartor.errors import SettingsError

_DIRECTIONS = {function: direction for direction, function in FUNCTIONS.items()}
_BEFORE = {f"before_{function}": direction for function, direction in _DIRECTIONS.items()}
_CONDITIONS = {part.value: part for part in Part if part.is_condition}
_FUNCTIONS = {*_DIRECTIONS, *_BEFORE, *_CONDITIONS}
_OPTIONS = {**dict.fromkeys(TRANSACTIONS, bool), "irreversible": str}
_TYPES = {"asyncpg": {"Connection", "Record"}, "sartor": {"Connection", "Run"}}
"""The names that a script may import as types, by their module."""


class _NotStatic(Exception):
    """Raised where only running the module can show what it does."""


@dataclass(slots=True)
class _Module:
    """The names that a module binds, each once: constants, functions, and the imports that annotations may use."""

    constants: dict[str, str | bool | int | float | None] = field(default_factory=dict)
    functions: dict[str, ast.AsyncFunctionDef] = field(default_factory=dict)
    imported: set[str] = field(default_factory=set)
    lazy: bool = False
    """True where annotations are never evaluated."""


def read_static(alteration: Alteration, content: bytes) -> Script | None:
    """Returns the script in `content` where it is straight; None where it isn't, or isn't Python."""
    try:
        module = _read(ast.parse(content, alteration.file))
        sections = {
            name: tuple(_fragments(function, module))
            for name, function in module.functions.items()
            if name not in _CONDITIONS
        }
        sender = Sender(alteration.file)
        conditions = {name: tuple(_asked(part, module, sender)) for name, part in _CONDITIONS.items()}
        lock_timeout = module.constants.get("lock_timeout")
        limit = seconds("lock_timeout", lock_timeout) if isinstance(lock_timeout, str) else None
    except (_NotStatic, SettingsError, SyntaxError, ValueError, RecursionError):
        return None
    irreversible = module.constants.get("irreversible")
    fragments = {_DIRECTIONS[name]: sent for name, sent in sections.items() if name in _DIRECTIONS}
    before = {_BEFORE[name]: sent for name, sent in sections.items() if name in _BEFORE}
    return Script(
        alteration=alteration,
        bodies=sender.bodies(fragments),
        before=sender.bodies(before),
        fragments=fragments,
        fragments_before=before,
        locate=sender.locate,
        outside=outside(module.constants.get),
        irreversible=irreversible if isinstance(irreversible, str) else None,
        lock_timeout=limit,
        requires=conditions["require"],
        ensures=conditions["ensure"],
        source=content.decode("utf-8", "replace"),
    )


def _read(tree: ast.Module) -> _Module:
    module = _Module()
    first = 0 if ast.get_docstring(tree, clean=False) is None else 1
    for number, node in enumerate(tree.body):
        match node:
            case ast.Expr(value=ast.Constant()):
                pass
            case ast.ImportFrom(module="__future__", names=[ast.alias(name="annotations")]) if number == first:
                module.lazy = True
            case ast.Import() | ast.ImportFrom():
                module.imported |= _imported(node)
                if module.imported & module.constants.keys():
                    raise _NotStatic  # the name is bound twice
            case ast.If(test=ast.Name(id="TYPE_CHECKING"), orelse=[]) if "TYPE_CHECKING" in module.imported:
                if not all(isinstance(each, ast.Import | ast.ImportFrom) for each in node.body):
                    raise _NotStatic
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                _bind(module, name, value)
            case ast.AsyncFunctionDef(name=name) if name in _FUNCTIONS and name not in module.functions:
                _require_plain(node, module)
                module.functions[name] = node
            case _:
                raise _NotStatic
    return module


def _imported(node: ast.Import | ast.ImportFrom) -> set[str]:
    match node:
        case ast.Import(names=[ast.alias(name="asyncpg", asname=None)]):
            return {f"asyncpg.{name}" for name in _TYPES["asyncpg"]}
        case ast.ImportFrom(module=("asyncpg" | "sartor") as module, level=0, names=names) if all(
            alias.asname is None and alias.name in _TYPES[module] for alias in names
        ):
            return {alias.name for alias in names}
        case ast.ImportFrom(module="typing", level=0, names=[ast.alias(name="TYPE_CHECKING", asname=None)]):
            return {"TYPE_CHECKING"}
        case _:
            raise _NotStatic


def _bind(module: _Module, name: str, value: ast.expr) -> None:
    taken = {*module.constants, *module.imported, *_FUNCTIONS, "asyncpg"}
    if name in taken or name.startswith("__"):
        raise _NotStatic
    found = _constant(value)
    if name in _OPTIONS and not isinstance(found, _OPTIONS[name]):
        raise _NotStatic  # loading it as a module says what is wrong
    module.constants[name] = found


def _constant(node: ast.expr) -> str | bool | int | float | None:
    match node:
        case ast.Constant(value=str() | bool() | int() | float() | None as value):
            return value
        case ast.JoinedStr(values=parts):  # an f-string into which nothing is put
            return "".join(str(_constant(part)) for part in parts)
        case _:
            raise _NotStatic


def _require_plain(function: ast.AsyncFunctionDef, module: _Module) -> None:
    """Raises _NotStatic unless the function has one or two plain parameters, and annotations that can't fail."""
    given = function.args
    names = [argument.arg for argument in given.args]
    others = (given.posonlyargs, given.kwonlyargs, given.defaults, given.vararg, given.kwarg, function.decorator_list)
    if any(others) or getattr(function, "type_params", None) or (len(names), len(set(names))) not in {(1, 1), (2, 2)}:
        raise _NotStatic
    if any(name.startswith("__") for name in names):
        raise _NotStatic  # `__debug__` can't be a parameter, as only the compiler knows
    for annotation in (function.returns, *(argument.annotation for argument in given.args)):
        harmless = annotation is None or module.lazy or isinstance(annotation, ast.Constant)
        if not (harmless or (annotation and ast.unparse(annotation) in module.imported)):
            raise _NotStatic


def _fragments(function: ast.AsyncFunctionDef, module: _Module) -> Iterator[Fragment]:
    """Yields what a function sends, in order. Raises _NotStatic where it does anything else."""
    parameters = {argument.arg for argument in function.args.args}
    connection = function.args.args[0].arg
    for node in function.body:
        match node:
            case ast.Pass() | ast.Expr(value=ast.Constant()):
                continue
            case ast.Expr(
                value=ast.Await(
                    value=ast.Call(
                        func=ast.Attribute(value=ast.Name(id=name), attr="execute"), args=[argument], keywords=[]
                    )
                )
            ) if name == connection:
                yield Fragment(_sql(argument, module, parameters), node.lineno)
            case _:
                raise _NotStatic


def _asked(part: Part, module: _Module, sender: Sender) -> Iterator[Condition]:
    """Yields the condition of a function that returns a query's value. Raises _NotStatic where it does more."""
    function = module.functions.get(part.value)
    if function is None:
        return
    parameters, connection = {argument.arg for argument in function.args.args}, function.args.args[0].arg
    match [
        node for node in function.body if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Constant)
    ]:
        case [
            ast.Return(
                value=ast.Await(
                    value=ast.Call(
                        func=ast.Attribute(value=ast.Name(id=name), attr="fetchval"), args=[argument], keywords=[]
                    )
                )
            ) as node
        ] if name == connection:
            words = stated(ast.get_docstring(function), part)
            yield sender.condition(part, words, Fragment(_sql(argument, module, parameters), node.lineno), first=True)
        case _:
            raise _NotStatic


def _sql(argument: ast.expr, module: _Module, parameters: set[str]) -> str:
    if isinstance(argument, ast.Name):
        value = None if argument.id in parameters else module.constants.get(argument.id)
    else:
        value = _constant(argument)
    if not isinstance(value, str):
        raise _NotStatic
    return value
