"""`init`: what it writes works, and nothing that is there is lost."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from support.command import EXECUTABLE, Command
from support.database import Database
from support.repository import Repository
from support.shapes import check
from support.terminal import ENTER, Terminal

JOBS = {"github": ".github/workflows/alterations.yml", "gitlab": ".gitlab-ci.yml", "none": None}


def below(folder: Path) -> set[str]:
    return {str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file()}


@pytest.mark.parametrize("service", JOBS)
def test_a_new_project(sartor: Command, tmp_path: Path, service: str) -> None:
    """The settings, the README and a first alteration are there, and what the pipeline's job runs succeeds."""
    sartor.run("init", "--yes", "--ci", service)
    (example,) = (tmp_path / "alterations").glob("next-*-example.py")
    job = JOBS[service]
    begun = {"sartor.toml", "alterations/README.md", f"alterations/{example.name}"}
    assert below(tmp_path) == begun | ({job} if job else set())
    if job:
        repository = Repository(tmp_path)
        repository.commit()
        repository("remote", "add", "origin", str(tmp_path))
        repository("fetch", "--quiet", "origin")
        commands = [line.strip(" -").removeprefix("run: ") for line in (tmp_path / job).read_text().splitlines()]
        own = [line for line in commands if line.startswith(("sartor ", "git "))]
        assert ["--against" in line for line in own if line.startswith("sartor")] == [True, False]
        variables = {
            "BASE": "main",
            "CI_DEFAULT_BRANCH": "main",
            "PATH": f"{Path(EXECUTABLE).parent}:{os.environ['PATH']}",
        }
        script = "\n".join(["set -e", *own])
        subprocess.run(
            ["/bin/sh", "-c", script], check=True, cwd=tmp_path, env=sartor.environment | variables, timeout=60
        )


def test_the_url_is_where_applications_have_it(sartor: Command, database: Database) -> None:
    """DATABASE_URL names the database, with the settings as they are written."""
    sartor.run("init", "--yes")
    sartor("deploy", "next", env={"SARTOR_DB_URL": "", "DATABASE_URL": database.url})
    assert database.tables() == {"example"}


def test_what_is_there_stays(sartor: Command, tmp_path: Path) -> None:
    """No file is overwritten; alterations that are there need no example, and a pipeline of one's own is left alone."""
    (tmp_path / "alterations").mkdir()
    texts = {"alterations/1.0.0-1700000000-a.sql": "", "alterations/README.md": "ours", ".gitlab-ci.yml": "ours"}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    first = sartor.run("init", "--yes")
    assert first.out.splitlines() == [
        "kept alterations/README.md",
        "wrote alterations.gitlab-ci.yml",
        "wrote sartor.toml",
    ]
    assert "include: alterations.gitlab-ci.yml" in first.err
    assert {name: (tmp_path / name).read_text() for name in texts} == texts
    again = check(sartor.run("init", "--yes", "--json"), "init")
    assert all(each["exists"] for each in again["files"])


def test_settings_that_are_there_are_kept(sartor: Command, tmp_path: Path) -> None:
    """Where settings say which package has the alterations, none are begun."""
    (tmp_path / "pyproject.toml").write_text('[tool.sartor]\nalterations = "acme.alterations"\n')
    assert sartor.run("init", "--yes").out == "kept pyproject.toml\n"
    (tmp_path / "pyproject.toml").write_text("[tool.sartor\n")
    assert "isn't valid TOML" in sartor.run("init", "--yes", expect=2).err


def test_a_terminal_is_asked(sartor: Command, tmp_path: Path) -> None:
    """A terminal sees what would be written, and says yes; a pipeline needs --yes."""
    refused = sartor.run("init", expect=2)
    assert "confirm with --yes" in refused.err
    with Terminal(sartor, words=("init",)) as terminal:
        terminal.until("sartor.toml?")
        terminal.until("(y/N)")
        terminal.press("y", ENTER)
        assert terminal.end() == 0
    assert (tmp_path / "sartor.toml").exists()


def test_refused(sartor: Command, tmp_path: Path) -> None:
    """A service that isn't known, and a folder that can't be written to, are errors that say so."""
    assert "the services are github, gitlab, none" in sartor.run("init", "--ci", "jenkins", expect=2).err
    (tmp_path / "alterations").write_text("")
    failed = sartor.run("init", "--yes", expect=2)
    assert "alterations/README.md can't be written" in failed.err
    assert below(tmp_path) == {"alterations"}
