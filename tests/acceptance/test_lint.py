"""`lint`: exit codes, what counts, and the forms in which findings are given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from sartor import Severity
from sartor.linter.rules import RULES
from support.command import Command
from support.folder import Folder
from support.shapes import check
from support.walk import ROOT

TEXT = {"type": "object", "properties": {"text": {"type": "string", "minLength": 1}}, "required": ["text"]}
LEVEL = {"enum": ["none", "note", "warning", "error"]}


def closed(required: str, **properties: Any) -> dict[str, Any]:
    """The schema of an object with these properties and no others; the first words name those that must be."""
    return {
        "type": "object",
        "properties": properties,
        "required": required.split(),
        "additionalProperties": False,
    }


RULE = closed(
    "id shortDescription",
    id={"type": "string"},
    name={"type": "string", "pattern": "^[A-Z][A-Za-z]+$"},
    shortDescription=TEXT,
    fullDescription=TEXT,
    help=TEXT,
    defaultConfiguration=closed("level", level=LEVEL),
)
PLACE = closed(
    "artifactLocation region",
    artifactLocation=closed(
        "uri",
        uri={"type": "string", "pattern": r"^[A-Za-z0-9._~%/:-]+$"},
        uriBaseId={"const": "%SRCROOT%"},
    ),
    region=closed("startLine", startLine={"type": "integer", "minimum": 1}),
)
RESULT = closed(
    "ruleId message locations",
    ruleId={"type": "string"},
    ruleIndex={"type": "integer", "minimum": 0},
    level=LEVEL,
    message=TEXT,
    locations={"type": "array", "minItems": 1, "items": closed("physicalLocation", physicalLocation=PLACE)},
    partialFingerprints={"type": "object", "additionalProperties": {"type": "string"}},
)
DRIVER = closed("name", name={"type": "string"}, version={"type": "string"}, rules={"type": "array", "items": RULE})
SARIF = closed(
    "version runs",
    **{"$schema": {"type": "string"}},
    version={"const": "2.1.0"},
    runs={
        "type": "array",
        "items": closed(
            "tool results",
            tool=closed("driver", driver=DRIVER),
            columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
            results={"type": "array", "items": RESULT},
        ),
    },
)
"""What of SARIF 2.1.0 is used here, as OASIS's schema has it."""


@pytest.fixture
def mistakes(folder: Folder) -> Folder:
    """One warning in a release, one error in `next`."""
    folder.write("1.0.0-1700000000-a.py", "async def up(conn): pass\n")
    folder.write("next-1700000001-b ü.sql".replace(" ", "-"), "-- sartor: up\ncommit;\n-- sartor: down\nselect 1;\n")
    return folder


def test_it_says_where_and_what_to_do(sartor: Command, mistakes: Folder) -> None:
    """A line for each finding, and for each rule what comes of it; no database is asked."""
    assert mistakes.path.exists()
    done = sartor("lint", env={"SARTOR_DB_URL": "postgresql://nobody@127.0.0.1:1/none"}, expect=1)
    assert done.out.splitlines()[:2] == [
        "alterations/1.0.0-1700000000-a.py: warning SA103: has neither `down` nor `irreversible`",
        "alterations/next-1700000001-b-ü.sql:2: error SA201: `commit` in a script that runs in one transaction",
    ]
    assert "SA103 no-down: a rollback that includes the alteration is refused" in done.out
    assert done.out.endswith("\nFound 1 error and 1 warning in 2 files\n")


def test_exit_codes(sartor: Command, mistakes: Folder) -> None:
    """1 where there are errors, with --strict for warnings, too; 2 for wrong use."""
    (mistakes.path / "next-1700000001-b-ü.sql").unlink()
    assert sartor("lint").out.endswith("Found 1 warning in 1 file\n")
    sartor("lint", "--strict", expect=1)
    assert sartor("lint", "--strict", "--above", "1.0.0").out == "Found no mistakes in 1 file\n"
    sartor("lint", "--strict", "--ignore", "SA103=1700000000-a")
    for words in (["--format", "xml"], ["--ignore", "E501"], ["--above", "soon"], ["--alterations", "nowhere"]):
        sartor("lint", *words, expect=2)
    assert sartor("lint", "--released").code == 0
    mistakes.table("next-1700000001-b.py")
    assert "SA006" in sartor("lint", "--released", expect=1).out


