"""A plugin for pytest: databases that are deployed to a release, in milliseconds, and checks of alterations.

pytest finds it by its entry point. Its fixtures are `database_at`, `sartor_databases`, `assert_round_trip` and
`assert_safe`; the server is that of the project's settings, else an embedded one.
"""

from typing import Protocol


class DatabaseAt(Protocol):
    """The type of the fixture `database_at`."""

    def __call__(self, release: str | None = "latest", *, seeded: bool = False) -> str: ...


class AssertRoundTrip(Protocol):
    """The type of the fixture `assert_round_trip`."""

    def __call__(self, *names: str, seed: str | None = None) -> None: ...


class AssertSafe(Protocol):
    """The type of the fixture `assert_safe`."""

    def __call__(self, max_hazard: str = "safe", *, target: str = "next") -> None: ...
