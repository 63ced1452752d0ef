"""The image of docs/deploy/Dockerfile, built once."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.container import Box, needs
from support.dockerfile import Build, Image
from support.shipped import Registry, write_context


@pytest.fixture(scope="package")
def registry() -> Iterator[Registry]:
    """A registry that is near."""
    needs()
    with tempfile.TemporaryDirectory(prefix="sartor-test-") as folder:
        yield Registry(Path(folder))


@pytest.fixture(scope="package")
def built(registry: Registry) -> Iterator[Build]:
    """The Dockerfile built as docker.md says."""
    with tempfile.TemporaryDirectory(prefix="sartor-test-") as directory:
        folder = Path(directory)
        write_context(folder / "context", registry.requirements)
        build = registry.build(folder / "context", folder / "stages")
        build.run((folder / "context" / "Dockerfile").read_text())
        last = build.stages["last"]
        # pip compiles what it installs, which takes 4 s, and was told not to: these are the modules that a run loads.
        nowhere = f"{last.entrypoint[0]} db alteration deploy latest --db-url postgresql://a@127.0.0.1:1/a".split()
        environment = {**last.environment, "PYTHONDONTWRITEBYTECODE": ""}
        assert Box(last.root, environment=environment, directory="/app", files="kept").run(nowhere).code == 6
        yield build


@pytest.fixture(scope="package")
def image(built: Build) -> Image:
    """The image."""
    return built.stages["last"]
