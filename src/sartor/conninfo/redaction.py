"""Hides passwords in texts that are shown."""

import re
from collections.abc import Iterable

_SHORTEST_SECRET = 3
_FEW = 50
"""The number of secrets that are looked for one by one."""
_IN_URL = r"(?i)(postgres(?:ql)?(?:\+\w+)?://[^\s:/@]*:)\S+@"
_IN_PAIR = r"(?i)(password\s*=\s*)(?:'(?:\\.|[^'\\])*'|[^\s&]+)"


def redact(text: str, secrets: Iterable[str]) -> str:
    """Returns the text with `***` for each secret, and for the password of each Postgres URL and keyword string in it.

    A secret of one or two characters is hidden only where a URL would hold it, as `:pw@`; anywhere else, hiding it
    would remove half of the text. Redact values before they are made into JSON: a URL is taken to end at a space.
    """
    hidden: dict[str, str] = {}
    for each in filter(None, secrets):
        hidden |= {each: "***"} if len(each) >= _SHORTEST_SECRET else {f":{each}@": ":***@"}
    if hidden:
        longest_first = sorted(hidden, key=len, reverse=True)
        text = re.sub("|".join(map(re.escape, longest_first)), lambda found: hidden[found[0]], text)
    # Most texts hold neither, so most commands needn't compile these expressions.
    if "@" in text:
        text = re.sub(_IN_URL, r"\1***@", text)
    return re.sub(_IN_PAIR, r"\1***", text) if "password" in text.lower() else text


class Secrets:
    """Secrets of any number of databases: those that a text may hold are found without looking for each."""

    def __init__(self) -> None:
        self._all: set[str] = set()
        self._by_start: dict[str, list[str]] = {}

    def add(self, secrets: Iterable[str]) -> None:
        for each in secrets:
            if each not in self._all:
                self._all.add(each)
                self._by_start.setdefault(each[:_SHORTEST_SECRET], []).append(each)

    def clear(self) -> None:
        self._all.clear()
        self._by_start.clear()

    def redact(self, text: str) -> str:
        """Returns the text as the function `redact` does, with these secrets."""
        if len(self._all) <= _FEW:
            return redact(text, self._all)
        starts = {text[at : at + width] for width in range(1, _SHORTEST_SECRET + 1) for at in range(len(text))}
        return redact(text, [secret for start in starts for secret in self._by_start.get(start, ())])


def redact_argument(word: str) -> str:
    """Returns a command line's word with `***` for a password, also in a URL that is broken or not of Postgres."""
    return re.sub(r":[^:@/][^@]*@", ":***@", redact(word, ()))
