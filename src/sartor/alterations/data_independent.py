"""Recognises Python scripts that send the same SQL whatever the database answers.

It reads the syntax tree. When in doubt a script counts as one that looks at answers: its SQL can't be known before it
runs.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable

from sartor.alterations.script import FUNCTIONS, Script
from sartor.domain.plan import Direction

_OWN = sys.stdlib_module_names - {"asyncio", "contextlib", "gc", "inspect"} | {"asyncpg"}
"""Modules that such a script may import: a helper might look at answers, or a module might keep them or hide errors."""


def is_data_independent(script: Script, direction: Direction) -> bool:
    """Returns whether a Python script's SQL depends on no data, and on no name of the database that it runs in."""
    if direction in script.before:
        return False
    tree = ast.parse(script.source)
    body = next((node for node in tree.body if _is_called(node, FUNCTIONS[direction])), None)
    return body is not None and _looks_at_nothing(tree)


def looks(script: Script) -> bool:
    """Returns whether what a Python script does may depend on what the database answers."""
    return not _looks_at_nothing(ast.parse(script.source))


def _is_called(node: ast.stmt, name: str) -> bool:
    """Returns whether the node is the function of this name, taking a connection and no context."""
    match node:
        case ast.AsyncFunctionDef(name=found, args=ast.arguments(posonlyargs=[], args=[_], vararg=None)):
            return found == name and not node.decorator_list
        case _:
            return False


def _looks_at_nothing(tree: ast.Module) -> bool:
    nodes = list(ast.walk(tree))
    thrown_away = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    return not any(_looks(node, thrown_away) for node in nodes)


def _looks(node: ast.AST, thrown_away: set[int]) -> bool:
    match node:
        case ast.Await():
            return id(node) not in thrown_away
        case ast.Import(names=names):
            return not _are_own(alias.name for alias in names)
        case ast.ImportFrom(module=module, level=level):
            return level > 0 or not _are_own([module or ""])
        case ast.AsyncWith(items=items):
            return any(item.optional_vars is not None for item in items)
        case ast.AsyncFor() | ast.comprehension(is_async=1) | ast.Try() | ast.TryStar():
            return True
        case _:
            return False


def _are_own(modules: Iterable[str]) -> bool:
    return all(module.partition(".")[0] in _OWN for module in modules)