def test_a_setting_leaves_rules_out(sartor: Command, mistakes: Folder) -> None:
    """A released script is frozen and can't get a comment: the settings file names it."""
    (mistakes.path / "next-1700000001-b-ü.sql").unlink()
    Path(sartor.directory, "sartor.toml").write_text('lint-ignore = ["SA103=1700000000-a"]\n')
    sartor("lint", "--strict")
    Path(sartor.directory, "sartor.toml").write_text('lint-ignore = "SA999"\n')
    assert "there is no rule 'SA999'" in sartor("lint", expect=2).err


def test_json(sartor: Command, mistakes: Folder) -> None:
    """The shape is documented, with `--json` and `--format json`; an error is JSON too."""
    assert mistakes.path.exists()
    for words in (["--json"], ["--format", "json"], ["--format=json"]):
        found = check(sartor("lint", *words, expect=1), "lint")
        assert [(f["code"], f["severity"], f["line"]) for f in found["findings"]] == [
            ("SA103", "warning", None),
            ("SA201", "error", 2),
        ]
    refused = check(sartor("lint", "--format", "json", "--above", "soon", expect=2), "lint")
    assert refused["error"]["kind"] == "TargetError"


def test_github(sartor: Command, mistakes: Folder) -> None:
    """A workflow command for each finding, and what would end one early is escaped."""
    mistakes.write("100%.sql", "")
    lines = sartor("lint", "--format", "github", expect=1).out.splitlines()
    assert lines[0].startswith("::error file=alterations/100%25.sql,line=1,title=SA001 bad-name::100%25.sql isn't")
    assert lines[1].startswith(
        "::warning file=alterations/1.0.0-1700000000-a.py,line=1,title=SA103 no-down::has neither"
    )
    assert lines[2].startswith("::error file=alterations/next-1700000001-b-ü.sql,line=2,title=SA201 ")


def test_sarif(sartor: Command, mistakes: Folder, tmp_path: Path) -> None:
    """A log as code scanning takes it: every rule, relative paths, and fingerprints that outlive a release."""
    log = sartor("lint", "--format", "sarif", expect=1).json
    Draft202012Validator(SARIF).validate(log)
    run = log["runs"][0]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert rules == [rule.code for rule in RULES]
    assert all(rules[result["ruleIndex"]] == result["ruleId"] for result in run["results"])
    places = [result["locations"][0]["physicalLocation"]["artifactLocation"] for result in run["results"]]
    assert places[1] == {"uri": "alterations/next-1700000001-b-%C3%BC.sql", "uriBaseId": "%SRCROOT%"}
    file = mistakes.path / "next-1700000001-b-ü.sql"
    file.rename(mistakes.path / "2.0.0-1700000001-b-ü.sql")
    later = sartor("lint", "--format", "sarif", expect=1).json["runs"][0]["results"]
    assert [r["partialFingerprints"] for r in later] == [r["partialFingerprints"] for r in run["results"]]
    elsewhere = Folder(tmp_path / "else where")
    mistakes.path.rename(elsewhere.path / "alterations")
    sartor.directory = mistakes.path.parent / "other"
    sartor.directory.mkdir()
    far = sartor("lint", "--format", "sarif", "--alterations", str(elsewhere.path / "alterations"), expect=1).json
    Draft202012Validator(SARIF).validate(far)


def test_rules_are_documented() -> None:
    """docs/lint.md has each rule, with its code, its name and how bad it is; codes are never used twice."""
    text = (ROOT / "docs" / "lint.md").read_text("utf-8")
    assert [rule.code for rule in RULES] == sorted({rule.code for rule in RULES})
    for rule in RULES:
        mark = "error" if rule.severity is Severity.ERROR else "warning"
        assert f"| `{rule.code}` | `{rule.name}` | {mark} |" in text, rule.code


def test_nothing_is_loaded(sartor: Command, folder: Folder) -> None:
    """The scripts of a change that nobody has looked at yet aren't run."""
    folder.write("next-1700000000-a.py", "open('mark', 'w')\nasync def up(conn): pass\nasync def down(conn): pass\n")
    sartor("lint")
    assert not Path(sartor.directory, "mark").exists()
