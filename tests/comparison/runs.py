"""The cases run for real, and what each command tells of each of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comparison.cases import CASES, DATA, TABLES, UNTABLES, Case
from support.command import Command
from support.database import Database
from support.folder import Folder
from support.psql import psql

NOTHING = "nothing"


@dataclass(frozen=True, kw_only=True)
class Told:
    """What was told of one case, in a few words for each command."""

    dry_run: str
    check: str
    rehearse: str
    prove: str
    verify: str


def run_all(directory: Path, database: Database) -> dict[str, Told]:
    """What was told of each case, by its title; `database` is empty, `directory` a place for alterations."""
    sartor, folder = Command(directory, {"SARTOR_DB_URL": database.url}), Folder(directory / "alterations")
    names = [_write(folder, number, case) for number, case in enumerate(CASES)]
    sartor("deploy", "1.0.0")
    dry = [_dry_run(case, directory / "dry.sql", database) for case in CASES]
    data = directory / "data.sql"
    data.write_text("".join(case.own(DATA) for case in CASES))
    database.run(data.read_text(), "analyze")
    plan = sartor("check", "next", "--json", expect=3).json["plan"]
    rehearsed = _by_name(sartor("rehearse", "--with-data", "--json", expect=1).json["alterations"])
    ids = [name.removeprefix("next-").removesuffix(".sql") for name in names]
    proofs = _by_name(sartor("prove", *ids, "--seed", str(data), "--json", expect=1).json["proofs"])
    sartor("deploy", "next", "--steps", str(sum(not case.fails for case in CASES)))
    database.run(*(case.own(case.by_hand) for case in CASES if case.by_hand))
    drift = {
        "check": sartor("check", "next", "--json", expect=4).json["drift"],
        "verify": sartor("verify", "--json", expect=4).json["drift"],
    }
    sartor("rollback", "1.0.0", "--yes")
    left = sartor("verify", "--against-replay", "--json", expect=4).json["drift"]
    return {
        case.title: Told(
            dry_run=dry[number],
            check=_check(case, plan[number], drift["check"]),
            rehearse=_rehearse(case, rehearsed[name]),
            prove=_prove(case, proofs[name]),
            verify=_verify(case, drift["verify"], left),
        )
        for number, (case, name) in enumerate(zip(CASES, names, strict=True))
    }


def _write(folder: Folder, number: int, case: Case) -> str:
    _section(folder, f"1.0.0-{1700000000 + number}-tables.sql", case.own(TABLES), case.own(UNTABLES))
    name = f"next-{1700000100 + number}-{case.slug}.sql"
    _section(folder, name, case.own(case.up), case.own(case.down))
    return name


def _section(folder: Folder, name: str, up: str, down: str) -> None:
    folder.write(name, f"-- sartor: up\n{up};\n-- sartor: down\n{down};\n")


def _dry_run(case: Case, file: Path, database: Database) -> str:
    """What psql says where the tables are empty."""
    file.write_text(f"begin;\n{case.own(case.up)};\nrollback;\n")
    return psql(database.url, file).err or "no error"


def _by_name(found: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in found}


def _check(case: Case, planned: dict[str, Any], drift: list[dict[str, Any]]) -> str:
    changed = _changed(case, drift)
    sql = "its SQL" if planned["sql"] else NOTHING
    return f"{sql}; afterwards, exit code 4: {changed}" if changed else sql


def _rehearse(case: Case, rehearsed: dict[str, Any]) -> str:
    facts = [fact for statement in rehearsed["statements"] for fact in _facts(case, statement)]
    return ": ".join([f"`{rehearsed['verdict']}`", *([", ".join(dict.fromkeys(facts))] if facts else [])])


def _facts(case: Case, statement: dict[str, Any]) -> Iterator[str]:
    if statement["error"]:
        yield _plain(case, statement["error"])
    for verb in ("rewrites", "builds", "scans"):
        names = [each["name"] if verb == "builds" else each for each in statement[verb]]
        if names and statement["verdict"] != "safe":
            yield _plain(case, f"{verb} {' and '.join(names)}")
            break
    if statement["rows"]:
        yield f"changes {statement['rows']} rows"


def _prove(case: Case, proof: dict[str, Any]) -> str:
    told = f"`{proof['result']}`"
    if proof["failed"]:
        return f"{told}: {_plain(case, proof['failed']['message'])}"
    if proof["differences"]:
        told += ": " + ", ".join(f"{_plain(case, d['object'])} {d['change']} after {d['stage']}" for d in _first(proof))
    return told + "".join(f"; {rows['lost']} of {rows['rows']} rows lost" for rows in proof["rows"])


def _first(proof: dict[str, Any]) -> list[dict[str, Any]]:
    return [d for d in proof["differences"] if d["stage"] == proof["differences"][0]["stage"]]


def _verify(case: Case, drift: list[dict[str, Any]], left: list[dict[str, Any]]) -> str:
    if case.fails:
        return "never deployed"
    if changed := _changed(case, drift):
        return f"exit code 4: {changed}"
    changed = _changed(case, left)
    return f"after `rollback`, `--against-replay`: {changed}" if changed else "as it should be"


def _changed(case: Case, drift: list[dict[str, Any]]) -> str:
    own = [each for each in drift if case.prefix in each["object"]]
    return ", ".join(f"{each['kind']} {_plain(case, each['object'])} {each['change']}" for each in own)


def _plain(case: Case, text: str) -> str:
    """The first line of a text, with the names that the reader knows."""
    return text.partition("\n")[0].replace("public.", "").replace(case.prefix, "")
