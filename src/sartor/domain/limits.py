"""How a run goes about its work."""

from __future__ import annotations

from typing import NamedTuple


class Limits(NamedTuple):
    """How long a run waits, in seconds, and how much it does at a time.

    `lock_timeout`: for one lock, before the script is rolled back and tried again (0: without end); `lock_budget`: for
    all tries of a script; `wait`: for another run; `statement_timeout`: for one statement (0: without end). `fuse`:
    send straight scripts together; `fingerprint`: record at the end what the schema should be.
    """

    lock_timeout: float = 0.3
    lock_budget: float = 60.0
    wait: float = 60.0
    statement_timeout: float = 0.0
    fuse: bool = True
    fingerprint: bool = True
