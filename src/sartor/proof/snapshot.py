"""Makes a release's snapshot: SQL that builds its schema at once, proved equal to the replay of its alterations.

The alterations are replayed twice, in schemas of two names: what differs otherwise than by that name shows where their
result depends on the schema, and which rows come out otherwise each time. Then the snapshot is deployed, as any, and
the database that it builds is compared with that of a replay, object by object and row by row.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from tempfile import NamedTemporaryFile
from typing import NamedTuple

from sartor.alterations.loader import load_script
from sartor.alterations.snapshot_files import snapshot_file, sum_of
from sartor.alterations.snapshots import read_snapshots, record_snapshot, write_snapshot
from sartor.archive.plain import columns_with_default, has_large_objects, schemas_of
from sartor.archive.temporary import temporary_folder
from sartor.conninfo.parameters import nearest
from sartor.domain.alteration import Alteration, Catalogue, Lineage
from sartor.domain.destination import Destination, Limits
from sartor.domain.drift import is_ignored
from sartor.domain.plan import Deploy
from sartor.domain.proof import DatabaseSnapshot
from sartor.domain.release import LATEST, Release, parse_target
from sartor.domain.report import Observer, Waiting, only
from sartor.domain.snapshot import MadeSnapshot, ReleaseSnapshot, basis_of
from sartor.errors import AlterationFailed, SnapshotRefused, TargetError
from sartor.proof.dump import Dump, Table, first_difference, read_dump
from sartor.proof.prove import refuse_edited
from sartor.proof.round_trip import ScratchEnvironment, new_environment
from sartor.proof.varying_rows import Columns, Defaults, find_varying, rows_that_differ, without_varying
from sartor.schema.comparison import compare

ELSEWHERE = "sartor_snapshot"
"""The schema of the replay that shows what depends on the schema's name."""
MOST = 5
"""The number of differences that a refusal names."""
_HEAD = """\
-- Builds release {release} at once, in the place of {number} alterations. Written by Sartor, and proved equal to them:
-- don't edit it. :"schema" stands for the product's schema.
--
"""


class Replayed(NamedTuple):
    """What a database holds: as `pg_dump` writes it, its fingerprint, and the columns that have a default."""

    dump: Dump
    holds: DatabaseSnapshot
    defaults: Defaults


class Draft(NamedTuple):
    """A snapshot's text, and the replays that it must equal, by the schemas' names; `varying` columns apart.

    `schema` is the only schema in which it can be deployed, None where it can be in any.
    """

    text: str
    schema: str | None
    replays: Mapping[str, Replayed]
    varying: Mapping[str, Columns]


class SnapshotMaker:
    """Makes the snapshot of a lineage's release, in scratch databases on the server of `beside`."""

    def __init__(
        self, beside: Destination, lineage: Lineage, release: Release, *, limits: Limits, observer: Observer
    ) -> None:
        self._beside = beside
        self.release = release
        self.alterations = tuple(a for a in lineage.alterations if a.release <= release)
        self.lineage = lineage
        self._catalogue = Catalogue((replace(lineage, alterations=self.alterations, repeatables=()),))
        self._limits = limits
        self._observer = only(observer, Waiting)
        self.server = 0

    async def draft(self) -> Draft:
        """Replays the alterations, and writes what they make. Raises AlterationFailed, SnapshotRefused."""
        schema = self._beside.schema
        scripts = (load_script(alteration) for alteration in self.alterations if _is_readable(alteration))
        if varied := [script.alteration.name for script in scripts if script.has_variables]:
            raise _refused(self.release, [f"{name} has variables, whose values it would keep" for name in varied])
        here = await self._replay(schema)
        if draft := await self._movable(schema, here):
            return draft
        again = await self._replay(schema)
        found = find_varying(here.dump, again.dump, here.defaults)
        if found.obstacles or (odd := first_difference(here.dump, again.dump)):
            raise _refused(self.release, found.obstacles or [f"two replays differ: {odd}"])
        text = without_varying(here.dump, here.dump, again.dump)
        return Draft(self._written(text), schema, {schema: here}, {schema: found.columns})

    async def _movable(self, schema: str, here: Replayed) -> Draft | None:
        """Returns a text that can be deployed in any schema; None where the alterations depend on the schema's name."""
        other = ELSEWHERE if schema != ELSEWHERE else f"{ELSEWHERE}_2"
        try:
            there = await self._replay(other)
        except AlterationFailed:
            return None
        text = there.dump.relative(other)
        placed = text.placed(schema)
        rows = (line for item in text.rows.values() for line in item.lines)
        if first_difference(placed.relative(schema), here.dump.relative(schema)) or any(other in row for row in rows):
            return None
        found = find_varying(placed, here.dump, here.defaults)
        if found.obstacles:
            return None
        moved = {_moved(table, schema, other): places for table, places in found.columns.items()}
        written = self._written(without_varying(text, placed, here.dump))
        return Draft(written, None, {schema: here, other: there}, {schema: found.columns, other: moved})

    def _written(self, text: Dump) -> str:
        names = "".join(f"--     {each.name}\n" for each in self.alterations)
        return f"{_HEAD.format(release=self.release, number=len(self.alterations))}{names}\n{text.text}"

    async def prove(self, snapshot: ReleaseSnapshot, draft: Draft) -> tuple[str, ...]:
        """Deploys a snapshot as any, in each schema of the draft; returns how the results differ from the replays."""
        found: list[str] = []
        for schema, replayed in draft.replays.items():
            async with self._deployed(schema, Deploy(snapshot=snapshot)) as bench:
                compared = await compare(
                    bench.session.connection, replayed.holds.fingerprint, (await bench.look()).fingerprint
                )
                ignored = self._limits.ignore_objects
                found += [f"{each.label} differs" for each in compared.differences if not is_ignored(each, ignored)]
                dump = await self._dump(bench)
            found += rows_that_differ(replayed.dump, dump, draft.varying[schema])
            found += [f"a sequence differs: {each}" for each in replayed.dump.sequences - dump.sequences]
        return tuple(dict.fromkeys(found))

    async def holds(self, snapshot: ReleaseSnapshot, draft: Draft) -> bool:
        """Returns whether an earlier snapshot builds just what the replays have made here."""
        try:
            return snapshot.schema == draft.schema and not await self.prove(snapshot, draft)
        except AlterationFailed:
            return False

    async def _replay(self, schema: str) -> Replayed:
        async with self._deployed(schema, Deploy(replay=True)) as bench:
            connection = bench.session.connection
            if await has_large_objects(connection):
                raise _refused(self.release, ["the alterations make large objects"])
            dump, holds = await self._dump(bench), await bench.look()
            return Replayed(dump, holds, await columns_with_default(connection))

    @asynccontextmanager
    async def _deployed(self, schema: str, request: Deploy) -> AsyncIterator[ScratchEnvironment]:
        beside = self._beside._replace(schema=schema)
        async with new_environment(beside, None, limits=self._limits, observer=self._observer) as bench:
            self._base = await schemas_of(bench.session.connection)
            await bench.prepare(self._catalogue, 0, 0)
            await bench.carry_out(self._catalogue, request)
            self.server = bench.server
            yield bench

    async def _dump(self, bench: ScratchEnvironment) -> Dump:
        """Reads the whole database, but for the schemas that stood there before the alterations."""
        without = [name for name in self._base if name not in {bench.session.schema, "public"}]
        return await read_dump(bench.session, without=without, lock_wait=self._limits.lock_budget)


