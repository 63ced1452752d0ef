"""Prepares a development database: drops its schema to start over, and runs seed modules in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sartor.alterations.files import file_blocks, seed_files
from sartor.alterations.loader import load_script
from sartor.alterations.python_module import PACKAGE, async_function, locate, run_module
from sartor.alterations.script import Body, Locate, Sender
from sartor.alterations.sql_file import read_statements
from sartor.domain.alteration import Catalogue
from sartor.domain.destination import Destination, Limits
from sartor.domain.ledger import EventKind, Ledger
from sartor.domain.plan import Deploy, Direction, make_plan
from sartor.domain.report import Note, Observer
from sartor.errors import CatalogueError, DestinationError, SartorError, ScriptError, alteration_failed
from sartor.execution.ledger import read_head, repeat_while_stale, require_sound
from sartor.execution.outcome import Stale
from sartor.execution.retry import run_in_transaction
from sartor.execution.run_context import RunContext, locked_run
from sartor.execution.script_call import contained
from sartor.postgres.connect.connect import DRIVER_ERRORS
from sartor.postgres.driver.connection import Connection
from sartor.postgres.ledger import read_ledger
from sartor.postgres.schema_contents import drop_contents, empty_tables
from sartor.postgres.session import Session, application_name


async def drop_all(
    destination: Destination, catalogue: Catalogue, request: Deploy, *, limits: Limits, observer: Observer
) -> int:
    """Drops all that a destination's schema holds, except extensions, in one transaction; returns how many objects.

    Loads first what is to be deployed afterwards. Raises ScriptError, RunHeld, DestinationError.
    """
    for step in make_plan(_of_files(catalogue), Ledger(), request).steps:
        load_script(step.alteration).body(Direction.DEPLOY)
    async with Session(destination, application=application_name("fresh")) as session:
        session.require_write()
        if not session.facts.schema_exists:
            return 0
        async with locked_run(session, "fresh", limits=limits, observer=observer):
            try:
                count = await drop_contents(session.connection, session.tables, lock_timeout=limits.lock_budget)
            except DRIVER_ERRORS as error:
                raise DestinationError(
                    f"schema {destination.schema} can't be emptied: {error}; nothing was dropped",
                    hint="the role must own all objects of the schema, and no other session may be using them",
                ) from error
            observer(Note(text=f"dropped all {count} objects of schema {destination.schema}"))
            return count


def _of_files(catalogue: Catalogue) -> Catalogue:
    """Returns the catalogue without what was squashed."""
    lineages = (replace(e, alterations=tuple(a for a in e.alterations if not a.squashed)) for e in catalogue.lineages)
    return Catalogue(tuple(lineages))


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedModule:
    """A loaded seed module: `seed` puts its data in; `reset` takes it out, where the module has that."""

    file: Path
    seed: Body
    reset: Body | None
    locate: Locate


def load_seeds(catalogue: Catalogue) -> list[SeedModule]:
    """Loads the seed modules of all lineages, in order. Raises ScriptError, CatalogueError."""
    found = [
        _load(file, f"{PACKAGE}_{lineage.name.replace('-', '_')}_seeds", lineage.given.import_path)
        for lineage in catalogue.lineages
        for file in seed_files(lineage.location)
    ]
    if not found:
        places = ", ".join(f"{lineage.location}/seeds" for lineage in catalogue.lineages)
        raise CatalogueError(
            f"there are no seed modules in {places}",
            hint="write a seed module, such as seeds/010_users.py, with `async def seed(conn)`",
        )
    return found


def load_seed(name: str) -> SeedModule:
    """Loads a seed module of any name and place, or SQL in a `.sql` file. Raises CatalogueError, ScriptError."""
    file = Path(name).absolute()
    if not file.is_file():
        way_out = "give a SQL file, or a Python module with `async def seed(conn)`"
        raise CatalogueError(f"there is no seed {file}", hint=way_out)
    if file.suffix != ".sql":
        return _load(file, f"{PACKAGE}_seed")
    sender, statements = Sender(str(file)), read_statements(file.name, str(file), file_blocks(str(file)))
    return SeedModule(file=file, seed=sender.body(statements), reset=None, locate=sender.locate)


def _load(file: Path, package: str, folders: Sequence[str] = ()) -> SeedModule:
    functions = vars(run_module(file, file.read_bytes(), package=package, folders=folders))
    if "seed" not in functions:
        raise ScriptError(f"{file.name} has no `seed`: write `async def seed(conn)`")
    return SeedModule(
        file=file,
        seed=async_function(functions["seed"], file.name, "seed", folders),
        reset=async_function(functions["reset"], file.name, "reset", folders) if "reset" in functions else None,
        locate=lambda error: locate(error, str(file)),
    )


async def run_seeds(
    destination: Destination, catalogue: Catalogue, *, reset: bool, limits: Limits, observer: Observer
) -> Sequence[str]:
    """Runs all seed modules in one transaction; returns their files' names.

    With `reset`, what was seeded is removed first: by the modules' own `reset` functions, last module first; where none
    of them has one, by emptying every table of the schema. Raises AlterationFailed; nothing was changed then.
    """
    modules = load_seeds(catalogue)
    await put_in(destination, modules, reset=reset, limits=limits, observer=observer)
    return [module.file.name for module in modules]


async def put_in(
    destination: Destination, modules: Sequence[SeedModule], *, reset: bool = False, limits: Limits, observer: Observer
) -> None:
    """Runs seed modules in one transaction. Raises AlterationFailed; nothing was changed then."""
    async with Session(destination, application=application_name("seed")) as session:
        if not (await read_ledger(session)).exists:
            said = f"nothing is deployed in schema {destination.schema}"
            raise DestinationError(said, hint="deploy first, by `sartor.deploy`")
        await require_sound(session)
        async with locked_run(session, "seed", limits=limits, observer=observer) as run:
            await read_head(run)
            await repeat_while_stale(run, lambda: _seed(run, modules, reset=reset))


async def _seed(run: RunContext, modules: Sequence[SeedModule], *, reset: bool) -> None:
    current = modules[0]

    async def work(connection: Connection) -> None:
        nonlocal current
        own = [(module, module.reset) for module in reversed(modules) if reset and module.reset]
        for current, take_out in own:
            await contained(take_out, str(current.file))(connection, run.for_script(current.file.name))
        if reset and not own:
            count = await empty_tables(connection, run.session.tables)
            run.observer(Note(text=f"emptied {count} tables"))
        for current in modules:
            await contained(current.seed, str(current.file))(connection, run.for_script(current.file.name))

    detail = {"files": [module.file.name for module in modules], "reset": reset}
    try:
        await run_in_transaction(run, EventKind.SEEDED, None, work, detail=detail)
    except (SartorError, Stale):
        raise
    except Exception as error:
        name, file = current.file.name, str(current.file)
        failure = run.failure(error, name=name, alteration_id=None, file=file, locate=current.locate)
        raise alteration_failed(failure) from error
