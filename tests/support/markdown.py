"""Markdown documents, as far as their tests need them: code blocks, and the comments that say how to run them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_BLOCK = re.compile(
    r"^(?:<!--\ (?P<say>[^\n]*?)\ -->\n)?```(?P<kind>[a-z]+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL | re.VERBOSE
)


@dataclass(frozen=True)
class Block:
    """A code block: its language, its text, and what the comment above it says (`exit 1`: {"exit": "1"})."""

    kind: str
    text: str
    line: int
    say: dict[str, str] = field(default_factory=dict)


@dataclass
class Example:
    """A command in a `console` block, and the lines that are shown below it."""

    command: str
    shown: list[str]


def read_blocks(document: Path) -> list[Block]:
    """The code blocks of a document, in order."""
    text = document.read_text("utf-8")
    return [
        Block(match["kind"], match["text"], text.count("\n", 0, match.start("kind")) + 1, _directives(match["say"]))
        for match in _BLOCK.finditer(text)
    ]


def _directives(text: str | None) -> dict[str, str]:
    pairs = (part.strip().partition(" ") for part in (text or "").split(" | "))
    return {word: rest for word, _, rest in pairs if word}


def read_examples(block: Block) -> list[Example]:
    """The commands of a `console` block: each begins behind a `$ `, and goes on behind a backslash at a line's end."""
    found: list[Example] = []
    for line in block.text.splitlines():
        if line.startswith("$ ") and not (found and "alone" in block.say):
            found.append(Example(line[2:], []))
        elif found and found[-1].command.endswith("\\") and not found[-1].shown:
            found[-1].command += "\n" + line
        else:
            assert found, f"line {block.line}: output without a command"
            found[-1].shown.append(line)
    return found


def write_examples(examples: list[Example]) -> str:
    """The text of the `console` block with these commands."""
    return "".join(f"$ {e.command}\n" + "".join(f"{line}\n" for line in e.shown) for e in examples)


def links(document: Path) -> Iterator[str]:
    """The targets of a document's links, those to the web apart."""
    text = _BLOCK.sub("", document.read_text("utf-8"))
    return (link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link)


def anchors(document: Path) -> set[str]:
    """What `#...` may name in a document: its headings, as GitHub spells them."""
    text = _BLOCK.sub("", document.read_text("utf-8"))
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
