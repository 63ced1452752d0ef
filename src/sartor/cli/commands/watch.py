"""`sartor db alteration watch`: follows the files while somebody writes them."""

from contextlib import aclosing

import typer

import sartor
from sartor import Settings
from sartor.api.runs import protect
from sartor.cli import options, output, progress
from sartor.cli.command import one, run, settled
from sartor.cli.declaration import command
from sartor.cli.program import current
from sartor.cli.results.watch import saved_json, saved_lines
from sartor.domain.destination import Destination
from sartor.domain.report import RunEvent, Said, Waiting, only
from sartor.errors import Interrupted


@command("db alteration watch --embedded", options.where, options.patience, codes=(0, 2, 5, 6, 130))
def watch(context: typer.Context) -> None:
    """Deploy at every save: undo what was edited, deploy it again, prove it, show hazards. For development.

    An edited `next` alteration is undone by the code that was deployed, and so are those deployed after it; their data
    is lost. Ends with Ctrl-C. Refused in production (SARTOR_ENVIRONMENT or the settings). With --json, prints a line of
    JSON for each save. Needs the extra `watch`.
    """
    with settled(context) as settings:
        protect(settings.environment, "watch")
        destination = one(settings, "watch")
        follow = _Following(destination, settings)
        try:
            run(follow.to_the_end(), left="what was under way was rolled back; the next watch goes on from there")
        except Interrupted:
            if not follow.is_idle:
                raise
            output.tell("stopped watching")


class _Following:
    """Shows what is done after each save; `is_idle` is true while it waits for one."""

    def __init__(self, destination: Destination, settings: Settings) -> None:
        self._destination = destination
        self._settings = settings
        self.is_idle = False

    async def to_the_end(self) -> None:
        settings, shown = self._settings, only(progress.plain, Said, Waiting)

        def observe(event: RunEvent) -> None:
            self.is_idle = False
            shown(event)

        looks = sartor.watch(
            self._destination,
            settings.sources,
            environment=settings.environment,
            ignored=sartor.load_ignored(product=current().product),
            limits=settings.limits,
            observer=observe,
        )
        async with aclosing(looks) as following:
            first = True
            async for saved in following:
                if output.wants("--json"):
                    output.json_line(saved_json(saved, self._destination))
                else:
                    output.results(saved_lines(saved))
                if first:
                    output.tell(f"Watching, on {self._destination.label}; to end it, press Ctrl-C.")
                first = False
                self.is_idle = True
