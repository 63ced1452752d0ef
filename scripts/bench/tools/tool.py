"""What a tool of the comparison is: how it's had, how the workload is written for it, and what it's called with."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar
from urllib.parse import SplitResult, urlsplit

from tools.source import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where a tool works: a database, a folder with so many scripts, and the folder that it's installed in."""

    url: str
    scripts: Path
    count: int
    prefix: Path

    @property
    def parts(self) -> SplitResult:
        """The URL's parts."""
        return urlsplit(self.url)

    def scheme(self, name: str) -> str:
        """The URL as it begins for a driver or a tool."""
        return self.parts._replace(scheme=name).geturl()

    @property
    def for_go(self) -> str:
        """The URL for the driver of Go: it would ask for TLS, and take two round trips for values where one will do."""
        return self.parts._replace(query="sslmode=disable&binary_parameters=yes").geturl()


@dataclass(frozen=True, slots=True)
class Call:
    """A command to be timed, run in the folder of scripts: its words, and variables beside those that are set."""

    words: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)


class Tool(ABC):
    """A tool of the comparison. `manner` says how the workload is written, and which settings it's called with."""

    name: ClassVar[str]
    source: ClassVar[Source]
    manner: ClassVar[str]

    @abstractmethod
    def write(self, scripts: Path, count: int) -> None:
        """Write the workload of `count` scripts, as this tool has it, into an empty folder."""

    def prepare(self, site: Site) -> None:  # noqa: B027 - most need nothing
        """Do what isn't timed, to an empty database."""

    @abstractmethod
    def deploy(self, site: Site) -> Call:
        """What deploys all scripts."""

    def again(self, site: Site) -> Call | None:
        """What finds nothing to do, where all of them are deployed."""
        return self.deploy(site)

    def rollback(self, site: Site) -> Call | None:
        """What undoes all of them, one by one; None where the tool can't."""
        del site
        return None
