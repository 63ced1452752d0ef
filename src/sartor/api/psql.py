"""Opens Postgres's own client on a destination."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sartor.api.requests import find_destination
from sartor.domain.destination import Destination

if TYPE_CHECKING:
    from sartor.archive.psql import PsqlCall


async def find_psql(destination: Destination | str) -> PsqlCall:
    """Returns how to call `psql` for a destination: the program, and its environment.

        call = await sartor.find_psql("postgresql://app@db.example.com/app")
        with call.started("--command", "select 1") as process:
            print(process.wait())

    It finds names as a script does, in the destination's schema first. A password is given to it in the environment.

    Raises PsqlUnavailable where there is no `psql` here that can make the connection, else as `status`.
    """
    from sartor.archive.psql import find_call

    return await find_call(find_destination(destination))
