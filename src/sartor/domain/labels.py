"""Labels of destinations, such as `region=eu`: words of their owner's, by which a run chooses some of many."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TypeAlias

from sartor.domain.destination import Destination
from sartor.errors import SettingsError
from sartor.sql.quoting import shows_itself

Label: TypeAlias = tuple[str, str]

BUILT_IN = ("database", "schema", "server")
"""The labels that each destination has by itself: `server` is its host and port."""

_LISTED = 20
"""The most labels that an error lists."""


def make_labels(pairs: Iterable[Label], *, origin: str) -> tuple[Label, ...]:
    """Returns labels. Raises SettingsError, which names `origin` and quotes no value."""
    found: dict[str, str] = {}
    for key, value in pairs:
        if not is_key(key):
            raise SettingsError(
                f"{origin}: a label isn't called so", hint="use letters, digits, _, - and ., as in region=eu"
            )
        if key in BUILT_IN:
            hint = "each destination has it by itself: give the label another name"
            raise SettingsError(f"{origin}: {key} can't be a label", hint=hint)
        if key in found:
            raise SettingsError(f"{origin}: the label {key} is given twice", hint="keep one of them")
        if not value or not shows_itself(value):
            hint = f"give it a value that can be displayed, as in {key}=eu, or leave the label out"
            raise SettingsError(f"{origin}: the label {key} is empty or can't be displayed", hint=hint)
        found[key] = value
    return tuple(found.items())


def is_key(text: str) -> bool:
    """Returns whether a label may be called so: letters, digits, `_`, `-` and `.`, and no digit first."""
    return text.isascii() and text.replace("-", "_").replace(".", "_").isidentifier()


def parse_choice(text: str, *, origin: str) -> Label:
    """Returns the label that a text asks for. Raises SettingsError, which names `origin`."""
    key, equals, value = text.partition("=")
    if not (equals and value and is_key(key)):
        raise SettingsError(f"{origin}: {text!r} isn't a label", hint="write region=eu, or schema=tenant_1")
    return key, value


def choose(destinations: Sequence[Destination], only: Iterable[Label]) -> tuple[Destination, ...]:
    """Returns the destinations that have one of the values asked for, of each key that is asked for; all for none.

    Raises SettingsError where none is left.
    """
    wanted: dict[str, set[str]] = {}
    for key, value in only:
        wanted.setdefault(key, set()).add(value)
    found = tuple(each for each in destinations if fits(each, wanted, wanted))
    if not found and wanted:
        asked = " and ".join(" or ".join(f"{key}={value}" for value in sorted(wanted[key])) for key in wanted)
        number = f"none of {len(destinations)} destinations has" if len(destinations) > 1 else "the destination hasn't"
        raise SettingsError(f"{number} {asked}", hint=_known(destinations, wanted))
    return found


def fits(destination: Destination, wanted: dict[str, set[str]], keys: Iterable[str]) -> bool:
    """Returns whether a destination has a value that is wanted of each of `keys` that anything is wanted of."""
    return all(value_of(destination, key) in wanted[key] for key in keys if key in wanted)


def value_of(destination: Destination, key: str) -> str | None:
    match key:
        case "database":
            return destination.database
        case "schema":
            return destination.schema
        case "server":
            return destination.server
        case _:
            return dict(destination.labels).get(key)


def _known(destinations: Sequence[Destination], wanted: Iterable[str]) -> str:
    """Returns in words the labels that there are, those of the wanted keys first."""
    keys = dict.fromkeys([*wanted, *(key for each in destinations for key, _ in each.labels), *BUILT_IN])
    known = (f"{key}={value}" for key in keys for value in _values(destinations, key))
    listed = list(islice(known, _LISTED + 1))
    more = " ..." if len(listed) > _LISTED else ""
    return f"the labels are {', '.join(listed[:_LISTED])}{more}"


def _values(destinations: Sequence[Destination], key: str) -> list[str]:
    return sorted({value for each in destinations if (value := value_of(each, key))})