def _moved(table: Table, schema: str, other: str) -> Table:
    return (other, *table[1:]) if table[0] == schema else table


def _refused(release: Release, reasons: Sequence[str]) -> SnapshotRefused:
    more = f"; and {len(reasons) - MOST} more" if len(reasons) > MOST else ""
    return SnapshotRefused(
        f"a snapshot of {release} can't stand for its alterations: {'; '.join(reasons[:MOST])}{more}"
    )


async def make_snapshot(
    beside: Destination, catalogue: Catalogue, target: str, *, limits: Limits, observer: Observer
) -> MadeSnapshot:
    """Makes the snapshot of a release, proves it, and writes it into its lineage's folder and its manifest.

    A file that is there already and equals the replay on this server as well is kept; the manifest has then one more
    version on which it was proved.

    Raises SnapshotRefused where it doesn't equal the replay, TargetError for a release that isn't there,
    AlterationEdited, AlterationFailed where the alterations can't be replayed, BackupFailed where there is no
    `pg_dump`, and DestinationError.
    """
    lineage, release = find_release(catalogue, target)
    refuse_edited(catalogue, [a for a in lineage.alterations if a.release <= release])
    maker = SnapshotMaker(beside, lineage, release, limits=limits, observer=observer)
    draft = await maker.draft()
    basis, file = basis_of(maker.alterations), snapshot_file(lineage, release)
    old = next((each for each in read_snapshots(lineage) if each.release == release and each.basis == basis), None)
    if old is not None and not old.fault and await maker.holds(old, draft):
        servers = tuple(sorted({*old.servers, maker.server}))
        record_snapshot(lineage, old._replace(servers=servers))
        return MadeSnapshot(old._replace(servers=servers), maker.alterations, written=False)
    with NamedTemporaryFile("w", encoding="utf-8", suffix=".sql", dir=temporary_folder()) as trial:
        trial.write(draft.text)
        trial.flush()
        checksum = sum_of(trial.name)
        made = ReleaseSnapshot(lineage.name, release, trial.name, checksum, basis, (maker.server,), draft.schema)
        if found := await maker.prove(made, draft):
            raise _refused(release, found)
    write_snapshot(file, draft.text)
    record_snapshot(lineage, made := made._replace(file=str(file)))
    return MadeSnapshot(made, maker.alterations, written=True)


def _is_readable(alteration: Alteration) -> bool:
    """Returns whether it is SQL that has a file: squashed ones were read when their snapshot was made."""
    return alteration.is_sql and not alteration.squashed


def find_release(catalogue: Catalogue, target: str) -> tuple[Lineage, Release]:
    """Returns the first lineage and the release that a snapshot is to be of. Raises TargetError."""
    lineage = catalogue.lineages[0]
    release = lineage.highest_version if target == LATEST else parse_target(target)
    if release is None or release.unreleased:
        raise TargetError("a snapshot is of a release, and `next` is none yet", hint="name a version, such as 1.2.0")
    known = sorted({a.release for a in lineage.alterations if not a.release.unreleased})
    if release not in known:
        near = nearest(release.label, [each.label for each in known], cutoff=0.0) if known else None
        hint = f"the nearest one is {near}" if near else "release an alteration first"
        raise TargetError(f"no alteration belongs to release {release}", hint=hint)
    return lineage, next(each for each in known if each == release)
