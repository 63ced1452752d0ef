"""Two versions of a package whose runs begin at once: the newer one ships what the older one has as `next` as 1.3.0."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.campaigns import race
from support.database import temporary_database
from support.folder import Folder
from support.stage import SCRIPT, SETUP, Stage

LABELS = (("1.2.0", "1.2.0"), ("next", "1.3.0"), (None, "1.3.0"))
"""What the older and the newer package call each third of the scripts; None is what the older one doesn't ship."""


@dataclass(frozen=True)
class Versions:
    """A stage of which the folder is the newer package's, and the older package's folder."""

    stage: Stage
    older: Folder


@contextmanager
def two_versions(server_url: str, directory: Path, *, scripts: int) -> Iterator[Versions]:
    """Both packages in `directory`, and a new database."""
    older, newer = Folder(directory / "older"), Folder(directory / "newer")
    ids = tuple(f"{1700000000 + n}-s-{n:03}" for n in range(scripts))
    for n, identity in enumerate(ids):
        for folder, label in zip((older, newer), LABELS[n * len(LABELS) // scripts], strict=True):
            if label:
                folder.write(f"{label}-{identity}.py", SCRIPT.format(id=identity, number=f"{n:03}", warning=""))
    with temporary_database(server_url) as database:
        database.run(*SETUP)
        yield Versions(Stage(database, newer, ids), older)


def race_versions(versions: Versions, urls: Sequence[str], ways: Sequence[str]) -> list[str]:
    """Let runs of both packages deploy at once, every other one the older; what was wrong."""
    stage = versions.stage
    folders = [(versions.older if n % 2 else stage.folder).path for n in range(len(urls))]
    return race(stage, urls, "deploy", ways, folders) + label_violations(stage)


def label_violations(stage: Stage) -> list[str]:
    """Where a label isn't the newer package's at last, or was changed more than the once that a release takes."""
    shipped = {file.stem.partition("-")[2]: file.name.partition("-")[0] for file in stage.folder.path.glob("*.py")}
    events = stage.database.rows("select id, kind, release from sartor_journal where id is not null order by seq")
    first = {identity: release for identity, kind, release in events if kind == "deployed"}
    relabelled = Counter((identity, release) for identity, kind, release in events if kind == "relabelled")
    due = Counter((identity, shipped[identity]) for identity, release in first.items() if release == "next")
    checks = {
        f"relabelled {dict(relabelled)}, where {dict(due)} was due": relabelled == due,
        "the ledger's labels aren't the newer package's": dict(
            stage.database.rows("select id, release from sartor_ledger")
        )
        == shipped,
    }
    return [text for text, holds in checks.items() if not holds]
