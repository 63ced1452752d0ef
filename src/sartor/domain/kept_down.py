"""The way back of a deployed alteration, as the ledger keeps it: a package that lacks the file can go back by it."""

import json
from typing import Any, NamedTuple, Self

LARGEST = 1 << 16
"""The characters of a kept down at most: rows of a ledger are read by thousands."""

TOO_LARGE = f"its down is larger than {LARGEST >> 10} KiB"
NO_DOWN = "it has neither `down` nor `irreversible`"
COPIES = "its down copies data from the file"
VARIABLES = "it uses variables, whose values stay in the settings"
SECRET = "its down may hold a secret"  # noqa: S105 - a sentence
PYTHON = "its down is Python, whose SQL is known only when it runs"
OTHER = "the down that the ledger keeps is of another content than is deployed"
UNPROVED = "its rollback wasn't proved when it was deployed"
INTERRUPTED = "its deployment outside a transaction was interrupted"
NOTHING = "the ledger has no down of it: it was recorded without being run, or its edit was accepted"
PROVED = "proved"
"""The result of a proof, as a manifest has it."""


class KeptDown(NamedTuple):
    """A down, and how far it is known to work.

    `checksum` is that of the file that it was in. `down` and `before_down` are the messages that the script sends, in
    its transaction (or outside one where it isn't `transactional`) and before it; `lock_timeout` is the script's own,
    in seconds. `python` is the source of an unreleased module whose SQL isn't known. Where nothing is kept,
    `irreversible` is the script's own reason, or `unkept` says why. `proof` is the result of a proof of exactly that
    file, `server` the major version that it ran on.
    """

    checksum: str
    down: tuple[str, ...] | None = None
    before_down: tuple[str, ...] = ()
    transactional: bool = True
    lock_timeout: float | None = None
    python: str | None = None
    irreversible: str | None = None
    unkept: str | None = None
    proof: str | None = None
    server: int | None = None

    def to_text(self) -> str:
        """Returns it as the ledger has it: JSON in ASCII, so that each encoding of a database can hold it."""
        told = {name: value for name, value in self._asdict().items() if value != self._field_defaults.get(name)}
        text = json.dumps(told)
        if len(text) <= LARGEST:
            return text
        return KeptDown(self.checksum, unkept=TOO_LARGE).to_text()

    @classmethod
    def parse(cls, text: str | None) -> Self | None:
        """Reads what the ledger has; None where it has nothing that can be read."""
        try:
            told: dict[str, Any] = json.loads(text or "")
            if not _is_sound(told):
                return None
            fields: dict[str, Any] = {
                n: tuple(value) if isinstance(value, list) else value for n, value in told.items()
            }
            return cls(**fields)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None

    def obstacle(self, checksum: str, *, released: bool) -> str | None:
        """Returns why it can't undo, without the file, what is deployed with this checksum; None where it can.

        What is released needs a proof of exactly the file that is deployed; `next` is a contributor's own.
        """
        if self.irreversible is not None:
            return f"it is irreversible: {self.irreversible}"
        if self.unkept is not None:
            return self.unkept
        if self.checksum != checksum:
            return OTHER
        if not released:
            return None
        if self.python is not None:
            return PYTHON
        return None if self.proof == PROVED else UNPROVED


_KINDS: dict[str, Any] = {
    "checksum": str,
    "down": list,
    "before_down": list,
    "transactional": bool,
    "lock_timeout": (int, float),
    "python": str,
    "irreversible": str,
    "unkept": str,
    "proof": str,
    "server": int,
}


def _is_sound(told: dict[str, Any]) -> bool:
    """Returns whether each field has a value that Sartor writes. Raises ValueError for what isn't Unicode."""
    texts = [each for value in told.values() for each in (value if isinstance(value, list) else [value])]
    "".join(text for text in texts if isinstance(text, str)).encode()
    sent = [*told.get("down", ()), *told.get("before_down", ())]
    kept = told.keys() & {"down", "python", "irreversible", "unkept"}
    typed = (isinstance(value, _KINDS[name]) for name, value in told.items())
    return len(kept) == 1 and all(typed) and all(isinstance(text, str) for text in sent)
