"""A product with three alterations, and the image that docs/deploy has for it, in a container without an engine."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

from support.container import Box
from support.dockerfile import Build, Image
from support.markdown import read_blocks
from support.walk import ROOT
from support.wheels import make_wheels

DEPLOY = ROOT / "docs" / "deploy"
ALTERATIONS = {
    "1.0.0-1700000000-tailors.sql": "create table tailors (id int primary key)",
    "1.1.0-1700000001-thimbles.sql": "create table thimbles (id int primary key)",
    "1.2.0-1700000002-needles.py": "create table needles (id int primary key)",
}


def write_alterations(folder: Path) -> None:
    """The product's alterations: three tables, two files of SQL and one of Python."""
    folder.mkdir(parents=True)
    for name, statement in ALTERATIONS.items():
        drop = f"drop table {statement.split()[2]}"
        text = f"-- sartor: up\n{statement};\n-- sartor: down\n{drop};\n"
        if name.endswith(".py"):
            text = "\n".join(
                f'async def {way}(conn):\n    await conn.execute("{each}")\n'
                for way, each in (("up", statement), ("down", drop))
            )
        (folder / name).write_text(text)


def write_context(folder: Path, requirements: str) -> None:
    """The folder that an image is built from: as docker.md has it, with files that must stay out of it."""
    write_alterations(folder / "alterations")
    for name in ("Dockerfile", ".dockerignore"):
        shutil.copy(DEPLOY / name, folder)
    blocks = [block for block in read_blocks(DEPLOY / "docker.md") if block.say.get("file") == "sartor.toml"]
    (folder / "sartor.toml").write_text(blocks[0].text)
    (folder / "requirements.txt").write_text(requirements)
    write_wheel(folder / "dist")
    (folder / ".env").write_text("SARTOR_PASSWORD=from-env-file\n")
    (folder / "alterations" / ".sartor").mkdir()
    (folder / "sartor.toml").chmod(0o600)  # as an umask of 077 leaves it


def write_wheel(folder: Path) -> None:
    """The product as a wheel, with its alterations in the package `acme.alterations`."""
    folder.mkdir()
    about = "acme-1.2.0.dist-info"
    tag = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    with zipfile.ZipFile(folder / "acme-1.2.0-py3-none-any.whl", "w") as wheel:
        for file in sorted((folder.parent / "alterations").glob("*-*")):
            wheel.write(file, f"acme/alterations/{file.name}")
        wheel.writestr("acme/__init__.py", "")
        wheel.writestr("acme/alterations/__init__.py", "")
        wheel.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: acme\nVersion: 1.2.0\n")
        wheel.writestr(f"{about}/WHEEL", tag)
        wheel.writestr(f"{about}/RECORD", "")


class Registry:
    """A folder of wheels, the lock file for them, and a configuration of pip that knows it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "wheels"
        self.requirements = make_wheels(self.folder)
        self.secret = folder / "pip.conf"
        # Compiling every module takes 4 s; an image's users have that done.
        self.secret.write_text(
            "[global]\nno-index = true\nfind-links = /wheels\n[install]\nno-compile = true\n# token-1f2e\n"
        )

    def build(self, context: Path, folder: Path, stages: dict[str, Image] | None = None) -> Build:
        """A build of a context; `stages` are those that an earlier one has made."""
        secrets, near = {"pip": self.secret}, ((self.folder, "/wheels"),)
        return Build(folder, context, secrets=secrets, extra=near, stages=stages or {})


def boxed(image: Image, *binds: tuple[Path, str], **environment: str) -> Box:
    """A container of the image: its user, no capability, a read-only file system, no shell."""
    return Box(
        image.root,
        environment={**image.environment, **environment},
        directory=image.directory,
        user=image.user,
        binds=binds,
        files="read-only",
    )
