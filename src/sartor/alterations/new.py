"""Writes the files of a new alteration into a lineage's folder."""

import glob
import re
import time
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from sartor.alterations.files import find_folder, locked
from sartor.alterations.template import EMPTY, Draft, fill, unfilled
from sartor.domain.alteration import timestamp
from sartor.domain.file_names import FILE_NAME, REPEATABLE
from sartor.errors import CatalogueError, UsageError


class NewFile(NamedTuple):
    """A file that was written: its full path and the alteration's identity.

    `later` is true where another release is to ship it: the file's name begins with `_` until then. `unfilled` are the
    placeholders that are left in it, such as `<table>`.
    """

    file: str
    id: str
    later: bool
    unfilled: tuple[str, ...]


def write_new(
    location: str, name: str, *, sql: bool, template: str | None, values: Mapping[str, str]
) -> tuple[NewFile, ...]:
    """Writes `next` alterations that come behind all others. Raises UsageError, CatalogueError; overwrites nothing."""
    slug, drafts = _slug(name), fill(template or EMPTY, values, sql=sql)
    folder = find_folder(location)
    try:
        with locked(folder):
            first = max(int(time.time()), *_taken(folder)) if drafts else 0
            return tuple(_write(folder, first + at, slug, draft) for at, draft in enumerate(drafts))
    except OSError as error:
        raise CatalogueError(f"{folder} can't be written to: {error.strerror}") from error


_REPEATABLE = """\
-- This runs again in the next deploy whenever the file has changed: it must be able to run on what it has made.
create or replace view <view> as
select <columns> from <table>;
"""


def write_repeatable(location: str, name: str) -> tuple[NewFile, ...]:
    """Writes a repeatable script in SQL. Raises UsageError, CatalogueError; overwrites nothing."""
    folder, identity = find_folder(location), f"{REPEATABLE}{_slug(name)}"
    try:
        with locked(folder):
            if there := next(folder.glob(f"{glob.escape(identity)}.*"), None):
                raise UsageError(f"{there.name} exists already", hint="give another name, or edit that file")
            file = folder / f"{identity}.sql"
            file.write_text(_REPEATABLE, encoding="utf-8")
    except OSError as error:
        raise CatalogueError(f"{folder} can't be written to: {error.strerror}") from error
    return (NewFile(str(file), identity, later=False, unfilled=unfilled(_REPEATABLE)),)


def next_file(folder: Path, name: str, template: str, values: Mapping[str, str]) -> tuple[Path, str]:
    """Returns the path and the text of the first alteration of a folder that needn't be there yet."""
    (draft,) = fill(template, values, sql=False)
    return folder / f"next-{int(time.time())}-{name}{draft.suffix}", draft.text


def _slug(name: str) -> str:
    """Returns a name as a file's: `Add users' e-mail` becomes `add-users-e-mail`. Raises UsageError."""
    composed = unicodedata.normalize("NFC", name).lower().replace("'", "")
    slug = re.sub(r"[^\w.]+", "-", composed).strip("-.")
    if not re.fullmatch(r"\w[\w.-]*", slug) or len(slug.encode()) > 200:
        raise UsageError(f"{name!r} makes no file name", hint="name the change in a few words: add-users-email")
    return slug


def _taken(folder: Path) -> Iterator[int]:
    """Yields seconds that are too early: of `next` files, also of those that are held back."""
    for file in folder.iterdir():
        if (match := FILE_NAME.fullmatch(file.name.removeprefix("_"))) and match["release"] == "next":
            yield timestamp(match["id"])[0] + 1
    yield 0


def _write(folder: Path, seconds: int, slug: str, draft: Draft) -> NewFile:
    identity = f"{seconds}-{slug}{draft.part}"
    file = folder / f"{'_' if draft.later else ''}next-{identity}{draft.suffix}"
    with file.open("x", encoding="utf-8") as opened:
        opened.write(draft.text)
    return NewFile(str(file), identity, draft.later, unfilled(draft.text))
