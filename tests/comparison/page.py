"""The tables of docs/compare.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from comparison.cases import CASES
from comparison.runs import NOTHING, Told
from sartor.rehearsal.squawk import OURS


def write(document: str, told: Mapping[str, Told], squawk: Mapping[str, Any]) -> str:
    """The document with its tables as the runs have them: each stands below its comment."""
    document = _put(document, "told", _table(_told(told, squawk)))
    return _put(document, "cases", _table(_cases()))


def _put(document: str, name: str, table: str) -> str:
    """The document with another table below the comment; an empty line, or the end, comes after it."""
    head, mark, rest = document.partition(f"<!-- {name} -->\n")
    _, gap, tail = rest.rstrip("\n").partition("\n\n")
    return f"{head}{mark}{table}{gap}{tail}\n"


def _told(told: Mapping[str, Told], squawk: Mapping[str, Any]) -> Iterator[list[str]]:
    yield ["", "dry run", f"squawk {squawk['version']}", "`check`", "`rehearse`", "`prove`", "`verify`"]
    for case in CASES:
        rules = [f"`{rule}`" for rule in squawk["rules"][case.title] if rule not in OURS]
        found = told[case.title]
        yield [
            case.title,
            found.dry_run,
            ", ".join(rules) or NOTHING,
            found.check,
            found.rehearse,
            found.prove,
            found.verify,
        ]


def _cases() -> Iterator[list[str]]:
    yield ["", "`up`", "`down`"]
    for case in CASES:
        yield [case.title, f"`{case.up}`", f"`{case.down}`"]


def _table(rows: Iterable[list[str]]) -> str:
    head, *rest = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([head, "|" + "---|" * (head.count(" | ") + 1), *rest])
