"""`sartor fleet worker` works on what a queue hands out; `sartor fleet upgrade` makes the tables of that queue."""

import os
from collections.abc import Sequence
from functools import partial
from typing import Annotated, NamedTuple

import typer

import sartor
from sartor import Catalogue, Limits
from sartor.api.queue import Task, attempt, failed, make_hands, require_queue_library, upgrade_queue, work_on_queue
from sartor.api.requests import asked_once, secrets
from sartor.cli import options, output
from sartor.cli.command import ANYWHERE, control, given_flags, run
from sartor.cli.declaration import command, option
from sartor.cli.program import current
from sartor.cli.results.objects import VERSION
from sartor.cli.results.queue import over_lines, told_json, told_line
from sartor.domain.destination import Destination
from sartor.domain.fleet_queue import Attempt, Pace, Told
from sartor.domain.fleet_run import FleetStanding, RunState, Turn
from sartor.errors import FleetStopped, SartorError, SettingsError

Jobs = Annotated[int, option("--jobs N", "How many destinations this worker works on at once. [default: 4]", least=1)]
Stay = Annotated[bool, option("--stay", "Wait for further runs when one is over, until SIGTERM.")]
Heartbeat = Annotated[
    float,
    option(
        "--heartbeat SECONDS",
        "The silence after which other workers take over what a worker had; the same for all of them. [default: 30]",
        least=2,
    ),
]
Poll = Annotated[
    float,
    option("--poll SECONDS", "How often an idle worker looks for work of which it wasn't told. [default: 2]", least=1),
]

LEFT = "what was at work was rolled back, and went back to the queue"


@command(
    "fleet worker --control postgresql://ops@db.example.com/ops",
    options.where,
    options.control,
    options.patience,
    codes=(0, 1, 2, 6, 7, 8, 130),
)
def worker(
    context: typer.Context,
    jobs: Jobs = 4,
    stay: Stay = False,
    heartbeat: Heartbeat = 30.0,
    poll: Poll = 2.0,
) -> int:
    """Work on the destinations of runs that a queue carries, until these are over.

    Start as many as you like, on any computer that has the alterations and reaches the databases. Passwords come from
    this worker's own settings and ~/.pgpass. With --json, prints a line of JSON for each destination. Needs the extra
    `queue`.
    """
    import socket

    require_queue_library()
    with asked_once():
        place, own = control(context), _own_settings(context)
        hands = make_hands(partial(_do, own.catalogue, own.limits))  # before the event loop
        ends = run(
            work_on_queue(
                place,
                hands,
                own.find,
                _tell,
                name=f"{socket.gethostname()}:{os.getpid()}",
                pace=Pace(jobs, heartbeat, poll),
                stays=stay,
            ),
            left=LEFT,
        )
    return _end(ends)


ELSEWHERE = frozenset({"hostaddr", "passfile", "service"})
"""The keywords by which a URL may show a password to another host than the one for which it is kept."""


class _Own(NamedTuple):
    """The worker's own knowledge: its alterations and limits, and databases, with their passwords, by label."""

    catalogue: Catalogue
    limits: Limits
    known: dict[str, Destination]
    withheld: tuple[str, ...] = ()

    def find(self, turn: Turn) -> Destination:
        """Returns the database whose turn it is, as this worker reaches it."""
        if turn.destination in self.known:
            return self.known[turn.destination]
        if named := ELSEWHERE & Destination.parse(turn.url).keywords.keys():
            what = f"the URL of {turn.destination} in the control database names {', '.join(sorted(named))}"
            hint = "a worker takes that from its own settings alone: name the database there"
            raise SettingsError(what, hint=hint)
        found = sartor.load_destination(turn.url, origin="the control database", product=current().product)
        output.keep_secret(secrets(found))
        return found._replace(schema=turn.schema, withheld=self.withheld)


def _own_settings(context: typer.Context) -> _Own:
    """Returns the worker's own settings, which need name no database."""
    flags, product = given_flags(context), current().product
    try:
        settings = sartor.load_settings(flags, product=product)
        known = settings.destinations
    except SettingsError as error:
        if not str(error).startswith("no database is given"):
            raise
        settings, known = sartor.load_settings(flags._replace(db_url=(ANYWHERE,)), product=product), ()
    for destination in known:
        output.keep_secret(secrets(destination))
    catalogue = sartor.list_alterations(settings.sources)
    return _Own(catalogue, settings.limits, {each.label: each for each in known}, settings.destinations[0].withheld)


def _do(catalogue: Catalogue, limits: Limits, task: Task) -> Attempt:
    """Does a task in a process of its own, as a command that says nothing of its end."""
    from sartor.cli import signals

    try:
        return signals.run(attempt(task, catalogue, limits=limits), quiet=True)
    except SartorError as error:
        return failed(error)
    except BaseException as error:  # noqa: BLE001 - the worker is told of a defect, too
        return failed(SartorError(f"unexpected {type(error).__name__}: {error}"))
    finally:
        output.drain()


def _tell(told: Told) -> None:
    if output.wants("--json"):
        output.json_line(told_json(told))
    else:
        output.result(told_line(told))
        output.drain()


def _end(ends: Sequence[FleetStanding]) -> int:
    """Returns the exit code: that of the runs that this worker has seen. Raises FleetStopped."""
    for line in over_lines(ends):
        output.tell(line)
    for end in ends:
        if end.run.state in {RunState.STOPPED, RunState.CANCELLED}:
            raise FleetStopped(f"run {end.run.id} was {end.run.state.value}")
    return 1 if any(end.count("failed") for end in ends) else 0


@command("fleet upgrade --control postgresql://ops@db.example.com/ops", options.controlled, codes=(0, 1, 2, 5, 6, 130))
def upgrade(context: typer.Context) -> None:
    """Make the tables of a control database, and those of its queue, or bring older ones up to date.

    Run it before the first run that a queue carries, and again after an upgrade of Sartor or of PgQueuer. Needs the
    extra `queue`.
    """
    place = control(context)
    statements = run(upgrade_queue(place), left="run it again")
    if output.wants("--json"):
        output.json_object({"version": VERSION, "statements": statements})
    elif statements:
        output.result(f"{place.label}: ready for a queue")
    else:
        output.result(f"{place.label}: up to date")
