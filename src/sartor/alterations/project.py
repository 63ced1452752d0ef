"""The files that a project begins with: settings, a folder of alterations, a job of the pipeline."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from sartor.alterations.new import next_file
from sartor.errors import CatalogueError, UsageError

_TEXTS = Path(__file__).with_name("project_files")
SERVICES = ("github", "gitlab", "none")
"""The services whose pipelines have a job."""


class ProjectFile(NamedTuple):
    """A file of a project: its full path, the text that it begins with, and whether it was there before."""

    file: Path
    text: str
    exists: bool


def plan_project(folder: Path, settings: Path, ci: str | None, *, names_alterations: bool) -> list[ProjectFile]:
    """Returns the files that a project in `folder` begins with. Raises UsageError where there is no such service.

    `settings` is the settings' file, there or to be; with `names_alterations` it says where they are, and none are
    begun. Without `ci`, the service is that whose files the folder has.
    """
    if ci is not None and ci not in SERVICES:
        raise UsageError(f"there is no service {ci!r}", hint=f"the services are {', '.join(SERVICES)}")
    begun = () if names_alterations else _alterations(folder / "alterations")
    # The settings come last: without them, a second try still writes the alterations.
    files = [*begun, *_pipeline(folder, _service(folder) if ci is None else ci), (settings, _text("sartor.toml"))]
    return [ProjectFile(path, text, path.is_symlink() or path.exists()) for path, text in files]


def _alterations(folder: Path) -> Iterator[tuple[Path, str]]:
    yield folder / "README.md", _text("README.md")
    if not any(folder.glob("*-*-*")):
        yield next_file(folder, "example", "table", {"table": "example"})


def _pipeline(folder: Path, service: str) -> Iterator[tuple[Path, str]]:
    if service == "github":
        yield folder / ".github/workflows/alterations.yml", _text("github.yml")
    elif service == "gitlab":
        own = folder / ".gitlab-ci.yml"
        yield (folder / "alterations.gitlab-ci.yml" if own.exists() else own), _text("gitlab.yml")


def _service(folder: Path) -> str:
    """Returns the service whose files a project has."""
    if (folder / ".github").is_dir():
        return "github"
    return "gitlab" if (folder / ".gitlab-ci.yml").exists() else "none"


def _text(name: str) -> str:
    return (_TEXTS / name).read_text("utf-8")


def write_project(files: Iterable[ProjectFile]) -> None:
    """Writes the files that aren't there. Raises CatalogueError at the first that can't be written."""
    for each in files:
        if each.exists:
            continue
        try:
            each.file.parent.mkdir(parents=True, exist_ok=True)
            with each.file.open("x", encoding="utf-8") as opened:
                opened.write(each.text)
        except OSError as error:
            raise CatalogueError(f"{each.file} can't be written: {error.strerror}") from error
