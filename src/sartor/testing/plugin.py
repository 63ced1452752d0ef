"""The fixtures, as pytest finds them. Nothing else is imported until a test uses one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest

from sartor.testing import AssertRoundTrip, AssertSafe, DatabaseAt

if TYPE_CHECKING:
    from sartor.testing.databases import Databases


@contextmanager
def _told() -> Iterator[None]:
    """Fails the test with the text of Sartor's error and its way out, in place of a traceback."""
    from sartor.cli.results.run import failure_lines  # noqa: PLC0415
    from sartor.cli.words import in_words  # noqa: PLC0415
    from sartor.errors import AlterationFailed, SartorError  # noqa: PLC0415

    try:
        yield
    except AlterationFailed as error:
        lines = [f"{error.failure.name} failed", *failure_lines(error.failure)]
        raise pytest.fail.Exception("\n".join(lines), pytrace=False) from None
    except SartorError as error:
        text = in_words(f"{error}\nhint: {error.hint}" if error.hint else str(error))
        raise pytest.fail.Exception(text, pytrace=False) from None


@pytest.fixture(scope="session")
def sartor_databases(pytestconfig: pytest.Config) -> Iterator[Databases]:
    """The databases of this session: `with sartor_databases.at("1.2.0") as url` makes one, for a wider fixture."""
    from sartor.testing.databases import opened  # noqa: PLC0415

    with ExitStack() as stack:
        with _told():
            databases = stack.enter_context(opened(pytestconfig.rootpath))
        yield databases


@pytest.fixture
def database_at(sartor_databases: Databases) -> Iterator[DatabaseAt]:
    """`database_at("1.2.0")` returns the URL of a new database at that release; it is dropped after the test.

    The release may be `latest`, the default, or `next`; None gives an empty database. One that is `seeded` has the
    rows of the seed modules.
    """
    with ExitStack() as stack:

        def at(release: str | None = "latest", *, seeded: bool = False) -> str:
            with _told():
                return stack.enter_context(sartor_databases.at(release, seeded=seeded))

        yield at


@pytest.fixture
def assert_round_trip(sartor_databases: Databases) -> AssertRoundTrip:
    """`assert_round_trip("1700000000-add-users")` fails where up, down and up again don't lead back to what was.

    It takes identities, file names and releases; without any, it is about the alterations of `next`. `seed` is a file
    that puts rows into the database first.
    """

    def check(*names: str, seed: str | None = None) -> None:
        from sartor.cli.results.prove import proofs_lines  # noqa: PLC0415

        with _told():
            found = sartor_databases.prove(*(names or ("next",)), seed=seed)
        if found.bad or found.remaining:
            pytest.fail("\n".join(proofs_lines(found)), pytrace=False)

    return check


@pytest.fixture
def assert_safe(sartor_databases: Databases) -> AssertSafe:
    """`assert_safe("blocks-writes")` fails where a rehearsed alteration of `next` is worse than that to live traffic.

    The hazard is a verdict of `rehearse`, `safe` by default; `target` is the release whose alterations are rehearsed.
    """

    def check(max_hazard: str = "safe", *, target: str = "next") -> None:
        from sartor.cli.results.rehearse import rehearsal_lines, too_hazardous  # noqa: PLC0415
        from sartor.domain.hazards.hazard import Verdict  # noqa: PLC0415
        from sartor.errors import alteration_failed  # noqa: PLC0415

        limit = Verdict(max_hazard)  # a ValueError names what isn't one
        with _told():
            found = sartor_databases.rehearse(target)
            if found.failed is not None:
                raise alteration_failed(found.failed)
        if worse := found.above(limit):
            message, hint = too_hazardous(worse, limit)
            hint = hint.replace("give a higher --max-hazard", "give a higher one to `assert_safe`")
            lines = rehearsal_lines(found._replace(alterations=tuple(worse)))
            pytest.fail("\n".join([message, "", *lines, f"hint: {hint}"]), pytrace=False)

    return check
