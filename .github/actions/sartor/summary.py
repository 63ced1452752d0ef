"""Writes the JSON of a Sartor command as Markdown: `summary.py EXIT-CODE COMMAND <JSON`.

Names, statements and messages come from files and databases of others. Each of them stands as code, where nothing is a
link, a mention, an image or HTML.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from typing import Any

ENDS = {
    0: "done",
    1: "failed",
    2: "wrong use or settings",
    3: "something is pending",
    4: "edited, missing or drifted",
    5: "busy: try again later",
    6: "the database can't be reached, or refuses",
    130: "interrupted",
}
LONGEST = 900_000
"""Bytes of a summary; GitHub takes 1 MiB, and none of a longer one."""
ROWS = 200
ACTS = "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"

SIGNS = "[!-/:-@[-`{-~]"
"""The punctuation of ASCII: whatever Markdown has a use for."""


def _spell(match: re.Match[str]) -> str:
    return ascii(match[0])[1:-1]


def code(text: object) -> str:
    """Returns a text in one line as code. Each sign is an entity, which is no sign of Markdown's or of a table's."""
    shown = re.sub(ACTS, _spell, str(text))
    return f"<code>{re.sub(SIGNS, lambda match: f'&#{ord(match[0])};', shown)}</code>"


def block(text: object, language: str = "") -> str:
    """Returns a text as a code block; its lines stay lines."""
    shown = "\n".join(re.sub(ACTS, _spell, line) for line in str(text).rstrip().split("\n"))
    fence = "`" * max(3, max(map(len, re.findall("`+", shown)), default=0) + 1)
    return f"{fence}{language}\n{shown}\n{fence}\n"


def table(heads: list[str], rows: list[list[str]]) -> str:
    """Returns a table; its cells are Markdown."""
    lines = [heads, ["---"] * len(heads), *rows[:ROWS]]
    rest = f"\nand {len(rows) - ROWS} more\n" if len(rows) > ROWS else ""
    return "".join(f"| {' | '.join(line)} |\n" for line in lines) + rest


def listed(title: str, rows: list[Any], *keys: str) -> Iterator[str]:
    """Yields a table of objects with a title, where there are any."""
    if rows:
        yield f"**{title}**: {len(rows)}\n"
        yield table([*keys], [[code(each[key]) if each.get(key) is not None else "" for key in keys] for each in rows])


def failure(failed: dict[str, Any] | None) -> Iterator[str]:
    """Yields why a script failed."""
    if failed:
        yield f"**Failed**: {code(failed['name'])}\n"
        told = ("message", "detail", "hint", "context", "advice", "sqlstate", "file", "line")
        yield block("\n".join(f"{key}: {failed[key]}" for key in told if failed.get(key) is not None))
        if failed.get("statement"):
            yield block(failed["statement"], "sql")


def rehearsed(found: dict[str, Any]) -> Iterator[str]:
    """Yields what a rehearsal saw: each alteration's verdict, and the statements that aren't safe."""
    yield f"Rehearsed on {found['place']}; the worst verdict is {code(found['verdict'])}\n"
    yield from listed("Alterations", found["alterations"], "name", "verdict", "reason")
    unsafe = [
        [code(each["name"]), code(part["verdict"]), code(part["sql"]), _locks(part), _instead(part)]
        for each in found["alterations"]
        for part in each["statements"]
        if part["verdict"] != "safe"
    ]
    if unsafe:
        yield table(["alteration", "verdict", "statement", "locks", "instead"], unsafe)


def _locks(statement: dict[str, Any]) -> str:
    return ", ".join(code(f"{lock['mode']} on {lock['relation']}") for lock in statement["locks"])


def _instead(statement: dict[str, Any]) -> str:
    return code(statement["instead"]["advice"]) if statement["instead"] else ""


def parts(found: dict[str, Any]) -> Iterator[str]:
    """Yields the parts of a summary of what one command printed for one destination."""
    if "destination" in found:
        yield f"On {code(found['destination']['label'])}\n"
    if "place" in found:
        yield from rehearsed(found)
    if "files" in found:
        yield f"{found['files']} files\n"
    yield from listed("Findings", found.get("findings", []), "severity", "code", "rule", "file", "line", "message")
    if "done" in found:
        yield from listed("Deployed", found["done"], "release", "name", "duration_ms")
    yield from listed("Plan", found.get("plan", []), "release", "name", "transaction")
    yield from listed("Not done", found.get("remaining", []), "release", "name")
    for title in ("Pending", "Edited", "Missing", "Unproved", "Unlisted", "Ahead"):
        rows = found.get(title.lower())
        yield from listed(title, rows if isinstance(rows, list) else [], "release", "id", "name")
    for key in ("drift", "differences"):
        yield from (block(json.dumps(each, indent=1, ensure_ascii=False), "json") for each in found.get(key) or [])
    yield from failure(found.get("failed"))
    if error := found.get("error"):
        yield f"**{error['kind']}**\n"
        yield block("\n".join(filter(None, [error["message"], error["hint"] and f"hint: {error['hint']}"])))
    if notes := found.get("notes"):
        yield block("\n".join(map(str, notes)))


def summary(ended: int, command: str, text: str) -> str:
    """Returns the summary of a command that ended with an exit code and printed this JSON."""
    head = f"### Sartor: {command}\n\nExit code {ended}: {ENDS.get(ended, 'unknown')}\n"
    try:
        found = json.loads(text)
    except ValueError:
        return f"{head}\nIt printed no result; the log says why.\n"
    runs = found.get("runs", [found])
    whole = head
    for part in (part for run in runs for part in parts(run)):
        if len((whole + part).encode()) > LONGEST:
            return f"{whole}\nThe rest is too long for a summary.\n"
        whole += f"\n{part}"
    return whole


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    sys.stdout.write(summary(int(sys.argv[1]), sys.argv[2], sys.stdin.buffer.read().decode()))
