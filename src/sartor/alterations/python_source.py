"""Reads Python scripts by their syntax tree: their functions, their SQL, and whether that depends on any answer."""

import ast
import io
import sys
import tokenize
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from sartor.alterations.directives import ignored_by
from sartor.alterations.script import FUNCTIONS, TRANSACTIONS, Script, outside
from sartor.domain.alteration import Alteration
from sartor.domain.plan import Direction
from sartor.domain.source import Part, Source, Text
from sartor.sql.changes import Drop, drops

_PARTS = {part.value: part for part in Part}
_ASKING = {"cursor", "execute", "executemany", "fetch", "fetchmany", "fetchrow", "fetchval", "prepare"}
"""The connection's methods that take SQL."""
_NAMED = {"command", "query"}
"""The names of the parameters under which they take it."""


@dataclass(slots=True)
class _Bound:
    """The names that a module binds when it is loaded, each with its value where the source shows it."""

    functions: dict[str, ast.FunctionDef | ast.AsyncFunctionDef] = field(default_factory=dict)
    values: dict[str, ast.expr] = field(default_factory=dict)
    others: set[str] = field(default_factory=set)
    """Imported names; `*` stands for any."""

    def has(self, name: str) -> bool:
        """Returns whether the name is bound, or may be."""
        return name in self.functions or name in self.values or bool({name, "*"} & self.others)


def read_python(alteration: Alteration, content: bytes) -> Source:
    names, ignored = _tokens(content)
    try:
        tree = ast.parse(content, alteration.name)
    except (SyntaxError, ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None) or 1
        reason = Text(getattr(error, "msg", None) or str(error), line)
        return Source(alteration=alteration, wrong=(reason,), names=names, ignored=ignored)
    bound = _Bound()
    _bind(tree.body, bound)
    return Source(
        alteration=alteration,
        parts={part: _sent(bound, name) for name, part in _PARTS.items() if bound.has(name)},
        not_async=tuple(
            Text(name, function.lineno)
            for name, function in bound.functions.items()
            if name in _PARTS and isinstance(function, ast.FunctionDef) and not function.decorator_list
        ),
        outside=_outside(bound),
        irreversible=bound.has("irreversible"),
        names=names,
        ignored=ignored,
        imports=tuple(_imports(tree)),
    )


_COMMON = sys.stdlib_module_names | {"asyncpg", "sartor"}
"""The top-level modules that every script may rely on."""


def _imports(tree: ast.AST) -> Iterator[Text]:
    """Yields the modules that are neither Python's own nor the driver's, nor Sartor's, nor the folder's helpers."""
    for node in ast.iter_child_nodes(tree):
        found: list[str] = []
        match node:
            case ast.If(test=ast.Name(id="TYPE_CHECKING"), orelse=orelse):
                node = ast.Module(orelse, [])  # noqa: PLW2901 - the rest is never executed
            case ast.Import(names=names):
                found = [alias.name for alias in names]
            case ast.ImportFrom(module=str(name), level=0):
                found = [name]
            case _:
                pass
        yield from (Text(name, getattr(node, "lineno", 1)) for name in found if name.partition(".")[0] not in _COMMON)
        yield from _imports(node)


def _tokens(content: bytes) -> tuple[tuple[Text, ...], tuple[Text, ...]]:
    """Returns a module's names that aren't ASCII, and the codes that its comments ignore; as far as it can be read."""
    names: list[Text] = []
    ignored: list[Text] = []
    try:
        for token in tokenize.tokenize(io.BytesIO(content).readline):
            if token.type == tokenize.NAME and not token.string.isascii():
                names.append(Text(token.string, token.start[0]))
            elif token.type == tokenize.COMMENT:
                ignored += ignored_by(token.string, token.start[0])
    except (tokenize.TokenError, SyntaxError, ValueError):
        pass  # `ast` says what is wrong
    return tuple(names), tuple(ignored)


