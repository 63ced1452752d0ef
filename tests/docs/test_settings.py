"""The package that docs/settings.md shows fetches settings from a vault."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from support.command import EXECUTABLE, Command
from support.database import Database
from support.folder import Folder
from support.markdown import read_blocks
from support.walk import ROOT

DOCUMENT = ROOT / "docs" / "settings.md"
TOKEN = "hvs.s3cret"  # noqa: S105 - a test's own


def _installed(folder: Path) -> Path:
    """The package that the document shows, built as a wheel and unpacked, as an installer does it."""
    (folder / "vault").mkdir()
    for block in read_blocks(DOCUMENT):
        if block.say.get("file", "").startswith("vault/"):
            (folder / block.say["file"]).write_text(block.text, "utf-8")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, check=True, cwd=folder / "vault", capture_output=True, timeout=60)
    (wheel,) = folder.glob("acme_vault-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


@contextmanager
def _vault(values: dict[str, str]) -> Iterator[tuple[str, list[str]]]:
    """A server that answers as Vault does (KV, version 2); gives its address, and the paths that were asked for."""
    asked: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            allowed = self.headers["X-Vault-Token"] == TOKEN
            body = json.dumps({"data": {"data": values}} if allowed else {"errors": ["permission denied"]}).encode()
            self.send_response(200 if allowed else 403)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


def test_settings_from_a_vault(sartor: Command, folder: Folder, database: Database, tmp_path: Path) -> None:
    """The package as shown: a deploy asks the vault once, `list` doesn't, and a refused token is told without it."""
    folder.table("1.0.0-1700000000-a.py")
    (sartor.directory / "sartor.toml").write_text('settings-from = "vault"\n')
    site = str(_installed(tmp_path))

    def run(*words: str, token: str = TOKEN) -> subprocess.CompletedProcess[str]:
        there = {"PYTHONPATH": site, "VAULT_ADDR": address, "VAULT_TOKEN": token}
        env = {key: text for key, text in sartor.environment.items() if key != "SARTOR_DB_URL"} | there
        command = [EXECUTABLE, "db", "alteration", *words]
        options: dict[str, Any] = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True, "timeout": 60}
        return subprocess.run(command, check=False, cwd=sartor.directory, env=env, **options)

    with _vault({"SARTOR_DB_URL": database.url}) as (address, asked):
        assert run("list").returncode == 0
        assert asked == []
        done = run("deploy", "latest")
        assert (done.returncode, asked) == (0, ["/v1/secret/data/acme"]), done.stderr
        refused = run("status", token="other")  # noqa: S106 - a test's own
    assert database.tables() == {"a"}
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "error: settings-from: vault fails: it raised HTTPError" in refused.stderr
    assert "other" not in refused.stderr
