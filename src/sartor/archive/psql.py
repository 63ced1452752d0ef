"""Finds `psql` on this machine, and points it at a destination as a script's connection is: schemas, TLS, password."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

from sartor.archive import tools
from sartor.archive.programs import named, services
from sartor.domain.destination import Destination
from sartor.errors import BackupFailed, PsqlUnavailable
from sartor.postgres.connect.keepalive import DEFAULTS
from sartor.postgres.session import Session, application_name
from sartor.sql.quoting import quote_identifier

_PSQLS_OWN = ("PG_COLOR", "PG_COLORS", "PGLOCALEDIR", "PGSYSCONFDIR")
"""The variables that don't say where to connect to."""


class PsqlCall(NamedTuple):
    """A `psql` and the environment that connects it to a destination.

    The `environment` and the `service` may hold passwords. `search_path` has the schemas in which names are found; it
    is empty behind a pooler, which would lend the session to others as it is.
    """

    program: Path
    environment: Mapping[str, str]
    service: str
    search_path: tuple[str, ...]

    def __repr__(self) -> str:
        return f"PsqlCall({self.program})"

    @contextmanager
    def started(self, *arguments: str, stdout: IO[str] | int | None = None) -> Iterator[subprocess.Popen[bytes]]:
        """Starts it with further arguments, on this process's terminal, and waits for its end after the block."""
        with services(self.service) as file:
            environment = {**self.environment, **named(file)}
            keeping = () if file is None else (file,)
            command = [str(self.program), *arguments]
            with subprocess.Popen(command, env=environment, stdout=stdout, pass_fds=keeping) as process:
                yield process


async def find_call(destination: Destination) -> PsqlCall:
    """Returns how to call `psql` for a destination, after connecting to it.

    Raises Unreachable, SettingsError; PsqlUnavailable where no `psql` here can make the connection.
    """
    async with Session(destination, application=application_name("psql")) as session:
        schemas = dict.fromkeys((session.schema, *session.destination.search_path, "public"))
        path = () if session.facts.pooled else tuple(schemas)
        try:
            service = tools.service(session) + _keepalives(session)
        except BackupFailed as error:
            raise PsqlUnavailable(str(error), hint=error.hint) from None
        return PsqlCall(
            program=find_program(encrypted=session.connection.encrypted),
            environment=_inherited() | _environment(session, path),
            service=service,
            search_path=path,
        )


def _inherited() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PG") or name in _PSQLS_OWN}


def _environment(session: Session, path: tuple[str, ...]) -> dict[str, str]:
    """Returns libpq's variables: the session's own, the server that it reached, and the search path."""
    found, (way, place, _) = tools.variables(session.connection), session.connection.reached
    if "password" not in way.keywords:
        # It is from the password file, which psql reads by itself, for another database or user as well.
        found.pop("PGPASSWORD", None)
        found |= {"PGPASSFILE": way.keywords["passfile"]} if "passfile" in way.keywords else {}
    found |= {"PGHOST": place.host or place.address, "PGPORT": place.port, "PGDATABASE": session.facts.database}
    if place.host and place.address != place.host:
        found["PGHOSTADDR"] = place.address
    if path:
        option = tools.option(("search_path", ", ".join(map(quote_identifier, path))))
        found["PGOPTIONS"] = f"{found.get('PGOPTIONS', '')} {option}".strip()
    return found


def _keepalives(session: Session) -> str:
    """Returns the parameters without a variable, as a service file has them."""
    keywords = session.connection.reached.way.keywords
    return "".join(f"{key}={keywords[key]}\n" for key in DEFAULTS if key in keywords)


def find_program(*, encrypted: bool) -> Path:
    """Returns the `psql` on the path, else the newest one installed elsewhere, else that of the embedded server.

    Where the connection is `encrypted`, one without TLS is left out.
    """
    on_path = shutil.which("psql")
    found = [Path(on_path)] if on_path else []
    found += [folder / "psql" for folder in tools.elsewhere() if os.access(folder / "psql", os.X_OK)]
    for program in found:
        if not encrypted or tools.speaks_tls(program):
            return program
    install = "install the client tools of Postgres (Debian: postgresql-client"
    if not found:
        raise PsqlUnavailable(
            "there is no psql on this computer", hint=f"{install}), or pip install 'sartor[embedded]'"
        )
    without = ", ".join(map(str, found))
    raise PsqlUnavailable(
        f"the connection is encrypted, but psql on this computer has no TLS: {without}",
        hint=f"{install}), which have TLS",
    )
