"""Runs a small program in the Python of the team whose migrations are imported, which has their tool and their code."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

from sartor.errors import UsageError

LIMIT = 900
"""How long the tool may take, in seconds."""


def ask(tool: str, file: Path, *, python: str | None, given: str = "") -> Any:
    """Runs the program of a tool in a project's folder and returns what it writes as JSON. Raises UsageError.

    The program gets the project's `file`, and the file to write; `given` is its standard input.
    """
    folder = file.parent
    program = resources.files("sartor.importing.drivers").joinpath(f"{tool}_sql.py").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="sartor-import-") as place:
        answer = Path(place, "answer.json")
        command = [find_python(tool, folder, python), "-c", program, str(file), str(answer)]
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                input=given,
                capture_output=True,
                text=True,
                timeout=LIMIT,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise UsageError(f"{tool} didn't end within {LIMIT} seconds in {folder}") from error
        except OSError as error:
            raise UsageError(
                f"{command[0]} can't be run: {error.strerror}", hint="give the project's Python"
            ) from error
        if done.returncode != 0 or not answer.exists():
            raise UsageError(_failure(tool, folder, done), hint=f"run {tool} in that folder by hand until it works")
        return json.loads(answer.read_text(encoding="utf-8"))


def _failure(tool: str, folder: Path, done: "subprocess.CompletedProcess[str]") -> str:
    lines = [line.rstrip() for line in done.stderr.splitlines() if line.strip()]
    last = lines[-1] if lines else f"it ended with exit code {done.returncode}"
    return f"{tool} in {folder} didn't print its SQL: {last}"


def find_python(tool: str, folder: Path, python: str | None) -> str:
    """Returns the Python that can import a tool: the one given, the project's, the tool's own. Raises UsageError."""
    if python is not None:
        return python
    tried = list(dict.fromkeys(_pythons(tool, folder)))
    found = next((each for each in tried if _has(each, tool)), None)
    if found is None:
        raise UsageError(
            f"no Python that has {tool} was found: {', '.join(tried)}",
            hint="activate the project's virtual environment, or give its interpreter with `--python`",
        )
    return found


def _pythons(tool: str, folder: Path) -> Iterator[str]:
    if environment := os.environ.get("VIRTUAL_ENV"):
        yield f"{environment}/bin/python"
    for place in (folder, folder.parent):
        for name in (".venv", "venv"):
            if (candidate := place / name / "bin" / "python").exists():
                yield str(candidate)
    if program := shutil.which({"django": "django-admin"}.get(tool, tool)):
        yield from _shebang(program)
    yield from filter(None, (shutil.which("python3"), shutil.which("python")))
    yield sys.executable


def _shebang(program: str) -> Iterator[str]:
    with Path(program).open("rb") as file:
        first = file.readline(500).decode(errors="replace")
    words = first.removeprefix("#!").split()
    if first.startswith("#!") and words and "python" in words[0]:
        yield words[0]


def _has(python: str, tool: str) -> bool:
    try:
        asked = [python, "-c", f"import {tool}"]
        return (
            subprocess.run(asked, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False).returncode
            == 0
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
