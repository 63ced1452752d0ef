"""The action for GitHub runs a command, passes its exit code on, and its summary is shaped by no text of others."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import pytest
import summary
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from support.database import Database
from support.dockerfile import Image
from support.runner import ACTION, STEPS, Runner
from support.servers import closed_port
from support.shipped import Registry, write_alterations

MARKDOWN = MarkdownIt("commonmark").enable("table")


@pytest.fixture
def runner(image: Image, tmp_path: Path) -> Runner:
    """A machine with the product's repository."""
    project = tmp_path / "project"
    write_alterations(project / "alterations")
    return Runner(image, tmp_path)


def test_inputs_are_variables() -> None:
    """No input is part of a script, where a branch's name could be a command, and the action has no token."""
    for step in STEPS["runs"]["steps"]:
        assert "${{" not in step["run"]
        assert step["shell"] == "bash"
    assert "github.token" not in (ACTION / "action.yml").read_text()


def test_deploys(runner: Runner, database: Database) -> None:
    """`check` ends with 3 where something is pending, `rehearse` and `deploy` with 0; each has its summary."""
    pending = runner.use(command="check", url=database.url)
    assert (pending.code, pending.outputs["exit-code"]) == (3, "3"), pending.log
    assert "**Plan**: 3" in pending.summary
    rehearsed = runner.use(command="rehearse", target="1.1.0", url=database.url)
    assert (rehearsed.code, "worst verdict is <code>safe</code>" in rehearsed.summary) == (0, True), rehearsed.log
    done = runner.use(command="deploy", url=database.url)
    assert (done.code, "**Deployed**: 3" in done.summary) == (0, True), done.log
    assert database.tables() == {"tailors", "thimbles", "needles"}
    assert runner.use(command="check", arguments="--plan-only\n--strict-order", url=database.url).code == 0


def test_fails(runner: Runner, database: Database) -> None:
    """A script that fails is told with its statement, and its exit code is the step's."""
    bad = runner.folder / "project" / "alterations" / "1.3.0-1700000003-bad.sql"
    bad.write_text("-- sartor: up\nselect '@everyone ![](x) <b> ```' from nowhere;\n-- sartor: down\nselect 1;\n")
    failed = runner.use(command="deploy", url=database.url)
    assert failed.code == 1, failed.log
    assert 'message: relation "nowhere" does not exist' in failed.summary
    kinds = {token.type for token in MARKDOWN.parse(failed.summary)}
    assert kinds.isdisjoint({"html_block", "link_open", "image"})
    assert runner.use(command="status", url=f"postgresql://a@127.0.0.1:{closed_port()}/a").code == 6


def test_without_a_database(runner: Runner) -> None:
    """`lint` annotates what it finds, `prove` compares the files, an unknown command is wrong use."""
    (runner.folder / "project" / "alterations" / "1.3.0-1700000003-bad.sql").write_text("-- sartor: up\ncommit;\n")
    linted = runner.use(command="lint")
    assert linted.code == 1
    assert "::error file=" in linted.log
    assert "**Findings**" in linted.summary
    proved = runner.use(command="prove")
    assert proved.code == 1
    assert "**Unproved**" in proved.summary
    assert runner.use(command="lint; touch /temp/owned").code == 2
    assert not (runner.folder / "temp" / "owned").exists()


def test_installs(runner: Runner, registry: Registry) -> None:
    """With a version or a lock file it installs Sartor beside what the runner has, and the next step finds it."""
    (runner.folder / "project" / "requirements.txt").write_text(registry.requirements)
    near = ((registry.folder, "/wheels"), (registry.secret, "/etc/pip.conf"))
    found = runner.use(command="lint", installed=False, binds=near, requirements="requirements.txt")
    assert (found.code, "3 files" in found.summary) == (0, True), found.log
    nothing = runner.use(command="lint", installed=False, binds=near, version="0.0.1; touch /temp/owned")
    assert nothing.code != 0
    assert not (runner.folder / "temp" / "owned").exists()


@given(st.text() | st.text("`|\\<>*_[]()@!~#&;\n \u202ea"))
def test_text_of_others_is_code(text: str) -> None:
    """Whatever a text holds, it is one cell's text: no sign of it is Markdown's or HTML's, no line is a further row."""
    tokens = MARKDOWN.parse(summary.table(["a", "b"], [[summary.code(text), "end"]]))
    cells = [token for token in tokens if token.type == "inline"]
    assert [cell.content for cell in (*cells[:2], cells[3])] == ["a", "b", "end"]
    assert len(cells) == 4
    children = cells[2].children or []
    assert {child.type for child in children} <= {"html_inline", "text", "text_special", "softbreak"}
    assert [child.content for child in children if child.type == "html_inline"] == ["<code>", "</code>"]
    shown = "".join(child.content for child in children if child.type != "html_inline")
    assert shown.split() == re.sub(summary.ACTS, summary._spell, text).split()
    (fence,) = [token for token in MARKDOWN.parse(summary.block(text)) if token.level == 0]
    assert fence.type == "fence"


def test_a_summary_has_an_end() -> None:
    """What is longer than GitHub takes is cut between its parts, and says so."""
    finding = dict.fromkeys(("severity", "code", "rule", "file", "line", "message"), "x" * 2000)
    text = json.dumps({"version": 1, "runs": [{"findings": [finding] * 200}] * 3})
    found = summary.summary(0, "lint", text)
    assert len(found.encode()) < 1_000_000
    assert "too long" in summary.summary(0, "lint", json.dumps({"runs": [{"findings": [finding] * 190}] * 9}))
    assert "no result" in summary.summary(1, "lint", "")
    assert html.unescape(summary.code("a<b>")) == "<code>a<b></code>"
