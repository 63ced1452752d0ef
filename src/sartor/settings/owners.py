"""Checks who owns files that decide what is run and where: they have to be the user's, root's, or trusted.

This follows git's `safe.directory`: a file that another user left in a folder above would choose the scripts, and the
server that the password is sent to.
"""

import os
import pwd
import shlex
import stat
from collections.abc import Mapping
from pathlib import Path

from sartor.errors import SettingsError
from sartor.settings.product import SARTOR, Product


def require_own(path: Path, environ: Mapping[str, str], product: Product = SARTOR) -> None:
    """Raises SettingsError where another user may have written what is at `path`, or the link that leads there."""
    safe = environ.get(product.safe_directory, "").split(os.pathsep)
    if "*" in safe or any(folder and path.parent.resolve().is_relative_to(Path(folder).resolve()) for folder in safe):
        return
    for found in (path.lstat(), path.stat()):
        if reason := _reason(found):
            hint = f"if you trust the owner: export {product.safe_directory}={shlex.quote(str(path.parent))}"
            raise SettingsError(f"{path} {reason}; the file decides what is run and on which database", hint=hint)


def _reason(found: os.stat_result) -> str | None:
    if found.st_uid not in _ours():
        return f"belongs to {_name(found.st_uid)}, but Sartor runs as {_name(os.geteuid())}"
    if found.st_mode & stat.S_IWOTH and stat.S_ISREG(found.st_mode):
        return f"can be written by every user (mode {stat.S_IMODE(found.st_mode):04o})"
    return None


def _ours() -> set[int]:
    """Returns the ids of the users whose files are trusted.

    They are the current user; root, which may do everything anyway; and the user that became root by sudo.
    """
    sudo = os.environ.get("SUDO_UID", "") if os.geteuid() == 0 else ""
    return {os.geteuid(), 0, *([int(sudo)] if sudo.isdecimal() else [])}


def _name(uid: int) -> str:
    try:
        return f"user {pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"the user with number {uid}"