def _bind(body: list[ast.stmt], bound: _Bound) -> None:
    for node in body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                bound.functions[node.name] = node
            case ast.Assign(targets=targets, value=value):
                bound.values |= {t.id: value for t in targets if isinstance(t, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                bound.values[name] = value
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                bound.others |= {alias.asname or alias.name for alias in names}
            case _:
                for inner in ("body", "orelse", "finalbody"):
                    _bind(getattr(node, inner, []), bound)


def _outside(bound: _Bound) -> frozenset[Part] | None:
    """Returns the parts that run outside a transaction; None where only running the module can tell."""
    said: dict[str, object] = {}
    for name in TRANSACTIONS:
        match bound.values.get(name):
            case ast.Constant(value=bool() as value):
                said[name] = value
            case None if not bound.has(name):
                pass
            case _:
                return None
    return frozenset(Part(FUNCTIONS[direction]) for direction in outside(said.get))


def _sent(bound: _Bound, name: str) -> tuple[Text, ...]:
    """Returns the constants that a function passes to a connection's methods, in the order of the source."""
    function = bound.functions.get(name)
    if function is None:
        return ()
    nodes = list(ast.walk(function))
    assigned = _Bound(values={**bound.values})
    _bind([node for node in nodes if isinstance(node, ast.Assign | ast.AnnAssign)], assigned)
    asked = [argument for node in nodes if (argument := _asked(node)) is not None]
    found = [text for argument in asked if (text := _text(argument, assigned.values))]
    return tuple(sorted(found, key=lambda text: text.line))


def _asked(node: ast.AST) -> ast.expr | None:
    """Returns the argument that a call passes to a connection's method as SQL; None where it is no such call."""
    match node:
        case ast.Call(func=ast.Attribute(attr=method), args=args, keywords=keywords) if method in _ASKING:
            return next(iter([*args, *(each.value for each in keywords if each.arg in _NAMED)]), None)
        case _:
            return None


def _text(node: ast.expr, values: Mapping[str, ast.expr]) -> Text | None:
    """Returns the SQL of an argument, or None; a value that an f-string inserts is replaced with a plain name."""
    match node:
        case ast.Name(id=name) if isinstance(values.get(name), ast.Constant | ast.JoinedStr):
            return _text(values[name], {})
        case ast.Constant(value=str(text)):
            return Text(text, node.lineno)
        case ast.JoinedStr(values=parts):
            pieces = (str(part.value) if isinstance(part, ast.Constant) else "something" for part in parts)
            return Text("".join(pieces), node.lineno)
        case _:
            return None


_OWN = sys.stdlib_module_names - {"asyncio", "contextlib", "gc", "inspect"} | {"asyncpg"}
"""Modules that such a script may import: a helper might look at answers, or a module might keep them or hide errors."""


_TYPES = {"Connection", "Run"}
"""The names that such a script may import from Sartor."""


def is_data_independent(script: Script, direction: Direction) -> bool:
    """Returns whether a Python script's SQL depends on no data, and on no name of the database that it runs in."""
    name, body = FUNCTIONS[direction], ast.parse(script.source).body
    return direction not in script.before and any(_takes_no_context(node, name) for node in body) and not looks(script)


def _takes_no_context(node: ast.stmt, name: str) -> bool:
    match node:
        case ast.AsyncFunctionDef(
            name=found, args=ast.arguments(posonlyargs=[], args=[_], vararg=None), decorator_list=[]
        ):
            return found == name
        case _:
            return False


def looks(script: Script) -> bool:
    """Returns whether what a Python script does may depend on what the database answers."""
    nodes = list(ast.walk(ast.parse(script.source)))
    thrown_away = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    return any(_looks(node, thrown_away) for node in nodes)


def _looks(node: ast.AST, thrown_away: set[int]) -> bool:
    match node:
        case ast.Await():
            return id(node) not in thrown_away
        case ast.Import(names=names):
            return not _are_own(alias.name for alias in names)
        case ast.ImportFrom(module=module, level=level, names=names):
            is_type = module == "sartor" and all(alias.name in _TYPES for alias in names)
            return level > 0 or not (is_type or _are_own([module or ""]))
        case ast.AsyncWith(items=items):
            return any(item.optional_vars is not None for item in items)
        case ast.AsyncFor() | ast.comprehension(is_async=1) | ast.Try() | ast.TryStar():
            return True
        case _:
            return False


def _are_own(modules: Iterable[str]) -> bool:
    return all(module.partition(".")[0] in _OWN for module in modules)


def dropped(script: Script) -> list[Drop]:
    """Returns the tables and columns that the script's `down` drops by its text."""
    return [drop for text in _down_texts(script) for drop in drops(text)]


def _down_texts(script: Script) -> list[str]:
    if (sent := script.fragments.get(Direction.ROLLBACK)) is not None:
        return [fragment.text for fragment in sent]
    bound = _Bound()
    _bind(ast.parse(script.source).body, bound)
    down = bound.functions.get(FUNCTIONS[Direction.ROLLBACK])
    nodes = [bound.values.get(n.id, n) if isinstance(n, ast.Name) else n for n in ast.walk(down)] if down else []
    prose = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    strings = (node for node in nodes if isinstance(node, ast.Constant) and id(node) not in prose)
    return [node.value for node in strings if isinstance(node.value, str)]
