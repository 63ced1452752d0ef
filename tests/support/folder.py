"""Folders of alterations, written by tests."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


class Folder:
    """A folder of alterations. `path` is where it is; files are written by name."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)

    def write(self, name: str, text: str) -> Path:
        """Write a file as it is, dedented."""
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text).lstrip("\n"))
        return file

    def add(self, name: str, up: str = "", down: str = "") -> Path:
        """Write a Python alteration whose `up` and `down` execute these statements."""
        return self.write(name, f"{_function('up', up)}\n\n{_function('down', down)}")

    def table(self, name: str) -> Path:
        """Write a Python alteration that creates the table its slug names."""
        slug = name.split("-", 2)[2].removesuffix(".py").replace("-", "_")
        return self.add(name, up=f"create table {slug} (id int)", down=f"drop table {slug}")

    @contextmanager
    def without(self, names: Iterable[str]) -> Iterator[None]:
        """The folder without these files, as long as the block lasts."""
        texts = {name: (self.path / name).read_bytes() for name in names}
        for name in texts:
            (self.path / name).unlink()
        try:
            yield
        finally:
            for name, text in texts.items():
                (self.path / name).write_bytes(text)


def _function(name: str, sql: str) -> str:
    body = f"await conn.execute({sql!r})" if sql else "pass"
    return f"async def {name}(conn):\n    {body}\n"
