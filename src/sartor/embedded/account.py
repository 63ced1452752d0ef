"""The account that runs an embedded server: the current one, or `nobody` for root, as whom Postgres refuses to run."""

from __future__ import annotations

import os
import pwd
import stat
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

from sartor.errors import EmbeddedUnavailable


def open_for_its_owner(file: Path, mode: str) -> IO[str]:
    """Opens a file that nobody else can read or lock, whatever the umask. Raises OSError."""
    opened: IO[str] = open(  # noqa: SIM115 - Path.open knows no opener, and the caller closes it
        file, mode, encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600)
    )
    os.fchmod(opened.fileno(), 0o600)
    return opened


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A user of the machine, `borrowed` if it isn't the current one."""

    uid: int
    gid: int
    borrowed: bool

    @classmethod
    def of_the_server(cls) -> Self:
        if os.geteuid() != 0:
            return cls(uid=os.geteuid(), gid=os.getegid(), borrowed=False)
        try:
            nobody = pwd.getpwnam("nobody")
        except KeyError:
            raise EmbeddedUnavailable("Postgres can't run as root, and there is no user `nobody` to run it") from None
        return cls(uid=nobody.pw_uid, gid=nobody.pw_gid, borrowed=True)

    def run(self, *command: str | Path, output: IO[str] | int = subprocess.DEVNULL) -> int:
        """Runs a command to its end in a session of its own; returns its exit code.

        Ctrl-C reaches neither the command nor what it leaves running.
        """
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
        return subprocess.run(
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=environment | {"LC_ALL": "C"},
            start_new_session=True,
            user=self.uid if self.borrowed else None,
            group=self.gid if self.borrowed else None,
            extra_groups=[] if self.borrowed else None,
        ).returncode

    def barred_from(self, path: Path) -> Path | None:
        """Returns the first folder on the way to `path` that this account can't enter, or None."""
        folders = [folder for folder in (*reversed(path.parents), path) if folder.is_dir()]
        if not self.borrowed or self.run("test", "-x", folders[-1]) == 0:
            return None
        return next(folder for folder in folders if self.run("test", "-x", folder) != 0)

    def own(self, folder: Path) -> None:
        """Makes `folder` this account's alone. Raises EmbeddedUnavailable where it is already another user's."""
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {self.uid, os.geteuid()}:
            raise EmbeddedUnavailable(
                f"{folder} isn't a folder that belongs to the user of the server", hint="remove the folder"
            )
        if found.st_uid != self.uid:
            os.chown(folder, self.uid, self.gid, follow_symlinks=False)
        if stat.S_IMODE(found.st_mode) != 0o700:
            folder.chmod(0o700)
