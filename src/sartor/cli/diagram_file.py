"""Writes the file of a diagram: whole or not at all, and over nothing but another diagram."""

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sartor.domain.diagram import MADE_BY, DiagramFormat
from sartor.errors import SettingsError, UsageError

_ENDINGS = {
    ".svg": DiagramFormat.SVG,
    ".mmd": DiagramFormat.MERMAID,
    ".mermaid": DiagramFormat.MERMAID,
    ".dbml": DiagramFormat.DBML,
}
_HEAD = 4096
"""The bytes at the beginning of a file among which MADE_BY stands."""


def format_of(file: str | None) -> str:
    """Returns the format that a file's name says; svg where there is no file. Raises UsageError where it says none."""
    if file is None:
        return DiagramFormat.SVG.value
    found = _ENDINGS.get(Path(file).suffix.lower())
    if found is None:
        raise UsageError(f"the name of {file} doesn't tell the diagram's format", hint="add --format")
    return found.value


def require_free(file: str) -> None:
    """Raises UsageError where a file is there that isn't a diagram; SettingsError where that can't be seen."""
    with _named(file):
        before = _read(Path(file))
    if before is not None and MADE_BY.encode() not in before[:_HEAD]:
        raise UsageError(f"{file} exists, and isn't a diagram of Sartor's", hint="give another name, or add --force")


def write_diagram(file: str, text: str) -> bool:
    """Writes a diagram; returns whether the file wasn't already so. Raises SettingsError where it can't be written."""
    path, content = Path(file), text.encode()
    with _named(file):
        if _read(path) == content:
            return False
        _write(path, content)
    return True


@contextmanager
def _named(file: str) -> Iterator[None]:
    """Makes an error of the system in the block one that names the file."""
    try:
        yield
    except OSError as error:
        hint = "give another file with --output"
        raise SettingsError(f"{file} can't be written: {error.strerror}", hint=hint) from error


def _read(path: Path) -> bytes | None:
    """Returns what a file holds; None where there is none, or a pipe or a device."""
    try:
        return path.read_bytes() if stat.S_ISREG(path.stat().st_mode) else None
    except FileNotFoundError:
        return None


def _write(path: Path, content: bytes) -> None:
    """Writes beside the file and renames; a symbolic link stays one, and the mode stays as it was."""
    final = path.resolve()
    if final.exists() and not final.is_file():  # a device, or a pipe
        final.write_bytes(content)
        return
    descriptor, part = tempfile.mkstemp(prefix=f".{final.name}.", dir=final.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            os.fchmod(file.fileno(), _mode(final))
        Path(part).replace(final)
    except BaseException:
        with suppress(OSError):
            Path(part).unlink()
        raise


def _mode(final: Path) -> int:
    if final.exists():
        return stat.S_IMODE(final.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
