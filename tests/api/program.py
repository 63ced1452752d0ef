"""A program of an application's: it uses each function of the public API on one database, and is checked with mypy."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterable
from contextlib import aclosing, redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

import typer

import sartor
from sartor import (
    LATEST,
    TEMPLATES,
    AlterationFailed,
    AppliedMigrations,
    Backup,
    Baseline,
    Catalogue,
    Check,
    Destination,
    DestinationStatus,
    Discovery,
    Drawing,
    End,
    Ended,
    EventKind,
    Finished,
    Flags,
    FleetEvent,
    FleetOrder,
    FleetReport,
    FleetStanding,
    FleetWork,
    Import,
    ImportedFile,
    Limits,
    LineageSource,
    Lint,
    MadeSnapshot,
    NewFile,
    Observer,
    ObserverFailed,
    ObstacleKind,
    Patterns,
    Product,
    ProjectFile,
    Proofs,
    PsqlCall,
    Query,
    Redone,
    RefusedError,
    Rehearsal,
    Release,
    ReleasePlan,
    Repair,
    Report,
    RunEvent,
    RunState,
    SartorError,
    Saved,
    SchemaDiffers,
    SchemaMissing,
    Setting,
    Settings,
    Share,
    SharedReport,
    ShownSettings,
    Source,
    Squash,
    Standing,
    Stopped,
    TargetError,
    Tenant,
    TenantContents,
    TenantRole,
    UsageError,
    Verdict,
    Verification,
    __version__,
    approve_fleet,
    backup,
    baseline,
    cancel_fleet,
    check,
    check_manifest,
    check_rollback,
    create_tenant,
    deploy,
    diagram,
    drop_tenant,
    embedded_server,
    find_destinations,
    find_psql,
    find_tenant,
    fleet_status,
    fresh,
    heartbeat,
    history,
    import_migrations,
    init,
    is_production,
    join_fleet,
    lint,
    list_alterations,
    load_control,
    load_destination,
    load_ignored,
    load_max_hazard,
    load_settings,
    load_sources,
    load_tenant_password,
    new,
    plan_fleet,
    preview_import,
    preview_init,
    preview_release,
    preview_repair,
    preview_squash,
    prove,
    read_applied,
    redo,
    rehearse,
    release,
    repair,
    require,
    restore,
    rollback,
    run_fleet,
    seed,
    show_settings,
    snapshot,
    squash,
    status,
    verify,
    wait_until_deployed,
    warn_if_pending,
    watch,
)


class Watcher:
    """An observer: `names` are the alterations that were deployed or rolled back."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def __call__(self, event: RunEvent, /) -> None:
        """Takes one event."""
        match event:
            case Finished(alteration=alteration):
                self.names.append(alteration.name)
            case _:
                pass


def write_migration(folder: str) -> None:
    """Writes a migration of another tool."""
    Path(folder, "20240102030405_t.sql").write_text("-- migrate:up\ncreate table t (id int);\n", "utf-8")


async def read(url: str, sources: Iterable[Source]) -> None:
    """Looks at files and database, and changes neither."""
    sources = tuple(sources)
    catalogue: Catalogue = list_alterations(sources)
    assert [alteration.is_sql for alteration in catalogue] == [False, False]
    with TemporaryDirectory() as drafts:
        written: tuple[NewFile, ...] = new(drafts, "notes", sql=True, template=TEMPLATES[0], values={})
        assert Path(written[0].file).suffix == ".sql"
    with TemporaryDirectory() as project:
        begun: list[ProjectFile] = preview_init(Path(project), ci="gitlab")
        assert [each.file.name for each in init(Path(project), ci="gitlab")] == [each.file.name for each in begun]
    with TemporaryDirectory() as project:
        write_migration(project)
        made: Import = preview_import(
            "dbmate", project, f"{project}/ours", version="1.0", python=None, placeholders={}, scratch=url
        )
        files: tuple[ImportedFile, ...] = import_migrations("dbmate", project, f"{project}/ours", version="1.0").files
        assert files == made.files
        try:
            applied: AppliedMigrations = await read_applied(url, made, ledger_table="its_ledger")
        except UsageError as error:
            assert "its_ledger" in str(error)
        else:
            raise AssertionError(applied.ids)
    plan: ReleasePlan = preview_release(sources, "9.0", max_hazard=load_max_hazard("safe"))
    assert {each.kind for each in plan.obstacles} <= set(ObstacleKind)
    with TemporaryDirectory() as empty:
        assert release(empty, "1.0.0").manifest.releases == (Release.parse("1.0.0"),)
    linted: Lint = lint(sources, ignored=load_ignored(product=Product("sartor")))
    assert linted.errors == 0
    standing: Standing = check_manifest(sources)
    assert not standing.contradicts
    found: DestinationStatus = await status(url, sources)
    assert found.status.release is None
    checked: Check = await check(url, sources, LATEST, rehearse=False)
    assert checked.script is not None
    assert b"".join(checked.script.blocks())
    rehearsal: Rehearsal = await rehearse(url, sources)
    assert rehearsal.verdict is Verdict.SAFE
    call: PsqlCall = await find_psql(url)
    with call.started("-XqAtc", "select 1", stdout=subprocess.PIPE) as process:
        assert process.communicate()[0] == b"1\n"
    drawn: Drawing = await diagram(url, sources, "1.1.0", since="1.0.0", tables=["second"], format="dbml")
    assert [table.change.value for table in drawn.diagram.tables if table.change] == ["added"]
    assert '\nTable "second"' in drawn.text
    proofs: Proofs = await prove(url, sources, pending=True)
    assert all(proof.result.good for proof in proofs.proofs)


