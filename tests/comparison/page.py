"""The tables of docs/compare.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from comparison.by_hand import LOOK
from comparison.cases import CASES
from comparison.runs import NOTHING, Told
from sartor.rehearsal.squawk import OURS

CALM = [(NOTHING, "its SQL", proof, "as expected") for proof in ("`proved`", "not tried")]
"""What `lint`, `check`, `prove` and `verify` tell where nothing is wrong."""


def write(document: str, told: Mapping[str, Told], squawk: Mapping[str, Any], eugene: Mapping[str, Any]) -> str:
    """The document with its tables as the runs have them: each stands below its comment.

    Rows of cases that the server doesn't know stay as they are.
    """
    document = _put(document, "told", _with_unknown(document, told, _told(told, squawk, eugene)))
    document = _put(document, "back", _table(_back(told)))
    document = _put(document, "same file", _table(_same_file(squawk)))
    document = _put(document, "by hand", f"```sql\n{LOOK}```")
    return _put(document, "cases", _table(_cases()))


def write_rules(document: str, answers: Mapping[str, Mapping[str, list[str]]]) -> str:
    """The document with the table of rules, by what Sartor tells of them: what is told stands first."""
    order = ("`rehearse`", "`lint`", "`", "none")
    told = sorted(answers, key=lambda each: (next(i for i, first in enumerate(order) if each.startswith(first)), each))
    rows = [[answer, *(_rules(answers[answer].get(tool, [])) for tool in ("squawk", "eugene"))] for answer in told]
    return _put(document, "rules", _table([["Sartor", "squawk", "eugene"], *rows]))


def _put(document: str, name: str, table: str) -> str:
    """The document with another table below the comment; an empty line, or the end, comes after it."""
    head, mark, rest = document.partition(f"<!-- {name} -->\n")
    _, gap, tail = rest.rstrip("\n").partition("\n\n")
    return f"{head}{mark}{table}{gap}{tail}\n"


def _with_unknown(document: str, told: Mapping[str, Told], rows: Iterable[list[str]]) -> str:
    """The table of all cases; rows that weren't run are those of the document."""
    head, *made = _lines(rows)
    titles = [f"| {case.title} | " for case in CASES if case.title not in told]
    table = document.partition("<!-- told -->\n")[2].partition("\n\n")[0]
    old = (line for line in table.splitlines() if line.startswith(tuple(titles)))
    found = {line.split(" | ")[0]: line for line in [*old, *made]}
    return "\n".join([head, *(found[key] for case in CASES if (key := f"| {case.title}") in found)])


def _told(told: Mapping[str, Told], squawk: Mapping[str, Any], eugene: Mapping[str, Any]) -> Iterator[list[str]]:
    tools = f"squawk {squawk['version']}", f"eugene trace {eugene['version']} (read)"
    yield ["", "dry run", *tools, "a clone, by hand", "`rehearse`", "`rehearse --with-data`"]
    for title, found in told.items():
        rules = _named(squawk["rules"][title]), _named(eugene["rules"][title])
        with_data = "the same" if found.with_data == found.rehearse else found.with_data
        yield [title, found.dry_run, *rules, found.by_hand, found.rehearse, with_data]


def _back(told: Mapping[str, Told]) -> Iterator[list[str]]:
    yield ["", "`lint`", "`check`", "`prove`", "`verify`"]
    for title, found in told.items():
        if (row := (found.lint, found.check, found.prove, found.verify)) not in CALM:
            yield [title, *row]


def _same_file(squawk: Mapping[str, Any]) -> Iterator[list[str]]:
    yield ["squawk's rule", "on what the same file creates"]
    for rule in sorted({rule for rules in squawk["rules"].values() for rule in rules} - set(OURS)):
        (named,) = {rule in squawk["same file"][title] for title, rules in squawk["rules"].items() if rule in rules}
        yield [f"`{rule}`", "named" if named else "left out"]


def _named(rules: Iterable[str]) -> str:
    return _rules(rule for rule in rules if rule not in OURS) or NOTHING


def _rules(rules: Iterable[str]) -> str:
    return ", ".join(f"`{rule}`" for rule in rules)


def _cases() -> Iterator[list[str]]:
    yield ["", "`up`", "`down`"]
    for case in CASES:
        earlier = f"`{case.earlier}`, and in another script " if case.earlier else ""
        yield [case.title, f"{earlier}`{case.up}`", f"`{case.down}`"]


def _table(rows: Iterable[list[str]]) -> str:
    return "\n".join(_lines(rows))


def _lines(rows: Iterable[list[str]]) -> list[str]:
    head, *rest = ["| " + " | ".join(row) + " |" for row in rows]
    return [f"{head}\n|" + "---|" * (head.count(" | ") + 1), *rest]
