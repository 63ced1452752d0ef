"""A Dockerfile read, and its steps run in a folder: as much of the language as the one of docs/deploy needs."""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shlex
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from string import Template
from typing import Any

from support.container import PYTHON_PATH, Box, base_image


@dataclass(frozen=True)
class Image:
    """What a build leaves: a file system, and how its program is started."""

    root: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str = "0:0"
    directory: str = "/"
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """Each instruction of a Dockerfile, and the rest of its line."""
    kept = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    for line in kept.replace("\\\n", " ").splitlines():
        if line.strip():
            word, _, rest = line.strip().partition(" ")
            yield word.upper(), rest.strip()


@dataclass
class Build:
    """A build under way, in `folder`; its files come from `context`.

    `secrets` are files by id, `arguments` those of --build-arg, `stages` what is built, by name.
    """

    folder: Path
    context: Path
    secrets: Mapping[str, Path] = field(default_factory=dict)
    arguments: Mapping[str, str] = field(default_factory=dict)
    stages: dict[str, Image] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    extra: tuple[tuple[Path, str], ...] = ()
    """Folders that each step finds at a path: a registry that is near."""

    def run(self, text: str) -> Image:
        """The image that the last stage leaves."""
        image, cached = Image(self.folder), False
        for word, rest in instructions(text):
            cached = rest.partition(" AS ")[2] in self.stages if word == "FROM" else cached
            if cached:  # as an engine does, where nothing has changed
                continue
            image = getattr(self, f"_{word.lower()}")(image, rest)
            self.stages[image.root.name] = image
        return image

    def _arg(self, image: Image, rest: str) -> Image:
        name, _, default = rest.partition("=")
        self.variables[name] = self.arguments.get(name, default.strip('"'))
        return image

    def _from(self, _image: Image, rest: str) -> Image:
        base, _, name = self._filled(rest).partition(" AS ")
        assert re.fullmatch(r"python:3\.\d+-slim", base), f"no other image is at hand: {base}"
        image = Image(self.folder / (name or "last"), {"PATH": PYTHON_PATH})
        base_image(image.root)
        return image

    def _env(self, image: Image, rest: str) -> Image:
        given = dict(word.split("=", 1) for word in shlex.split(self._filled(rest, image)))
        return replace(image, environment={**image.environment, **given})

    def _workdir(self, image: Image, rest: str) -> Image:
        (image.root / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
        return replace(image, directory=rest)

    def _run(self, image: Image, rest: str) -> Image:
        options, command = _options(rest)
        mounts = [dict(pair.split("=", 1) for pair in value.split(",")) for value in options.get("mount", [])]
        files = [(self.secrets[mount["id"]], mount["target"]) for mount in mounts if mount["id"] in self.secrets]
        environment = {**self.variables, **image.environment, "HOME": "/root"}
        box = Box(
            image.root, environment=environment, directory=image.directory, binds=(*files, *self.extra), files="kept"
        )
        done = box.run(["/bin/sh", "-c", command])
        assert done.code == 0, f"RUN {command}\n{done.out}\n{done.err}"
        for _, target in files:
            (image.root / target.lstrip("/")).unlink()
        return image

    def _copy(self, image: Image, rest: str) -> Image:
        options, text = _options(rest)
        *sources, target = text.split()
        source = self.stages[options["from"][0]].root if "from" in options else self.context
        found = [path for name in sources for path in source.glob(name.lstrip("/"))]
        assert found, f"COPY {text}: nothing is there"
        if "from" not in options:
            assert not [path for path in found if self._ignored(path.relative_to(self.context))], (
                f"COPY {text}: ignored"
            )
        place = image.root / (Path(image.directory) / target).as_posix().lstrip("/")
        # What a stage holds doesn't change any more, so that a link is as good as a copy.
        copy: Any = os.link if "from" in options else shutil.copy2
        for path in found:
            if path.is_dir():
                left_out = self._left_out(options)
                shutil.copytree(path, place, symlinks=True, dirs_exist_ok=True, ignore=left_out, copy_function=copy)
            else:
                place.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, place)
        if "chmod" in options:
            changed = [place, *place.rglob("*")] if found[0].is_dir() else [place / path.name for path in found]
            for path in changed:
                path.chmod(int(options["chmod"][0], 8))
        return image

    def _user(self, image: Image, rest: str) -> Image:
        return replace(image, user=rest)

    def _entrypoint(self, image: Image, rest: str) -> Image:
        return replace(image, entrypoint=tuple(json.loads(rest)))

    def _cmd(self, image: Image, rest: str) -> Image:
        return replace(image, command=tuple(json.loads(rest)))

    def _filled(self, text: str, image: Image | None = None) -> str:
        return Template(text).substitute(self.variables, **(image.environment if image else {}))

    def _left_out(self, options: Mapping[str, list[str]]) -> Callable[[str, list[str]], list[str]]:
        def names(folder: str, inside: list[str]) -> list[str]:
            if "from" in options:
                return []
            return [name for name in inside if self._ignored(Path(folder, name).relative_to(self.context))]

        return names

    def _ignored(self, path: Path) -> bool:
        """Docker's rule: the last line of .dockerignore that is about a path, or a folder above it, counts."""
        ignored = False
        for line in (self.context / ".dockerignore").read_text().split():
            pattern = line.removeprefix("!").removeprefix("**/")
            parts = path.parts if line.startswith("**/") else ()
            names = [*parts, str(path), *map(str, path.parents)]
            if any(fnmatch.fnmatch(name, pattern) for name in names if name != "."):
                ignored = not line.startswith("!")
        return ignored


def _options(text: str) -> tuple[dict[str, list[str]], str]:
    found: dict[str, list[str]] = {}
    while match := re.match(r"--(\w+)=(\S+)\s+", text):
        found.setdefault(match[1], []).append(match[2])
        text = text[match.end() :]
    return found, text
