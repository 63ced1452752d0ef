"""Finds what a script's `down` drops by its text: for the question that a rollback asks, not for any decision."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from sartor.alterations.script import FUNCTIONS, Script
from sartor.domain.plan import Direction

_NAME = r'(?:"[^"]+"|[\w$.]+)'
_TABLES = re.compile(rf"\bdrop\s+table\s+(?:if\s+exists\s+)?({_NAME}(?:\s*,\s*{_NAME})*)", re.IGNORECASE)
_COLUMNS = re.compile(
    rf"\balter\s+table\s+(?:if\s+exists\s+)?(?:only\s+)?(?P<table>{_NAME})(?P<actions>[^;]*)", re.IGNORECASE
)
_COLUMN = re.compile(rf"\bdrop\s+column\s+(?:if\s+exists\s+)?({_NAME})", re.IGNORECASE)


def dropped(script: Script) -> list[tuple[str, str | None]]:
    """Returns the tables and columns that the script's `down` drops by its text, as pairs (table, column or None)."""
    text = "\n".join(_down_texts(script))
    found: list[tuple[str, str | None]] = []
    for match in _TABLES.finditer(text):
        found += [(_plain(name), None) for name in re.split(r"\s*,\s*", match[1])]
    for match in _COLUMNS.finditer(text):
        found += [(_plain(match["table"]), _plain(name)) for name in _COLUMN.findall(match["actions"])]
    return list(dict.fromkeys(found))


def _plain(name: str) -> str:
    return name.rpartition(".")[2].strip('"')


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
