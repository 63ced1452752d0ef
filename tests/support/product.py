"""A maker's product, `acme`, with a command of its own: as a wheel, alone with what it needs in an environment."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

from support.command import Finished
from support.walk import ROOT
from support.wheels import make_wheels

SOURCE = ROOT / "tests" / "product"
LIMIT = 120


class Maker:
    """Somebody who builds and installs a product: an environment with pip, and a registry of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        make_wheels(folder / "wheels", "hatchling", "click")
        # pip would take seconds to install what builds the wheel, in an environment of its own.
        _unpack(folder / "wheels", folder / "tools", but=("sartor",))
        # Other users may not get at an interpreter in somebody's home.
        everybodys = Path(f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}")
        interpreter = everybodys if everybodys.exists() else Path(sys.executable)
        make = [str(interpreter), "-m", "venv", "--without-pip", str(folder / "env")]
        subprocess.run(make, check=True, timeout=LIMIT, capture_output=True)
        self.programs = folder / "env" / "bin"
        pip = self.programs / "pip"
        pip.write_text(
            f"#!/bin/sh\n[ $1 != wheel ] || export PYTHONPATH={folder}/tools PIP_NO_BUILD_ISOLATION=off\n"
            f'exec {sys.executable} -m pip --python {self.programs}/python "$@"\n'
        )
        pip.chmod(0o755)

    @property
    def environment(self) -> dict[str, str]:
        """The variables of a shell in which the environment is active."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("SARTOR_", "ACME_", "PG", "PYTHON"))}
        registry = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.folder / "wheels"), "PIP_NO_COMPILE": "1"}
        quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_ROOT_USER_ACTION": "ignore"}
        return kept | registry | quiet | {"PATH": f"{self.programs}{os.pathsep}{os.environ['PATH']}"}

    @property
    def packages(self) -> Path:
        """The folder into which packages are installed."""
        (found,) = (self.folder / "env" / "lib").glob("python*/site-packages")
        return found

    def call(self, *words: str, directory: Path) -> None:
        """Run a program of the environment."""
        subprocess.run(words, check=True, cwd=directory, env=self.environment, timeout=LIMIT, capture_output=True)

    def unpack(self, name: str) -> None:
        """Install a package of pure Python that somebody has anyway."""
        _unpack(self.folder / "wheels", self.packages, only=name)

    def install(self, source: Path) -> Path:
        """Build the wheel of a source tree, in a copy of it, and install that; returns the wheel."""
        copy = self.folder / "source"
        shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
        self.call("pip", "wheel", "--no-deps", "--wheel-dir", "dist", ".", directory=copy)
        (wheel,) = (copy / "dist").glob("*.whl")
        self.call("pip", "install", str(wheel), directory=copy)
        return wheel


def _unpack(wheels: Path, folder: Path, *, only: str = "", but: tuple[str, ...] = ()) -> None:
    for wheel in wheels.glob(f"{only}*.whl"):
        if not wheel.name.startswith(but):
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(folder)


class Acme:
    """Runs the product's command."""

    def __init__(self, maker: Maker, directory: Path, environment: Mapping[str, str]) -> None:
        self.executable = maker.programs / "acme"
        self.directory = directory
        self.environment = {**maker.environment, **environment}

    def __call__(
        self, *words: str, expect: int = 0, env: Mapping[str, str] | None = None, user: str | None = None
    ) -> Finished:
        """Run `acme db WORDS`; asserts the exit code."""
        done = subprocess.run(
            [str(self.executable), "db", *words],
            check=False,
            cwd=self.directory,
            env={**self.environment, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            user=user,
        )
        assert "Traceback" not in done.stderr, done.stderr
        assert done.returncode == expect, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        return Finished(done.returncode, done.stdout, done.stderr)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start `acme db WORDS`, and don't wait for it."""
        pipe, command = subprocess.PIPE, [str(self.executable), "db", *words]
        return subprocess.Popen(
            command,
            cwd=self.directory,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=pipe,
            stderr=pipe,
            text=True,
        )
