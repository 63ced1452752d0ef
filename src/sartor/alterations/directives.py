"""Directives in SQL files, such as `-- sartor: down`, and lines that a person would take for one.

A line that nearly is a directive would be a comment, and the `down` below it a part of `up`: so it is refused.
"""

import re
import unicodedata
from collections.abc import Iterator
from itertools import takewhile

from sartor.domain.source import Text
from sartor.sql import lexer

KNOWN = (
    "`up`, `down`, `before_up`, `before_down`, `require <condition>`, `ensure <condition>`, `transaction off`,"
    " `irreversible <why>`, `lock-timeout <time>`, `variables`, `ignore <code>`"
)

_NAME = "sartor"
_KEYWORDS = {"up", "down", "before", "require", "ensure", "variables", "transaction", "irreversible", "lock", "ignore"}
_CONDITIONS = {"require", "ensure"}
_UP = {"up", "upgrade", "ups"}
_DOWN = {"down", "downgrade", "downs", "rollback", "undo", "revert"}
_SECOND = {"before": {"up", "down"}, "lock": {"timeout"}}
"""The words that make a directive of a first one."""
_WORD = r"[^\W_]+"
_LINE = re.compile(rf"[\W_]*(?P<name>{_WORD})(?P<between>[\W_]*)(?P<rest>.*)", re.DOTALL)
_OTHERS = re.compile(
    rf"[\W_]*(?:(?:(?:goose|migrate)[ \t:]+)?(?P<word>{_WORD})"
    rf"|(?P<first>{_WORD})[ \t]+(?:migration|section|script))[\W_]*"
)
"""Names that other tools, and people, give sections: `+goose Down`, `migrate:down`, `!Downs`, `@UNDO`, `-- DOWN --`."""
_SUSPECT = re.compile(r"^[^\S\n]*(?!--|/\*)(?:[^\w\s'\"(),;\\]|sartor\b|[^\x00-\x7f]).*$", re.MULTILINE | re.IGNORECASE)
"""A line of SQL that begins as no SQL does, or with the name; most files have none."""
_ALIKE = str.maketrans("асеорхуіѕԁкмнтвгпԛԝαορτυνικε", "aceopxyisdkmhtbrnqwaoptuvike")
_DASHES = re.compile(r"[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]")


def directive(comment: str) -> str | None:
    """Returns what a comment says after `-- sartor:`, or `# sartor:` in Python; None for any other comment."""
    mark = next((mark for mark in ("--", "#") if comment.startswith(mark)), None)
    if mark is None:
        return None
    name, colon, text = comment.removeprefix(mark).partition(":")
    return text.strip() if colon and name.strip() == _NAME else None


def ignored_by(comment: str, line: int) -> Iterator[Text]:
    """Yields the codes that a comment names: `# sartor: ignore SA103, SA204 why`. The text after them is the reason."""
    word, _, codes = (directive(comment) or "").partition(" ")
    for each in codes.split(",") if word == "ignore" else ():
        yield from (Text(code, line) for code in re.findall(r"^\w+", each.strip()))
        if not re.fullmatch(r"\w+", each.strip()):
            return


def is_nearly(line: str) -> bool:
    """Returns whether a person would take a line for a directive that, as it is spelled, it isn't."""
    match = _LINE.match(_folded(line))
    if match is None:
        return False
    name, between, words = match["name"], match["between"], re.findall(_WORD, match["rest"])
    if name.removeprefix(_NAME) in _KEYWORDS and name.startswith(_NAME):
        return True  # `-- sartordown`
    if not _is_alike(name, _NAME):
        return False
    if ":" in between and name == _NAME:
        return True
    return bool(words) and _means_one(words, marked=bool(between.strip()))


def _means_one(words: list[str], *, marked: bool) -> bool:
    """Returns whether these words after the name are a directive's, not a sentence; `marked`: a mark is between."""
    first = words[0]
    if first in _UP | _DOWN or _is_alike(first, "down"):
        return marked or len(words) <= 5
    if _is_alike(first, "transaction"):
        return marked or words[1:2] in (["off"], ["on"])
    if _is_alike(first, "irreversible") or first in _CONDITIONS or words == ["variables"]:
        return True
    if first in _SECOND:
        return bool(_SECOND[first].intersection(words[1:2]))
    if any(_is_alike(first, word) for word in _CONDITIONS):
        return marked
    return _is_alike(first, "ignore") and (marked or any(re.fullmatch(r"sa\d+", word) for word in words[1:2]))


def other_section(line: str, section: str) -> bool:
    """Returns whether a comment's line names another section than its own, in the words of another tool or of people.

    A line that names the section it is in doesn't count: the file may well be another tool's as well.
    """
    match = _OTHERS.fullmatch(_folded(line))
    if match is None:
        return False
    word = match["word"] or match["first"]
    others = {"up": _DOWN, **dict.fromkeys(_CONDITIONS, _UP | _DOWN)}
    return word in others.get(section, _UP)


def suspects(text: str) -> list[lexer.Token]:
    """Returns lines of SQL that are nearly directives, after `#` or a false dash, neither quoted nor in a comment."""
    found = [match for match in _SUSPECT.finditer(text) if is_nearly(match[0])]
    if not found:
        return []
    quoted = [t for t in lexer.tokens(text) if t.kind in {"string", "open"} or "comment" in t.kind]
    return [
        lexer.Token("mark", match[0].strip(), match.start())
        for match in found
        if not any(t.start <= match.end() - len(match[0].lstrip()) < t.end for t in quoted)
    ]


def _folded(line: str) -> str:
    """Returns a line as it looks: without invisible characters, in lower case, with ASCII's letters and dashes."""
    if line.isascii():
        return line.lower()
    seen = "".join(c for c in unicodedata.normalize("NFKC", line) if unicodedata.category(c) != "Cf")
    return _DASHES.sub("-", seen.lower().translate(_ALIKE))


def _is_alike(word: str, known: str) -> bool:
    """Returns whether a word is a known one or one typing error away: a letter more, less or other, or two swapped."""
    if word == known:
        return True
    i = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(word, known, strict=False)))
    rest, other = word[i:], known[i:]
    swapped = rest[1::-1] == other[:2] and rest[2:] == other[2:]
    return len(known) > 3 and (rest[1:] == other[1:] or rest == other[1:] or rest[1:] == other or swapped)