async def change(url: str, folder: Path) -> None:
    """Deploys, rolls back, backs up and repairs."""
    watcher, limits = Watcher(), Limits(lock_timeout=1, wait=10)
    report: Report = await deploy(url, folder, limits=limits, observer=watcher)
    assert watcher.names == [done.alteration.name for done in report.done]
    await change_several(url, folder)
    other: Destination = Destination.parse(url, schema="other")
    assert (await deploy(other, str(folder), "next", steps=1, replay=True)).snapshot is None
    undoing: Check = await check_rollback(url, folder, steps=1)
    assert undoing.losses[0].table == "second"
    await rollback(url, folder, to_timestamp=1700000001)
    request = Repair(reason="made by hand", mark_deployed=frozenset({"1700000002-second"}))
    assert len(await preview_repair(url, folder, request)) == 1
    assert heartbeat("acme", "1.4.0", ">=1,<2") == {"application_name": "acme 1.4.0 (schema >=1,<2)"}
    await warn_if_pending(url, folder, "1.0.0")
    assert (await wait_until_deployed(url, folder, "1.0.0", wait=0)).status.release == Release.parse("1.0.0")
    assert await require(url, ">=1,<1.1", alterations=folder, schema="other") == Release.parse("1.0.0")
    assert (await repair(url, folder, request))[0].kind is EventKind.MARKED_DEPLOYED
    assert [event.kind for event in await history(url)].count(EventKind.ROLLED_BACK) == 1
    verification: Verification = await verify(url, folder, against_replay=True)
    assert not verification.ok  # the table that was marked as deployed isn't there
    found: Baseline = await baseline(other, folder, ids=["1700000001-first"], reason="by hand")
    assert (len(found.alterations), found.recorded) == (1, ())  # it was deployed above
    try:
        await baseline(Destination.parse(url, schema="third"), folder, scratch=url, ignore_objects=["third.log"])
    except (SchemaDiffers, SchemaMissing) as error:
        assert error.exit_code == 2
    made: Backup = await backup(url, str(folder.parent), sources=None)
    await restore(f"{url}_restored", made.file, create=True)


async def change_several(url: str, folder: Path) -> None:
    """Deploys to two schemas at once."""
    catalogue, ends = list_alterations(folder), list[End]()

    async def call(destination: Destination, observer: Observer) -> Report:
        return await deploy(destination, catalogue, observer=observer)

    def observe(event: FleetEvent, /) -> None:
        if isinstance(event, Ended):
            ends.append(event.outcome.end)

    places = [Destination.parse(url, schema=name) for name in ("one", "two")]
    order = FleetOrder(canary=1, max_failures=Share.parse("10%", origin="the program"))
    first: FleetReport = await run_fleet(places, call, order, observer=observe)
    assert (ends, first.stopped) == ([End.DONE], Stopped.CANARY)

    async def approve(report: FleetReport) -> bool:
        return not report.of(End.FAILED)

    assert (await run_fleet(places, call, order, approve=approve, observer=observe)).stopped is None
    control, work = load_control(Flags(control=url)), FleetWork("deploy", "latest")
    planned = await plan_fleet(control, places, order, work=work, who="ana")
    assert planned.run.state is RunState.RUNNING
    shared: SharedReport = await join_fleet(control, places, call, order, work=work, who="ana", approved=True)
    assert shared.standing.run.state is RunState.DONE
    assert len(shared.report.of(End.DONE)) == 2


