"""`sartor db alteration prove`."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

import sartor
from sartor.cli import options, output
from sartor.cli.command import execute, on_each, reach_scratch, settled, sources
from sartor.cli.command_line import rerun
from sartor.cli.declaration import command
from sartor.cli.json.prove import proofs_json, standing_json
from sartor.cli.text.prove import proofs_lines
from sartor.domain.manifest import Standing
from sartor.domain.proof import Proofs
from sartor.errors import AlterationEdited, AlterationMissing, Unproved, UsageError

Alterations = Annotated[
    list[str] | None, typer.Argument(metavar="[ALTERATION]...", help="Identities or file names of alterations.")
]
Pending = Annotated[bool, typer.Option("--pending", help="Those that the database lacks.")]
All = Annotated[bool, typer.Option("--all", help="All that are shipped.")]
Seed = Annotated[
    str | None,
    typer.Option(
        "--seed",
        metavar="FILE",
        help="Put this data in before the first of them (SQL, or a seed module), and count the rows that change.",
    ),
]
CheckOnly = Annotated[
    bool, typer.Option("--check", help="Prove nothing: compare all files with the manifest, without a database.")
]

LEFT = "the scratch database is gone; the manifest has what was proved until then"
"""What an interrupted proof leaves."""


@command("db alteration prove --pending --seed demo.sql", options.where, options.patience, codes=(0, 1, 2, 4, 6, 130))
def prove(
    context: typer.Context,
    alteration: Alterations = None,
    pending: Pending = False,
    all_: All = False,
    seed: Seed = None,
    check: CheckOnly = False,
    scratch_url: options.ScratchUrl = None,
) -> None:
    """Prove that alterations can be undone.

    Each one is done, undone and done again in a scratch database; what differs then is told, object by object. The
    manifest, manifest.toml beside the alterations, keeps what was proved.
    """
    if check:
        if alteration or pending or all_ or seed or scratch_url:
            raise UsageError("--check proves nothing", hint="give it alone, or with --alterations")
        _check(context)
        return
    if sum(map(bool, (alteration, pending, all_))) != 1:
        raise UsageError("which alterations?", hint=f"`{rerun()} --all`, --pending, or their identities")
    # Where no other database is looked at, the scratch database's server is all that is needed.
    db_url = None if pending or context.obj["embedded"] is not None else scratch_url
    with settled(context, db_url=db_url) as settings:
        call = partial(
            sartor.prove, names=alteration or (), pending=pending, scratch=reach_scratch(scratch_url), seed=seed
        )
        found = on_each(
            settings,
            lambda destination: execute(call, destination, settings, left=LEFT),
            show=lambda proofs: output.results(proofs_lines(proofs)),
            as_json=proofs_json,
        )
    _refuse_unproved(found)


def _refuse_unproved(found: list[Proofs]) -> None:
    if names := ", ".join(dict.fromkeys(proof.alteration.name for each in found for proof in each.bad)):
        raise Unproved(
            f"not proved: {names}", hint="mend the script, or let it say why there is no way back: `irreversible`"
        )


def _check(context: typer.Context) -> None:
    found = sartor.check_manifest(sources(context))
    if output.wants("--json"):
        output.json_object(standing_json(found))
    _raise_unless_true(found)
    if not output.wants("--json"):
        output.result("Every alteration is as it was proved")


def _raise_unless_true(found: Standing) -> None:
    said = [
        *(f"{a.name} has changed since being released" for a in found.edited),
        *(f"{line.id} of {line.release} is gone" for line in found.missing),
        *(f"{a.name} isn't proved as it is now" for a in found.unproved),
    ]
    if found.contradicts:
        kind = AlterationEdited if found.edited else AlterationMissing
        raise kind("; ".join(said), hint="restore the files as they were released")
    if said:
        words = " ".join(a.id for a in found.unproved)
        raise Unproved("; ".join(said), hint=f"sartor db alteration prove {words}")
