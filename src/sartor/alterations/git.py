"""Asks git about the files of a folder, and stages them. Git isn't needed for anything else."""

import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from subprocess import DEVNULL, PIPE

from sartor.errors import UsageError

PATIENCE = 60.0
"""Seconds that a call of git may take: on a large repository, or a disk of the network."""

_BLOCK = 65_536

_OF_A_HOOK = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR"}
"""Variables that git sets for its hooks: the folder's repository is found by its path, and may be another one."""


class GitFailed(UsageError):
    """Git isn't installed, isn't used for the folder, or refused what was asked of it."""


def git(folder: str, *arguments: str, given: bytes = b"", ends: Sequence[int] = (0,)) -> bytes:
    """Returns what git prints for a folder; `ends` are the exit codes that are none of a failure.

    Raises GitFailed with git's own words.
    """
    try:
        done = subprocess.run(  # noqa: S603 - the arguments are Sartor's own, or can't begin with a hyphen
            [_program(), "-C", folder, *arguments],
            check=False,
            input=given,
            capture_output=True,
            env=_environment(),
            timeout=PATIENCE,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GitFailed(f"git doesn't answer: {error}") from error
    if done.returncode not in ends:
        raise GitFailed(_said(done.stderr) or f"git {arguments[0]} ended with {done.returncode}")
    return done.stdout


def _program() -> str:
    if (found := shutil.which("git")) is None:
        raise GitFailed("git isn't installed, or isn't on the path", hint="install git")
    return found


@contextmanager
def blobs(folder: str) -> Iterator[Callable[[str], Iterator[bytes]]]:
    """Yields a function that yields the content of an object, block by block. It raises GitFailed; one process serves.

    The process is ended after `PATIENCE`: a partial clone fetches what it lacks.
    """
    command = [_program(), "-C", folder, "cat-file", "--batch"]
    with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=_environment()) as process:  # noqa: S603 - as above
        limit = threading.Timer(PATIENCE, process.kill)
        limit.start()
        try:
            yield partial(_read_blob, process)
        finally:
            limit.cancel()
            process.kill()


def _read_blob(process: subprocess.Popen[bytes], name: str) -> Iterator[bytes]:
    asked, answers = process.stdin, process.stdout
    assert asked is not None and answers is not None  # noqa: S101, PT018 - for the type checker
    try:
        asked.write(name.encode() + b"\n")
        asked.flush()
    except OSError as error:
        raise GitFailed(f"git ended: {error}") from error
    head = answers.readline().split()
    if len(head) != 3 or head[1] != b"blob":
        raise GitFailed(f"git has no content of {name}", hint="fetch it: git fetch --refetch")
    left = int(head[2])
    while left:
        block = answers.read(min(left, _BLOCK))
        if not block:
            raise GitFailed(f"git ended while it read {name}")
        left -= len(block)
        yield block
    answers.readline()  # what ends each object


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _OF_A_HOOK}
    # Messages are in one language, nothing waits for a password, and what only reads takes no lock.
    return kept | {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}


def _said(stderr: bytes) -> str:
    """Returns the first line of git's message, without its `fatal:`."""
    lines = stderr.decode("utf-8", "backslashreplace").strip().splitlines()
    return next((line.removeprefix("fatal: ").removeprefix("error: ") for line in lines), "")


def has_work_tree(folder: str) -> bool:
    """Returns whether a folder is part of a repository's work tree, and not of what that ignores.

    Raises GitFailed where it seems to be, and git refuses the repository, or isn't installed.
    """
    try:
        inside = git(folder, "rev-parse", "--is-inside-work-tree").strip() == b"true"
        return inside and not git(folder, "check-ignore", "--stdin", given=b".\n", ends=(0, 1))
    except GitFailed:
        if any((place / ".git").exists() for place in (Path(folder), *Path(folder).parents)):
            raise
        return False


def stage(folder: str, names: Iterable[str]) -> None:
    """Stages files of a folder as they are on disk: new, changed, or gone. Raises GitFailed."""
    listed = b"".join(os.fsencode(name) + b"\0" for name in names)
    git(folder, "update-index", "--add", "--remove", "-z", "--stdin", given=listed)


def uncommitted(folder: str, names: Sequence[str]) -> set[str]:
    """Returns those of a folder's files that aren't in the last commit as they are on disk. Raises GitFailed."""
    status = git(folder, "status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=all", "--", ".")
    prefix = git(folder, "rev-parse", "--show-prefix").rstrip(b"\n")
    changed = {os.fsdecode(entry[3:].removeprefix(prefix)) for entry in status.split(b"\0") if entry}
    return changed & {*names}
