"""The grammar of the file names of alterations and of repeatable scripts."""

import datetime as dt
import re
import unicodedata

from sartor.domain.release import NEXT, Release
from sartor.domain.visible import visible_line
from sartor.errors import CatalogueError

FILE_NAME = re.compile(r"(?P<release>[^-\s]+)-(?P<id>[0-9]{1,10}(?:\.[0-9]+)?-\w[\w.-]*)\.(?:py|sql)")
REPEATABLE = "repeatable-"
"""The beginning of the file name of a repeatable script, and of its identity."""
REPEATABLE_NAME = re.compile(rf"(?P<id>{REPEATABLE}\w[\w.-]*)\.(?:py|sql)")
EXAMPLE = "1.3.0-1700000000-add-users.py or next-1700000000-add-users.sql"


def parse_file_name(name: str) -> tuple[Release, str]:
    """Returns the release and the identity in a file's name. Raises CatalogueError, naming the file and the reason."""
    if name.startswith(REPEATABLE) and (repeatable := REPEATABLE_NAME.fullmatch(name)):
        return NEXT, repeatable["id"]
    match = FILE_NAME.fullmatch(name)
    if match is None:
        raise _misnamed(name)
    try:
        release = Release.parse(match[1])
    except ValueError as error:
        raise CatalogueError(
            f"{name}: {error}",
            hint="write a version as PEP 440 does: 1.2.0, 1.2.0_alpha.1, 1.2.0_beta.1, 1.2.0_rc.1; or `next`",
        ) from None
    return release, match[2]


def _misnamed(name: str) -> CatalogueError:
    repeats = re.match(r"(?i)repeat(?:able|ed|ing)?s?(?![^\W_])", name) is not None
    form = f"{REPEATABLE}<name>" if repeats else "<release>-<timestamp>-<name>"
    flaw = _repeatable_flaw(name) if repeats else _flaw(name)
    example = f"{REPEATABLE}views.sql" if repeats else EXAMPLE
    return CatalogueError(
        f"{visible_line(name)} isn't a valid name of {'a repeatable script' if repeats else 'an alteration'}:"
        f" {visible_line(flaw)}; the form is {form}.py or .sql",
        hint=f"rename it, for example to {example}; begin the name of a helper with `_`",
    )


def _flaw(name: str) -> str:
    """Returns which part of a file's name doesn't parse."""
    composed = unicodedata.normalize("NFC", name)
    if FILE_NAME.fullmatch(composed) and composed != name:
        return f"a letter is written as two characters, as on macOS; rename the file to {composed}"
    stem, _, kind = name.rpartition(".")
    release, *rest = stem.split("-", 2)
    if kind not in {"py", "sql"}:
        return f"{kind!r} is neither `py` nor `sql`"
    if not rest or not release:
        return "it doesn't begin with a release and a timestamp"
    if not re.fullmatch(r"[0-9]{1,10}(\.[0-9]+)?", rest[0]):
        return _timestamp_flaw(rest[0], "".join(rest[1:]))
    if not rest[1:] or not rest[1]:
        return "there is no name behind the timestamp"
    return f"{rest[1]!r} begins with something else than a letter or digit, or has more than those, `_`, `.` and `-`"


def _repeatable_flaw(name: str) -> str:
    """Returns which part of the name of a repeatable script doesn't parse."""
    stem, _, kind = name.rpartition(".")
    if kind not in {"py", "sql"}:
        return f"{kind!r} is neither `py` nor `sql`"
    begins, _, rest = stem.partition("-")
    if begins != REPEATABLE[:-1]:
        return f"it begins with {begins!r}, not with `{REPEATABLE}`"
    if not rest:
        return f"there is no name behind `{REPEATABLE}`"
    return f"{rest!r} begins with something else than a letter or digit, or has more than those, `_`, `.` and `-`"


def _timestamp_flaw(text: str, behind: str) -> str:
    """Returns why a text isn't a timestamp, and what it would be in Unix seconds where that is known."""
    if not (text.isascii() and text.isdigit()):
        hyphen = "; write the hyphen of a version as `_`" if behind[:1].isdigit() else ""
        return f"{text!r} isn't a timestamp{hyphen}"
    found = f"its timestamp has {len(text)} digits, and Unix seconds have 10 at most"
    if len(text) == 13:
        return f"{found}; {text} milliseconds are {text[:10]}"
    try:
        seconds = dt.datetime.strptime(f"{text} +0000", "%Y%m%d%H%M%S %z").timestamp()
    except ValueError:
        return found
    return f"{found}; {text}, in UTC, is {seconds:.0f}" if len(text) == 14 else found
