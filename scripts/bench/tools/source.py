"""Where a tool comes from: each is installed into a folder of its own, by the package manager as it is set up here."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from abc import ABC, abstractmethod
from pathlib import Path

LIMIT = 600
"""Seconds for an installation."""


class AbsentError(Exception):
    """A tool can't be had here; says why."""


class Source(ABC):
    """One way to have a tool."""

    def install(self, prefix: Path) -> None:
        """Install into the folder `prefix`, where that isn't done yet. Raises AbsentError."""
        stamp = prefix / "installed"
        if not stamp.exists():
            prefix.mkdir(parents=True, exist_ok=True)
            self.fetch(prefix)
            stamp.touch()

    @abstractmethod
    def fetch(self, prefix: Path) -> None:
        """Install into a folder that is there. Raises AbsentError."""

    @abstractmethod
    def version(self, prefix: Path) -> str:
        """The version that is installed there."""


class Pip(Source):
    """Packages of Python in a virtual environment; the first one is the tool."""

    def __init__(self, *packages: str) -> None:
        self.packages = packages

    def fetch(self, prefix: Path) -> None:
        run(sys.executable, "-m", "venv", str(prefix))
        run(program(prefix, "pip"), "install", "--quiet", "--disable-pip-version-check", *self.packages)

    def version(self, prefix: Path) -> str:
        asked = f"from importlib.metadata import version; print(version({self.packages[0]!r}))"
        return run(program(prefix, "python"), "-c", asked).strip()


class Npm(Source):
    """Packages of Node; the first one is the tool."""

    def __init__(self, *packages: str) -> None:
        self.packages = packages

    def fetch(self, prefix: Path) -> None:
        run("npm", "install", "--prefix", str(prefix), "--no-audit", "--no-fund", "--no-save", *self.packages)

    def version(self, prefix: Path) -> str:
        return str(json.loads((prefix / "node_modules" / self.packages[0] / "package.json").read_text())["version"])


class Debian(Source):
    """A package of Debian and those that it needs and the machine lacks, unpacked into `tree`: nothing is installed."""

    def __init__(self, package: str) -> None:
        self.package = package

    def fetch(self, prefix: Path) -> None:
        for folder in ("lists", "archives"):
            (prefix / folder / "partial").mkdir(parents=True, exist_ok=True)
        own = (f"Dir::State::Lists={prefix}/lists", f"Dir::Cache={prefix}", "Debug::NoLocking=1")
        apt = ("apt-get", "-qq", *(word for option in own for word in ("-o", option)))
        if os.geteuid() == 0:
            apt += ("-o", "APT::Sandbox::User=root")
        run(*apt, "update")
        run(*apt, "install", "--yes", "--no-install-recommends", "--download-only", "--reinstall", self.package)
        for archive in sorted((prefix / "archives").glob("*.deb")):
            run("dpkg", "--extract", str(archive), str(prefix / "tree"))

    def version(self, prefix: Path) -> str:
        archive = next((prefix / "archives").glob(f"{self.package}_*.deb"))
        return archive.name.split("_")[1].replace("%3a", ":")


class Here(Source):
    """A program that is here already; the command given prints its version."""

    def __init__(self, *asked: str) -> None:
        self.asked = asked

    def fetch(self, prefix: Path) -> None:
        self.version(prefix)

    def version(self, prefix: Path) -> str:
        del prefix
        found = re.search(r"\d[\w.]*", run(*self.asked))
        if found is None:
            raise AbsentError(f"{self.asked[0]} tells no version")
        return found[0]


def program(prefix: Path, name: str) -> str:
    """A program of a virtual environment, or of Node's packages."""
    folder = prefix / "bin" if (prefix / "bin").exists() else prefix / "node_modules" / ".bin"
    return str(folder / name)


def run(*command: str) -> str:
    """What a command prints. Raises AbsentError with its last line."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise AbsentError(str(error)) from error
    if done.returncode:
        raise AbsentError((done.stderr or done.stdout).strip().splitlines()[-1])
    return done.stdout
