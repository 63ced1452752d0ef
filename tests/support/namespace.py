"""A link that falls silent: a network namespace behind a veth pair, whose packets get lost without a word.

Who runs in there is reached at `address`. A side of the link is lost by a wrong hardware address of the other's: it
sends on, and nobody takes what arrives; no RST, no FIN, no message of a router's. Namespace and link bear this
process's number, and go with it however it ends: a shell waits for that, and ends whatever runs inside.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

HERE, THERE, NOBODY = "02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:ff"
CLONE_NEWNET = 0x40000000
NETWORK = (198 << 24) + (18 << 16)
"""198.18.0.0/15 is for benchmarks, and routed nowhere; a process takes four addresses of it."""

SWEEP = """
trap '' HUP INT TERM
read -r _
for blow in QUIT TERM; do ip netns pids "$1" | xargs -r kill -"$blow"; done
ip link del "$2"
ip netns del "$1"
"""


class Lost(Enum):
    """What gets lost."""

    BOTH = "both ways"
    QUESTIONS = "the way there"
    ANSWERS = "the way back"


@dataclass(frozen=True)
class Link:
    """A link into a namespace, and the addresses at its ends."""

    name: str
    near: str
    address: str

    def cut(self, lost: Lost = Lost.BOTH) -> None:
        """From now on these packets get lost."""
        self._lead(lost is not Lost.ANSWERS, lost is not Lost.QUESTIONS)

    def mend(self) -> None:
        """From now on everything arrives."""
        self._lead(questions_lost=False, answers_lost=False)

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Be in the namespace, with what this thread starts and opens there."""
        with Path("/proc/thread-self/ns/net").open() as home, Path("/run/netns", self.name).open() as there:
            _enter(there.fileno())
            try:
                yield
            finally:
                _enter(home.fileno())

    def _lead(self, questions_lost: bool, answers_lost: bool) -> None:
        there, back = NOBODY if questions_lost else THERE, NOBODY if answers_lost else HERE
        _ip("neigh", "replace", self.address, "lladdr", there, "dev", f"{self.name}a", "nud", "permanent")
        _ip("-n", self.name, "neigh", "replace", self.near, "lladdr", back, "dev", f"{self.name}b", "nud", "permanent")


def why_not() -> str:
    """Why this machine can't have such a link; empty where it can."""
    for program in ("ip", "xargs"):
        if shutil.which(program) is None:
            return f"there is no `{program}` here"
    try:
        with severable() as link, link.inside():
            return ""
    except (OSError, subprocess.CalledProcessError) as error:
        said = error.stderr if isinstance(error, subprocess.CalledProcessError) else str(error)
        return f"no namespace with a link of its own can be made here: {said.strip()}"


@contextmanager
def severable() -> Iterator[Link]:
    """A link into a new, empty namespace."""
    number = NETWORK + os.getpid() % (1 << 15) * 4
    near, address = (".".join(str(byte) for byte in (number + n).to_bytes(4, "big")) for n in (1, 2))
    link = Link(f"sartor{os.getpid()}", near, address)
    name, ours, theirs = link.name, f"{link.name}a", f"{link.name}b"
    _ip("netns", "add", name)
    sweeper = subprocess.Popen(
        ["sh", "-c", SWEEP, "sh", name, ours],  # noqa: S607
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        peer = ("peer", "name", theirs, "address", THERE, "netns", name)
        _ip("link", "add", ours, "address", HERE, "type", "veth", *peer)
        for words in (
            ("addr", "add", f"{near}/30", "dev", ours),
            ("link", "set", ours, "up"),
            ("-n", name, "addr", "add", f"{address}/30", "dev", theirs),
            ("-n", name, "link", "set", theirs, "up"),
            ("-n", name, "link", "set", "lo", "up"),
        ):
            _ip(*words)
        link.mend()
        yield link
    finally:
        sweeper.communicate()


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)  # noqa: S607


def _enter(namespace: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
