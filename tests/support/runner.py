"""A machine of GitHub's, as far as a composite action sees it, in a container without an engine."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sartor.embedded.server import binaries
from support.command import Finished
from support.container import PYTHON_PATH, Box
from support.dockerfile import Image
from support.walk import ROOT

ACTION = ROOT / ".github" / "actions" / "sartor"
STEPS: dict[str, Any] = yaml.safe_load((ACTION / "action.yml").read_text())
PATH = f"/postgres/{binaries().relative_to(binaries().parents[2])}:{PYTHON_PATH}"


@dataclass(frozen=True)
class Ended:
    """What a run of the action left."""

    code: int
    log: str
    summary: str
    outputs: dict[str, str]


@dataclass(frozen=True)
class Runner:
    """A machine of GitHub's, with the image's Python and Sartor, and a checked-out repository."""

    image: Image
    folder: Path

    def use(self, *, installed: bool = True, binds: tuple[tuple[Path, str], ...] = (), **inputs: str) -> Ended:
        """Runs the action's steps as a workflow's `uses:` does; `url` is the variable that its `env` has."""
        temp = self.folder / "temp"
        shutil.rmtree(temp, ignore_errors=True)
        temp.mkdir()
        temp.chmod(0o777)
        files = {name: temp / name for name in ("path", "output", "step_summary")}
        path, log, code = "/opt/venv/bin:" if installed else "", "", 0
        env = {"SARTOR_DB_URL": inputs.pop("url")} if "url" in inputs else {}
        for file in files.values():
            file.touch()
            file.chmod(0o666)
        given = {name: each.get("default", "") for name, each in STEPS["inputs"].items()}
        given |= {name.replace("_", "-"): text for name, text in inputs.items()}
        for step in STEPS["runs"]["steps"]:
            added = "".join(f"{line}:" for line in files["path"].read_text().splitlines())
            environment = {
                "PATH": f"{added}{path}{PATH}",
                "RUNNER_TEMP": "/temp",
                "GITHUB_ACTION_PATH": "/action",
                **{f"GITHUB_{name.upper()}": f"/temp/{name}" for name in files},
                **env,
                **{name: filled(text, given) for name, text in step["env"].items()},
            }
            where = "/project/" + filled(step["working-directory"], given)
            done = self._bash(step["run"], environment, where, (*binds, (ACTION, "/action"), (temp, "/temp:rw")))
            code, log = done.code, log + done.out + done.err
            if code:
                break
        outputs = dict(line.split("=", 1) for line in files["output"].read_text().splitlines())
        return Ended(code, log, files["step_summary"].read_text(), outputs)

    def shell(self, script: str, *, directory: str = "/project", **environment: str) -> Finished:
        """Runs the lines of a job, with what the image has on the path."""
        return self._bash(script, {"PATH": f"/opt/venv/bin:{PATH}", **environment}, directory, ())

    def _bash(
        self, script: str, environment: dict[str, str], directory: str, binds: tuple[tuple[Path, str], ...]
    ) -> Finished:
        places = (*binds, (self.folder / "project", "/project"), (binaries().parents[2], "/postgres"))
        box = Box(self.image.root, environment=environment, directory=directory, user=self.image.user, binds=places)
        return box.run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script])


def filled(text: str, inputs: dict[str, str]) -> str:
    """An expression's value."""
    return re.sub(r"\${{ inputs\.([a-z-]+) }}", lambda match: inputs[match[1]], text)
