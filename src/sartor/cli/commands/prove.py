"""`sartor db alteration prove`."""

from functools import partial
from typing import Annotated

import typer

import sartor
from sartor.cli import options, output
from sartor.cli.command import execute, on_each, reach_scratch, settled, sources
from sartor.cli.command_line import AS_GIVEN
from sartor.cli.declaration import Text, Texts, argument, command, option
from sartor.cli.results.prove import proofs_json, proofs_lines, standing_json
from sartor.domain.manifest import Standing
from sartor.domain.proof import Proofs
from sartor.errors import AlterationEdited, AlterationMissing, Unproved, UsageError

Alterations = Annotated[Texts, argument("[ALTERATION]...", "The alterations to prove, by identity or file name.")]
Pending = Annotated[bool, option("--pending", "Prove all pending alterations.")]
All = Annotated[bool, option("--all", "Prove all alterations.")]
Seed = Annotated[
    Text,
    option(
        "--seed FILE",
        "Insert this data before the first alteration (SQL, or a seed module), and count the rows that change.",
    ),
]
CheckOnly = Annotated[bool, option("--check", "Run nothing: compare all files with the manifest, without a database.")]

LEFT = "the scratch database was dropped; the manifest has the proofs made so far"
"""The words for an interrupted proof."""


@command(
    "db alteration prove --pending --seed demo.sql",
    options.where,
    options.base,
    options.patience,
    codes=(0, 1, 2, 4, 6, 130),
)
def prove(
    context: typer.Context,
    alteration: Alterations = None,
    pending: Pending = False,
    all_: All = False,
    seed: Seed = None,
    check: CheckOnly = False,
    scratch_url: options.ScratchUrl = None,
) -> None:
    """Prove that alterations can be rolled back.

    Runs each alteration up, down and up again in a scratch database, and shows every object that differs; a
    repeatable script runs twice. The manifest, manifest.toml beside the alterations, keeps the proofs.
    """
    if check:
        if alteration or pending or all_ or seed or scratch_url or context.obj["scratch_bootstrap"]:
            raise UsageError(
                "--check can't be combined with other options", hint="give --check alone or with --alterations"
            )
        _check(context)
        return
    if sum(map(bool, (alteration, pending, all_))) != 1:
        hint = f"`{AS_GIVEN.line()} --all`, --pending, or identities"
        raise UsageError("no alterations to prove are given", hint=hint)
    # Where no other database is looked at, the scratch database's server is all that is needed.
    db_url = None if pending or context.obj["embedded"] is not None else scratch_url
    with settled(context, db_url=db_url, anywhere=not pending) as settings:
        call = partial(
            sartor.prove, names=alteration or (), pending=pending, scratch=reach_scratch(scratch_url), seed=seed
        )
        action = partial(execute, call, settings=settings, left=LEFT)
        found = on_each(settings, action, lines=proofs_lines, as_json=proofs_json)
    _refuse_unproved(found)


def _refuse_unproved(found: list[Proofs]) -> None:
    bad = dict.fromkeys(proof.alteration for each in found for proof in each.bad)
    if bad:
        ways = {
            False: "fix the script, or declare it `irreversible`, with the reason",
            True: "have a repeatable script change nothing when it runs again: `create or replace`, or drop first",
        }
        hints = dict.fromkeys(ways[alteration.is_repeatable] for alteration in bad)
        raise Unproved(f"not proved: {', '.join(each.name for each in bad)}", hint="; ".join(hints))


def _check(context: typer.Context) -> None:
    found = sartor.check_manifest(sources(context))
    if output.wants("--json"):
        output.json_object(standing_json(found))
    _raise_unless_true(found)
    if not output.wants("--json"):
        output.result("All alterations are as they were proved")


def _raise_unless_true(found: Standing) -> None:
    said = [
        *(f"{a.name} has changed since its release" for a in found.edited),
        *(f"{line.id} of release {line.release} is missing" for line in found.missing),
        *(f"{a.name} has a release that the manifest doesn't list" for a in found.unlisted),
        *(f"{a.name} isn't proved in its current form" for a in found.unproved),
        *(f"the snapshot of {s.release} isn't used: {s.fault}" for s in found.snapshots),
    ]
    if found.contradicts:
        if not (found.edited or found.missing):
            release = found.unlisted[0].release
            hint = f"sartor db alteration release {release}; or give the file its old name again"
            raise AlterationEdited("; ".join(said), hint=hint)
        kind = AlterationEdited if found.edited else AlterationMissing
        raise kind("; ".join(said), hint="restore the files of the release")
    if said:
        words = " ".join(a.id for a in found.unproved)
        ways = [f"sartor db alteration prove {words}"] if words else []
        ways += [f"sartor db alteration snapshot {s.release}" for s in found.snapshots]
        raise Unproved("; ".join(said), hint="; ".join(ways))
