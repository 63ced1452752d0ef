"""The cases run for real, and what each command tells of each of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comparison.by_hand import error_of, look
from comparison.cases import CASES, Case
from support.command import Command
from support.database import Database
from support.folder import Folder
from support.psql import psql

NOTHING = "nothing"


@dataclass(frozen=True, kw_only=True)
class Told:
    """What was told of one case, in a few words for each command."""

    dry_run: str
    by_hand: str
    rehearse: str
    with_data: str
    lint: str
    check: str
    prove: str
    verify: str


def run_all(directory: Path, database: Database) -> dict[str, Told]:
    """What was told of each case that the server knows, by title; `database` is empty, `directory` for files."""
    version = int(database.value("show server_version_num")) // 10000
    cases = [case for case in CASES if case.since <= version]
    sartor, folder = Command(directory, {"SARTOR_DB_URL": database.url}), Folder(directory / "alterations")
    names = {case.title: _write(folder, number, case) for number, case in enumerate(cases)}
    sartor("deploy", "1.0.0")
    dry = {case.title: _dry_run(case, directory / "dry.sql", database) for case in cases}
    database.run("".join(case.own(case.data) for case in cases), "analyze")
    seen = dict(zip(names, look(cases, database, directory / "by-hand.sql"), strict=True))
    linted = sartor("lint", "--json", expect=None).json["findings"]
    plan = _by_name(sartor("check", "next", "--json", expect=3).json["plan"])
    rehearsed = _by_name(sartor("rehearse", "--json", expect=1).json["alterations"])
    with_rows = _with_rows(sartor, folder, cases, names)
    drift = _drift(sartor, database, cases)
    return {
        case.title: Told(
            dry_run=dry[case.title],
            by_hand=seen[case.title],
            rehearse=_rehearse(case, rehearsed[name]),
            with_data=_rehearse(case, with_rows[name]),
            lint=_lint(name, linted),
            check=_check(case, plan[name], drift["check"]),
            prove=_prove(case, with_rows[name]),
            verify=_verify(case, drift["verify"], drift["left"]),
        )
        for case, name in zip(cases, names.values(), strict=True)
    }


def _write(folder: Folder, number: int, case: Case) -> str:
    if case.tables:
        _section(folder, f"1.0.0-{1700000000 + number}-tables.sql", case.own(case.tables), case.own(case.untables))
    if case.earlier:
        name = f"next-{1700000100 + 2 * number}-before-{case.slug}.sql"
        _section(folder, name, case.own(case.earlier), case.own(case.undo))
    name = f"next-{1700000101 + 2 * number}-{case.slug}.sql"
    _section(folder, name, case.own(case.up), case.own(case.down))
    return name


def _section(folder: Folder, name: str, up: str, down: str) -> None:
    folder.write(name, f"-- sartor: up\n{up};\n-- sartor: down\n{down};\n")


def _dry_run(case: Case, file: Path, database: Database) -> str:
    """What psql says where the tables are empty."""
    file.write_text(f"begin;\n{case.own(case.earlier)};\n{case.own(case.up)};\nrollback;\n")
    return case.plain(error_of(psql(database.url, file).err)) or "no error"


def _with_rows(sartor: Command, folder: Folder, cases: list[Case], names: dict[str, str]) -> dict[str, dict[str, Any]]:
    """What `rehearse --with-data` and `prove --seed` tell, together, by name; those that can be are deployed then."""
    first, *others = [case for case in cases if case.fails]
    found = _one_that_fails(sartor, folder, [*(case for case in cases if not case.fails), first], names)
    sartor("deploy", "next", "--steps", str(sum(1 + bool(case.earlier) for case in cases if not case.fails)))
    for case in others:  # one that fails ends a rehearsal, and a proof
        with folder.without(names[each.title] for each in cases if each.fails and each is not case):
            found |= _one_that_fails(sartor, folder, [case], names)
    return found


def _one_that_fails(
    sartor: Command, folder: Folder, cases: list[Case], names: dict[str, str]
) -> dict[str, dict[str, Any]]:
    """What both commands tell of cases of which the last one fails."""
    seed = folder.path.parent / "seed.sql"
    seed.write_text("".join(case.own(case.data) for case in cases))
    ids = [names[case.title].removeprefix("next-").removesuffix(".sql") for case in cases if case.proves]
    rehearsed = _by_name(sartor("rehearse", "--with-data", "--json", expect=1).json["alterations"])
    proofs = _by_name(sartor("prove", *ids, "--seed", str(seed), "--json", expect=1).json["proofs"])
    return {name: rehearsed[name] | proofs.get(name, {}) for name in (names[case.title] for case in cases)}


def _drift(sartor: Command, database: Database, cases: list[Case]) -> dict[str, list[dict[str, Any]]]:
    """What `check` and `verify` find after changes by hand, and what is `left` after a rollback."""
    database.run(*(case.own(case.by_hand) for case in cases if case.by_hand))
    found = {
        "check": sartor("check", "next", "--json", expect=4).json["drift"],
        "verify": sartor("verify", "--json", expect=4).json["drift"],
    }
    sartor("rollback", "1.0.0", "--yes")
    return found | {"left": sartor("verify", "--against-replay", "--json", expect=4).json["drift"]}


def _by_name(found: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in found}


def _check(case: Case, planned: dict[str, Any], drift: list[dict[str, Any]]) -> str:
    changed = _changed(case, drift)
    sql = "its SQL" if planned["sql"] else NOTHING
    return f"{sql}; afterwards, exit code 4: {changed}" if changed else sql


def _rehearse(case: Case, rehearsed: dict[str, Any]) -> str:
    facts = [fact for statement in rehearsed["statements"] for fact in _facts(case, statement)]
    doubt = " in doubt" if rehearsed["in_doubt"] or rehearsed["doubts"] else ""
    advised = rehearsed["verdict"] == "safe" and any(each["instead"] for each in rehearsed["statements"])
    told = ": ".join([f"`{rehearsed['verdict']}`{doubt}", *([", ".join(dict.fromkeys(facts))] if facts else [])])
    return f"{told}, and what to do instead" if advised else told


def _lint(name: str, findings: list[dict[str, Any]]) -> str:
    rules = dict.fromkeys(each["rule"] for each in findings if Path(each["file"]).name == name)
    return ", ".join(f"`{rule}`" for rule in rules) or NOTHING


def _facts(case: Case, statement: dict[str, Any]) -> Iterator[str]:
    if statement["error"]:
        yield case.plain(statement["error"])
    for verb in ("rewrites", "builds", "scans"):
        names = [each["name"] if verb == "builds" else each for each in statement[verb]]
        if names and statement["verdict"] != "safe":
            yield case.plain(f"{verb} {' and '.join(names)}")
            break
    for lost in statement["losses"]:
        yield case.plain(f"{lost['how']} {lost['column'] + ' of ' if lost['column'] else ''}{lost['table']}")
    if statement["rows"]:
        yield f"changes {statement['rows']} rows"


def _prove(case: Case, proof: dict[str, Any]) -> str:
    if not case.proves:
        return "not tried"
    told = f"`{proof['result']}`"
    if proof["failed"]:
        return f"{told}: {case.plain(proof['failed']['message'])}"
    if proof["differences"]:
        told += ": " + ", ".join(f"{case.plain(d['object'])} {d['change']} after {d['stage']}" for d in _first(proof))
    return told + "".join(f"; {rows['lost']} of {rows['rows']} rows lost" for rows in proof["rows"])


def _first(proof: dict[str, Any]) -> list[dict[str, Any]]:
    return [d for d in proof["differences"] if d["stage"] == proof["differences"][0]["stage"]]


def _verify(case: Case, drift: list[dict[str, Any]], left: list[dict[str, Any]]) -> str:
    if case.fails:
        return "never deployed"
    if changed := _changed(case, drift):
        return f"exit code 4: {changed}"
    changed = _changed(case, left)
    return f"after `rollback`, `--against-replay`: {changed}" if changed else "as expected"


def _changed(case: Case, drift: list[dict[str, Any]]) -> str:
    own = [each for each in drift if case.prefix in each["object"]]
    return ", ".join(f"{each['kind']} {case.plain(each['object'])} {each['change']}" for each in own)
