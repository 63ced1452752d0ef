"""The packages of this environment as wheels again, so that pip installs them without a registry."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]


def make_wheels(folder: Path, *more: str) -> str:
    """Writes Sartor and what it needs into a folder, and `more` packages. Returns their requirements, with hashes."""
    folder.mkdir(parents=True)
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, check=True, cwd=ROOT, capture_output=True, timeout=60)
    lines = [_line(distribution("sartor"), next(folder.glob("sartor-*.whl")))]
    lines += [_line(each, _wheel(each, folder)) for each in _needed("sartor", *more)]
    return "\n".join(lines) + "\n"


def _needed(*wanted_by: str) -> Iterator[Distribution]:
    found: dict[str, Distribution] = {name: distribution(name) for name in wanted_by[1:]}
    names = list(wanted_by)
    while names:
        for text in distribution(names.pop()).requires or []:
            wanted = Requirement(text)
            if wanted.name not in found and (not wanted.marker or wanted.marker.evaluate({"extra": ""})):
                found[wanted.name] = distribution(wanted.name)
                names.append(wanted.name)
    yield from found.values()


def _wheel(package: Distribution, folder: Path) -> Path:
    name = package.metadata["Name"].replace("-", "_")
    text = package.read_text("WHEEL") or ""
    tags = [line.removeprefix("Tag: ").split("-") for line in text.splitlines() if line.startswith("Tag: ")]
    tag = "-".join(".".join(dict.fromkeys(part)) for part in zip(*tags, strict=True))
    wheel = folder / f"{name}-{package.version}-{tag}.whl"
    inside = [file for file in package.files or [] if ".." not in file.parts and file.suffix != ".pyc"]
    with zipfile.ZipFile(wheel, "w") as archive:
        for file in inside:
            if file.name not in {"INSTALLER", "REQUESTED", "direct_url.json"}:
                archive.write(str(file.locate()), str(file))
    return wheel


def _line(package: Distribution, wheel: Path) -> str:
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return f"{package.metadata['Name']}=={package.version} --hash=sha256:{digest}"
