"""`sartor db alteration prove`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from sartor import api
from sartor.cli import again, found_shapes, options, output, shapes
from sartor.cli.declare import Argument, Command, Option, command_in
from sartor.cli.telling import telling_run
from sartor.cli.work import on_each, reach, run, settled
from sartor.domain.destination import Destination
from sartor.errors import AlterationEdited, AlterationMissing, Unproved, UsageError

if TYPE_CHECKING:
    from sartor.domain.manifest import Standing
    from sartor.domain.proof import Proof

commands: dict[str, Command] = {}


@command_in(
    commands, "prove", epilog=options.epilog("db alteration prove --pending --seed demo.sql", 0, 1, 2, 4, 6, 130)
)
def prove(
    *,
    alteration: Annotated[
        list[str] | None, Argument(metavar="[ALTERATION]...", help="Identities or file names of alterations.")
    ] = None,
    pending: Annotated[bool, Option("--pending", help="Those that the database lacks.")] = False,
    all_: Annotated[bool, Option("--all", help="All that are shipped.")] = False,
    seed: Annotated[
        str | None,
        Option(
            "--seed",
            metavar="FILE",
            help="Put this data in before the first of them (SQL, or a seed module), and count the rows that change.",
        ),
    ] = None,
    check: Annotated[
        bool, Option("--check", help="Prove nothing: compare all files with the manifest, without a database.")
    ] = False,
    scratch_url: options.ScratchUrl = None,
    where: options.Compare,
    patience: options.Patience,
    common: options.Common,
) -> None:
    """Prove that alterations can be undone.

    Each one is done, undone and done again in a scratch database; what differs then is told, object by object. The
    manifest, manifest.toml beside the alterations, keeps what was proved.
    """
    if check:
        if alteration or pending or all_ or seed or scratch_url:
            raise UsageError("--check proves nothing", hint="give it alone, or with --alterations")
        _check(where)
        return
    if sum(map(bool, (alteration, pending, all_))) != 1:
        raise UsageError("which alterations?", hint=f"`{again.command()} --all`, --pending, or their identities")
    flags = options.make_flags(where, patience)
    if scratch_url is not None and not pending and where.embedded is None:
        flags = flags._replace(db_url=scratch_url)  # no other database is looked at
    bad: list[Proof] = []
    with settled(flags, where.embedded) as settings:
        scratch = None if scratch_url is None else reach(scratch_url, "--scratch-url")

        def action(destination: Destination) -> shapes.Shape:
            with telling_run() as observer:
                found = run(
                    api.prove(
                        destination,
                        settings.sources,
                        alteration or (),
                        pending=pending,
                        scratch=scratch,
                        seed=seed,
                        limits=api.make_limits(settings),
                        observer=observer,
                    ),
                    left="the scratch database is gone; the manifest has what was proved until then",
                )
            if not common.json:
                from sartor.cli import proofs

                for line in proofs.lines(found):
                    output.result(line)
            bad.extend(found.bad)
            return found_shapes.proofs_shape(found)

        on_each(settings, action)
    if bad:
        names = ", ".join(dict.fromkeys(proof.alteration.name for proof in bad))
        raise Unproved(
            f"not proved: {names}",
            hint="mend the script, or let it say why there is no way back: `irreversible`",
        )


def _check(where: options.Compare) -> None:
    flags = api.Flags(alterations=tuple(where.alterations or ()))
    found = api.check_manifest(api.load_sources(flags, environ=os.environ, directory=Path.cwd()))
    if output.wants("--json"):
        output.shape(found_shapes.standing_shape(found))
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
