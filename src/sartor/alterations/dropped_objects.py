"""Finds what a script's `down` drops by its text: for the question that a rollback asks, not for any decision."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from sartor.alterations.script import FUNCTIONS, Script
from sartor.domain.plan import Direction
from sartor.sql.changes import Drop, drops


def dropped(script: Script) -> list[Drop]:
    """Returns the tables and columns that the script's `down` drops by its text."""
    return [drop for text in _down_texts(script) for drop in drops(text)]


def _down_texts(script: Script) -> Iterator[str]:
    if (sent := script.sql(Direction.ROLLBACK)) is not None:
        yield from (fragment.text for fragment in sent)
        return
    function = FUNCTIONS[Direction.ROLLBACK]
    tree = ast.parse(script.source)
    constants = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    down = next((n for n in tree.body if isinstance(n, ast.AsyncFunctionDef) and n.name == function), None)
    for node in ast.walk(down) if down else ():
        yield from _strings(constants[node.id] if isinstance(node, ast.Name) and node.id in constants else node)


def _strings(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
