"""Finds the destinations of a fleet."""

from sartor.domain.destination import Destination
from sartor.settings.load import Settings


async def find_destinations(settings: Settings) -> tuple[Destination, ...]:
    """Returns all destinations that the settings name, those that a server has to be asked for as well.

        settings = sartor.load_settings(sartor.Flags(schemas=("tenant_*",)))
        for destination in await sartor.find_destinations(settings):
            print(destination.label, destination.labels)

    It reads only. A schema whose name Sartor can't use is left out, and the logger `sartor` is told.

    - `settings`: as `load_settings` returns them.

    Raises SettingsError where nothing is found, or a query can't be used; DestinationError where a server can't be
    asked.
    """
    if settings.discovery is None:
        return settings.destinations
    from sartor.execution.discovery import find_destinations as find

    return await find(settings.discovery)
