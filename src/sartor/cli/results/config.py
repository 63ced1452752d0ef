"""The lines and the JSON of the settings."""

from collections.abc import Iterator

from sartor import ShownSettings
from sartor.cli.results.objects import VERSION, JsonObject, error_json
from sartor.domain.visible import visible_line


def config_lines(shown: ShownSettings) -> Iterator[str]:
    """Yields a line for each setting: its name, its value, and where it comes from."""
    rows = [
        (each.key, visible_line(each.value or "-"), visible_line(each.origin or "default")) for each in shown.settings
    ]
    widths = [max((len(row[at]) for row in rows), default=0) for at in (0, 1)]
    for key, value, origin in rows:
        yield f"{key:<{widths[0]}}  {value:<{min(widths[1], 50)}}  {origin}"
    if shown.destinations:
        yield ""
        for label in shown.destinations:
            yield f"database: {label}"


def config_json(shown: ShownSettings) -> JsonObject:
    """Returns the settings as an object; `problems` has the errors."""
    return {
        "version": VERSION,
        "settings": [{"key": each.key, "value": each.value, "origin": each.origin} for each in shown.settings],
        "destinations": list(shown.destinations),
        "notes": list(shown.notes),
        "problems": [error_json(error) for error in shown.problems],
    }
