"""The project under test: its settings, its alterations, and a server for its tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from sartor.api.requests import list_alterations
from sartor.api.runs import is_production
from sartor.domain.alteration import Alteration, Catalogue
from sartor.domain.destination import Destination
from sartor.domain.release import Release
from sartor.embedded.server import default_directory, serve
from sartor.errors import RefusedError, TargetError
from sartor.proof.prove import select_alterations
from sartor.settings.embedded import find_embedded, is_database_given, project_folder
from sartor.settings.flags import Flags
from sartor.settings.load import Settings, load_settings

HASTY = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
"""The settings of a server whose data nobody needs after a crash."""
ANYWHERE = "postgresql:///postgres"


class Project(NamedTuple):
    """A project's settings, and the database beside which those of its tests are created."""

    settings: Settings
    beside: Destination

    @property
    def catalogue(self) -> Catalogue:
        """The alterations as they are on disk now."""
        return list_alterations(self.settings.sources)


@contextmanager
def opened_project(root: Path) -> Iterator[Project]:
    """Yields the project in a folder, with its server running: that of the settings, else an embedded one.

    Raises RefusedError where the environment is production, SettingsError, EmbeddedUnavailable.
    """
    if is_database_given(directory=root) and find_embedded((), directory=root) is None:
        yield _project(load_settings(directory=root))
        return
    _refuse_production(load_settings(Flags(db_url=(ANYWHERE,)), directory=root))
    directory = default_directory(project_folder(directory=root))
    with serve(directory.with_name(f"{directory.name}-test"), settings=HASTY) as server:
        yield _project(load_settings(Flags(db_url=(server.url,)), directory=root))


def _project(settings: Settings) -> Project:
    _refuse_production(settings)
    return Project(settings, settings.places[0])


def _refuse_production(settings: Settings) -> None:
    if is_production(settings.environment):
        raise RefusedError(
            f"tests create and drop databases, which is refused in the environment {settings.environment}",
            hint="run them elsewhere, or unset `environment`",
        )


def select(catalogue: Catalogue, names: tuple[str, ...]) -> tuple[Alteration, ...]:
    """Returns the alterations of these releases, and those of these identities or file names, in order.

    Raises TargetError for a name that is neither.
    """
    releases = {alteration.release for alteration in catalogue}
    wanted = {release for name in names if (release := _release(name)) and (release in releases or release.unreleased)}
    others = [name for name in names if _release(name) not in wanted]
    chosen = {alteration.identity for alteration in select_alterations(catalogue, others)}
    return tuple(a for a in catalogue if a.release in wanted or a.identity in chosen)


def latest_below(catalogue: Catalogue, target: Release) -> Release | None:
    """Returns the highest release that is shipped below a target; None where there is none."""
    return max((a.release for a in catalogue if a.release < target), default=None)


def _release(name: str) -> Release | None:
    try:
        return Release.parse(name)
    except (TargetError, ValueError):
        return None
