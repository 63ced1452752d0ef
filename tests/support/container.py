"""Containers without an engine: a program in a file system, a process table and, where asked, a user of its own.

What `FROM python` brings is this machine's own /usr and Python, read-only. It needs root, or user namespaces.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

import pytest

from support.command import LIMIT, Finished

BASE = Path(sys.base_prefix)
PYTHON_PATH = "/opt/python/bin:/usr/local/bin:/usr/bin:/bin"
LINKS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")

ENTER = r"""
set -euo pipefail
root=$1 base=$2 files=$3 user=$4 directory=$5 count=$6
shift 6
if [ "$files" = kept ]; then
    mount --bind "$root" "$root"
else
    mount -t tmpfs none /mnt
    mkdir /mnt/upper /mnt/work /mnt/root
    mount -t overlay none -o "lowerdir=$root,upperdir=/mnt/upper,workdir=/mnt/work" /mnt/root
    root=/mnt/root
fi
inside() { # the file or folder $1 of this machine at $2, read-only unless it ends with :rw
    local way=ro
    case $2 in *:rw) way=rw && set -- "$1" "${2%:rw}" ;; esac
    if [ -d "$1" ]; then mkdir -p "$root$2"; else mkdir -p "$(dirname "$root$2")"; : >>"$root$2"; fi
    mount --rbind "$1" "$root$2"
    mount -o "remount,bind,$way" "$root$2" 2>/dev/null || [ "$(id -u)" != 0 ] || true
}
inside /usr /usr
inside /dev /dev
case $base in /usr | /usr/*) ;; *) inside "$base" "$base" ;; esac
mount -t proc proc "$root/proc"
while [ "$count" -gt 0 ]; do
    inside "$1" "$2"
    shift 2
    count=$((count - 1))
done
if [ "$files" = read-only ]; then
    for shell in sh bash dash busybox; do
        file=$(readlink -f "/usr/bin/$shell" || true)
        [ ! -f "$file" ] || mount --bind /dev/null "$root$file"
    done
    mount -o remount,ro "$root"
fi
drop=()
if [ "$user" != 0:0 ]; then
    if [ -n "${OUTSIDE:-}" ]; then
        drop=(unshare --user "--map-user=${user%:*}" "--map-group=${user#*:}")
    else
        drop=(setpriv "--reuid=${user%:*}" "--regid=${user#*:}" --clear-groups --no-new-privs --bounding-set=-all
            --inh-caps=-all)
    fi
fi
exec chroot "$root" "${drop[@]}" env --ignore-environment "--chdir=$directory" "$@"
"""


@cache
def needs() -> tuple[str, ...]:
    """The command that makes namespaces here; skips the test where nothing may make them."""
    mapped = ("--map-root-user",) if os.geteuid() else ()
    way = ("unshare", *mapped, "--mount", "--pid", "--fork", "--kill-child")
    options = "lowerdir=a,upperdir=b,workdir=c"
    overlay = f"mount -t tmpfs none /mnt && cd /mnt && mkdir a b c d && mount -t overlay none -o {options} d"
    tried = shutil.which("unshare") and subprocess.run([*way, "sh", "-c", overlay], check=False, capture_output=True)
    if not tried or tried.returncode:
        pytest.skip("needs root, or a system on which users may make namespaces")
    return way


def base_image(root: Path) -> None:
    """Makes what an image of Python is made of here; the rest is mounted when it is used."""
    for name in ("usr", "dev", "proc", "etc", "run", "tmp", "var", "opt/python/bin", "root"):
        (root / name).mkdir(parents=True)
    for name in LINKS:
        if Path("/", name).is_symlink():
            (root / name).symlink_to(Path("/", name).readlink())
    (root / "var" / "run").symlink_to("../run")
    (root / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (root / "etc" / "group").write_text("root:x:0:\n")
    (root / "etc" / "hosts").write_text("127.0.0.1 localhost\n")
    shutil.copy("/etc/ld.so.cache", root / "etc")
    for name in ("python", "python3"):
        (root / "opt" / "python" / "bin" / name).symlink_to(BASE / "bin" / f"python3.{sys.version_info.minor}")
    pip = root / "opt" / "python" / "bin" / "pip"
    pip.write_text('#!/bin/sh\nexec python -m pip "$@"\n')
    for path in (root, *(folder for folder in root.rglob("*") if not folder.is_symlink())):
        path.chmod(0o755)
    (root / "tmp").chmod(0o1777)


@dataclass(frozen=True)
class Box:
    """A file system, and how programs run in it; `binds` are files and folders of this machine, with their places."""

    root: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: str = "/"
    user: str = "0:0"
    binds: Sequence[tuple[Path, str]] = ()
    files: Literal["kept", "lost", "read-only"] = "lost"
    """What becomes of files that are written; a read-only file system has no shell, either."""

    def command(self, arguments: Sequence[str]) -> list[str]:
        """The command that runs `arguments` in here, as the process with number 1."""
        places = [str(word) for pair in self.binds for word in pair]
        return [
            *needs(),
            "bash",
            "-c",
            ENTER,
            "enter",
            str(self.root),
            str(BASE),
            self.files,
            self.user,
            self.directory,
            str(len(self.binds)),
            *places,
            *(f"{name}={text}" for name, text in self.environment.items()),
            *arguments,
        ]

    def start(self, arguments: Sequence[str]) -> subprocess.Popen[str]:
        """Starts a program, and doesn't wait for it."""
        return subprocess.Popen(
            self.command(arguments),
            env={"PATH": os.environ["PATH"] + ":/usr/sbin:/sbin", **({"OUTSIDE": "1"} if os.geteuid() else {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, arguments: Sequence[str]) -> Finished:
        """Runs a program to its end."""
        process = self.start(arguments)
        out, err = process.communicate(timeout=LIMIT)
        return Finished(process.returncode, out, err)