async def develop(url: str, sources: tuple[LineageSource, ...]) -> None:
    """Starts over, and seeds; not in production."""
    assert is_production("production")
    try:
        await fresh(url, sources, environment="production")
    except RefusedError as error:
        assert error.exit_code == 2
    await fresh(url, sources, environment="test")
    done: Redone = await redo(url, sources, environment="test")
    assert (done.rolled_back.done, done.deployed.done) == ((), ())  # nothing is unreleased
    assert await seed(url, sources, environment="test") == ("010_rows.py",)
    async with aclosing(watch(url, sources, environment="test", ignored=load_ignored())) as looks:
        saved: Saved = await anext(looks)
    assert saved.error is None
    made: MadeSnapshot = await snapshot(url, sources, "1.0.0")
    assert made.written
    assert preview_squash(sources, "1.0.0").snapshot == made.snapshot
    squashed: Squash = await squash(url, sources, "1.0.0")
    assert [alteration.squashed for alteration in list_alterations(sources)] == [True, False]
    assert len(squashed.alterations) == 1


async def fail(url: str, folder: Path) -> None:
    """Meets errors, which say what had been done before."""

    def broken(_event: RunEvent) -> None:
        raise OSError("gone")

    try:
        await deploy(url, folder, "next", observer=broken)
    except ObserverFailed as failed:
        assert failed.report is not None
    (folder / "next-1700000003-third.sql").write_text("-- sartor: up\nselect 1/0;\n-- sartor: down\n")
    try:
        await deploy(url, folder, "next")
    except AlterationFailed as failed:
        assert failed.failure.sqlstate == "22012"
    except SartorError as error:
        raise AssertionError(error.hint) from error


async def share(url: str) -> None:
    """Looks at a run that processes share, which is done."""
    control: Destination = load_control(Flags(control=url))
    for call in (fleet_status(control), approve_fleet(control, who="ana"), cancel_fleet(control, "7")):
        try:
            standing: FleetStanding = await call
        except TargetError as error:
            assert "it is done" in str(error) or "there is no run 7" in str(error)
        else:
            assert standing.run.state is RunState.DONE


async def host(url: str, folder: Path) -> None:
    """Makes a tenant beside the others, and drops it."""
    place = Destination.parse(url, schema="tenant_a")
    role = TenantRole("program_tenant_a", logs_in=True, password=load_tenant_password(environ={}))
    tenant: Tenant = await create_tenant(place, folder, "1.0.0", role=role)
    assert (tenant.made, str(tenant.release), tenant.pending) == (True, "1.0.0", 0)
    found: TenantContents = await find_tenant(place, role_name=role.name)
    assert found == await drop_tenant(place, confirm="tenant_a", role_name=role.name)


def ship(folder: str) -> None:
    """Has a command of its own, in an application of Typer's and without one."""
    app: typer.Typer = sartor.command(name="acme", alterations="acme.alterations")
    assert app.registered_groups
    with redirect_stdout(StringIO()) as shown:
        words = ["alteration", "list", "--alterations", folder]
        code: int = sartor.main(words, name="acme", alterations=["acme.sql"])
    assert (code, "1.1.0-1700000002-second.py" in shown.getvalue()) == (0, True)


def main() -> None:
    """Runs all of it on the database of the settings, or on an embedded one."""
    folder = Path(sys.argv[1]).absolute()
    shown: ShownSettings = show_settings(Flags(wait="7s"))
    assert next(each for each in shown.settings if each.key == "wait") == Setting("wait", "7s", "--wait")
    settings: Settings = load_settings(Flags(alterations=(str(folder),)))
    assert asyncio.run(find_destinations(settings)) == settings.destinations
    asked = load_settings(Flags(schemas=("tenant_*",))).discovery
    assert isinstance(asked, Discovery)
    assert (asked.schemas, asked.query) == (Patterns(("tenant_*",), "--schemas"), None)
    assert load_settings(Flags(schemas_from="select 'a'")).discovery == asked._replace(
        schemas=None, query=Query("select 'a'", "--schemas-from")
    )
    url = load_destination(settings.destinations[0].url).url
    assert settings.sources == load_sources(Flags(alterations=(str(folder),)))
    asyncio.run(read(url, [folder]))
    asyncio.run(change(url, folder))
    asyncio.run(develop(url, settings.sources))
    asyncio.run(fail(url, folder))
    asyncio.run(share(url))
    asyncio.run(host(url, folder))
    ship(str(folder))
    assert settings.limits == Limits()
    assert callable(embedded_server)
    sys.stdout.write(f"{__version__}\n")


if __name__ == "__main__":
    main()
