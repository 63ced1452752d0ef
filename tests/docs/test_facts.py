"""What the documents say of names, numbers and files is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sartor import EventKind, SartorError, errors
from sartor.cli.commands.check import PENDING
from sartor.conninfo import parameters
from sartor.postgres.connect import keepalive
from sartor.postgres.target_server import CONNECT_TIMEOUT
from sartor.settings.lookup import ELSEWHERE
from sartor.settings.product import SARTOR
from sartor.settings.toml_file import KEYS
from support.command import Command
from support.markdown import anchors, links
from support.walk import ROOT

DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "alterations" / "README.md"])
OPERATE = (ROOT / "docs" / "operate.md").read_text("utf-8")
SETTINGS = (ROOT / "docs" / "settings.md").read_text("utf-8")
NAMES = (
    "new import release snapshot squash deploy rollback fresh redo check rehearse prove list status history"
    " lint verify repair diagram watch baseline"
)
COMMANDS = [
    *(("db", "alteration", name) for name in NAMES.split()),
    *(("db", name) for name in ("serve", "psql", "seed", "backup", "restore")),
    *(("fleet", name) for name in ("plan", "status", "approve", "cancel", "worker", "upgrade")),
    *(("tenant", name) for name in ("create", "drop")),
    ("init",),
    (),
]
IN_THE_FILE = ("db-url-env", "destination", "ignore-objects", "lint-ignore", "scratch-bootstrap")
"""Settings that have no variable."""
OF_OTHERS = {
    *(
        "--build-arg",
        "--detach",
        "--diff",
        "--exit-code",
        "--globals-only",
        "--schema-only",
        "--one-in",
        "--scale",
        "--schema-only",
        "--secret",
        "--time",
    ),
    *("--timeout", "--tmpfs", "--update-docs", "--upgrade"),
}
"""Options that documents mention and that aren't Sartor's."""


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links(document: Path) -> None:
    """A link leads to a file that is there, and to a heading of it."""
    for link in links(document):
        name, _, anchor = link.partition("#")
        target = (document.parent / name).resolve() if name else document
        assert target.exists(), f"{document.name} links to {link}"
        assert not anchor or anchor in anchors(target), f"{document.name} links to {link}"


def test_options(sartor: Command) -> None:
    """Every option that a document names is one of some command, and every option of a command is documented."""
    helps = "\n".join(sartor.run(*words, "--help").out for words in COMMANDS)
    known = set(re.findall(r"--[a-z][a-z-]+", helps))
    named = {option: d.name for d in DOCUMENTS for option in re.findall(r"`[^`\n]*?(--[a-z][a-z-]+)", d.read_text())}
    assert {option: name for option, name in named.items() if option not in known | OF_OTHERS} == {}
    pages = "\n".join(document.read_text("utf-8") for document in DOCUMENTS)
    undocumented = {option for option in known if f"`{option}" not in pages}
    assert undocumented <= {"--help", "--version", "--debug", "--install-completion", "--show-completion"}


def test_settings() -> None:
    """The table of settings has each one, with its variable."""
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| (?:`(SARTOR_[A-Z_]+)` )?\|", SETTINGS, re.MULTILINE))
    own = dict.fromkeys(IN_THE_FILE, "") | {"variables": f"{SARTOR.variable('var-')}NAME"}
    assert rows == {key: SARTOR.variable(key) for key in KEYS} | own
    others = set(re.findall(r"^\| \| `(SARTOR_[A-Z_]+)` \|", SETTINGS, re.MULTILINE))
    assert others == {SARTOR.variable(key) for key in ELSEWHERE}


def test_parameters() -> None:
    """The table of connection parameters has each one, with what becomes of it, and why it isn't honoured."""
    table = SETTINGS[SETTINGS.index("| parameter |") : SETTINGS.index("`statement_timeout` and `lock_timeout` may be")]
    rows = re.findall(r"^\| (`.*?) \| (.*?) \| (.*?) ?\|$", table, re.MULTILINE)
    found = {name: (fate, why) for names, fate, why in rows for name in re.findall(r"`(\w+)`", names)}
    assert found.keys() == parameters.NAMES
    for name, (fate, why) in found.items():
        if limited := parameters.LIMITED.get(name):
            values = ", ".join(f"`{value}`" for value in limited.values.split())
            assert (fate, why) == (f"only {values}" if values else "refused", limited.reason), name
        elif name in parameters.HARMLESS:
            assert (fate, why) == ("no effect", parameters.HARMLESS[name])
        else:
            assert fate == "counts", name
    idle, interval, count = (keepalive.DEFAULTS[f"keepalives_{key}"] for key in ("idle", "interval", "count"))
    assert found["keepalives"][1] == f"on: after {idle} s, every {interval} s, {count} times"
    assert found["tcp_user_timeout"][1].startswith(f"{keepalive.DEFAULTS['tcp_user_timeout']} ms:")
    assert f"; {CONNECT_TIMEOUT:g} s unless" in found["connect_timeout"][1]
    assert f"`{SARTOR.safe_directory}=" in SETTINGS


def test_exit_codes() -> None:
    """The table of exit codes has each one that an error has, 0, and that of a check."""
    classes = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, SartorError)]
    table = OPERATE[OPERATE.index("## Exit codes") :]
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)} == {
        0,
        PENDING,
        *(c.exit_code for c in classes),
    }


def test_events() -> None:
    """The table of the journal's events has each kind."""
    table = OPERATE[OPERATE.index("| event |") : OPERATE.index("## Asking from the application")]
    assert set(re.findall(r"`([a-z-]+)`", "\n".join(re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)))) == {
        kind.value for kind in EventKind
    }


def test_house() -> None:
    """The table of the floors has each package, and no other."""
    table = (ROOT / "CONTRIBUTING.md").read_text("utf-8").partition("| floor |")[2].partition("\n\n")[0]
    drawn = set(re.findall(r"`([a-z]+)`", "\n".join(line.split("|")[1] for line in table.splitlines()[2:])))
    source = ROOT / "src" / "sartor"
    assert drawn == {"errors", "log", *(file.parent.name for file in source.glob("*/__init__.py"))}


def test_where_is() -> None:
    """Each file that the tables and steps of CONTRIBUTING name is there."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8").partition("## A deploy")[2].partition("## Why")[0]
    named = set(re.findall(r"`([a-z_/]+(?:\.(?:py|sql)|/))`", text))
    assert len(named) > 20
    assert [name for name in named if not (ROOT / "src" / "sartor" / name).exists()] == []


def test_the_tutorial_is_short() -> None:
    """From an empty folder to a released alteration it takes ten commands at most, the whole page ten that matter."""
    text = (ROOT / "docs" / "tutorial.md").read_text("utf-8")
    commands = re.findall(r"^\$ (.*)$", text, re.MULTILINE)
    assert commands[0].startswith("git init")
    released = next(number for number, line in enumerate(commands, 1) if " release 1.0.0" in line)
    assert released <= 10
    assert len({line for line in commands if line.startswith(("git", "sartor"))}) <= 10
