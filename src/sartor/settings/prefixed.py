"""Finds variables and secret files that begin as Sartor's do and are none of its settings: most are misspelt."""

from __future__ import annotations

import re

from sartor.errors import SettingsError
from sartor.settings.lookup import Lookup, variable
from sartor.settings.owners import TRUSTED
from sartor.settings.toml_file import KEYS

PREFIX = "SARTOR_"

_NUMBERED = ("db-url", "password", "schema", "user")
_KNOWN = frozenset({*map(variable, [*KEYS, "password"]), "SARTOR_SECRETS_DIR", "SARTOR_TEST_DB_URL", TRUSTED})
_KUBERNETES = re.compile(r"SARTOR_(\w+_)?(SERVICE_HOST|SERVICE_PORT\w*|PORT|PORT_[0-9]+_(TCP|UDP)\w*)")
"""The variables that Kubernetes sets in every container beside a service called `sartor` or `sartor-...`."""

_SURE, _LIKELY = 0.8, 0.5


def check_names(lookup: Lookup) -> tuple[str, ...]:
    """Raises SettingsError for a name that is nearly a setting's; returns notes on the other unknown ones."""
    given = {*lookup.secret_names, *(name for name, text in lookup.environ.items() if text)}
    ours = sorted(name for name in given if name.startswith(PREFIX))
    unknown = [name for name in ours if not _known(name) and name not in lookup.toml.texts("db-url-env")]
    return tuple(_told(name) for name in unknown)


def _known(name: str) -> bool:
    series = re.fullmatch(r"(.+?)[._][0-9]+", name)
    numbered = series is not None and series[1] in map(variable, _NUMBERED)
    return name in _KNOWN or numbered or _KUBERNETES.fullmatch(name) is not None


def _told(name: str) -> str:
    import difflib  # noqa: PLC0415 - only on the way to a complaint

    rest = name.removeprefix(PREFIX).upper()
    known = {each.removeprefix(PREFIX): each for each in _KNOWN - {"SARTOR_TEST_DB_URL"}}
    near = difflib.get_close_matches(rest, known, n=1, cutoff=_LIKELY)
    if near and difflib.SequenceMatcher(None, near[0], rest).ratio() >= _SURE:
        raise SettingsError(f"{name} isn't a setting of Sartor", hint=f"did you mean {known[near[0]]}?")
    hint = f"did you mean {known[near[0]]}?" if near else f"the settings are {', '.join(sorted(known.values()))}"
    return f"{name} isn't a setting of Sartor, and is ignored: {hint}"
