"""The applications that docs/application.md shows start where the schema fits, and refuse to where it doesn't."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import runpy
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

import sartor as library
from support.database import Database
from support.markdown import read_blocks
from support.walk import ROOT

DOCUMENT = ROOT / "docs" / "application.md"


def shown(name: str, folder: Path) -> Path:
    """The file that the document shows, written to a folder."""
    block = next(block for block in read_blocks(DOCUMENT) if block.say.get("file") == name)
    (folder / name).write_text(block.text, "utf-8")
    return folder / name


@contextlib.asynccontextmanager
async def started(app: Any) -> AsyncIterator[str]:
    """Starts an application as a server does (ASGI's lifespan protocol); gives why it didn't start, or "" ."""
    asked: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    told: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    running = asyncio.create_task(app(scope, asked.get, told.put))
    await asked.put({"type": "lifespan.startup"})
    answer = await told.get()
    yield answer.get("message", "")
    if answer["type"] == "lifespan.startup.complete":
        await asked.put({"type": "lifespan.shutdown"})
        assert (await told.get())["type"] == "lifespan.shutdown.complete"
    with contextlib.suppress(library.SartorError):
        await running


async def get(app: Any, path: str) -> Any:
    """The JSON that a GET of a path gives."""
    parts: list[bytes] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        parts.append(message.get("body", b""))

    scope = {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b"", "root_path": ""}
    await app(scope, receive, send)
    return json.loads(b"".join(parts))


def test_starlette(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lifespan refuses to start where the schema doesn't fit; where it fits, the application answers."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("DATABASE_URL", database.url)
    app = runpy.run_path(str(shown("app.py", tmp_path)))["app"]

    async def go() -> None:
        async with started(app) as refused:
            assert "NothingDeployed: nothing is deployed in schema public" in refused
            assert "\nhint: deploy before the application starts" in refused
        await library.deploy(database.url, "alterations", "2.0.0")
        async with started(app) as refused:
            assert "SchemaPending: 2.1.0-1760013731-data-access.py (and 4 more)" in refused
        await library.deploy(database.url, "alterations", "2.1.0")
        async with started(app) as refused:
            assert not refused
            assert await get(app, "/users") == {"users": 0}

    asyncio.run(asyncio.wait_for(go(), 60))


def test_node(database: Database, tmp_path: Path) -> None:
    """The query of the document works from Node: it names what is missing, and passes where nothing is."""
    node = shutil.which("node")
    if (
        node is None
        or subprocess.run([node, "-e", "require('pg')"], cwd=ROOT, capture_output=True, check=False).returncode
    ):
        pytest.skip("needs node, and its package pg in NODE_PATH")
    program = shown("require-schema.js", tmp_path)

    def run() -> tuple[int, str, str]:
        environment = {**os.environ, "DATABASE_URL": database.url}
        done = subprocess.run(
            [node, program], cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60
        )
        return done.returncode, done.stdout, done.stderr

    assert run()[0] == 1
    asyncio.run(library.deploy(database.url, ROOT / "alterations", "2.0.0"))
    lacks = "1760518260-did-method-backfill, 1760604113-did-method-required"
    assert run() == (1, "", f"the schema lacks {lacks}: deploy first\n")
    asyncio.run(library.deploy(database.url, ROOT / "alterations", "2.1.0"))
    assert run() == (0, "the schema fits\n", "")
