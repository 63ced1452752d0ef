"""Compares a database with what it should be: its ledger with the files, its schema with a record or a replay."""

from sartor.alterations.manifest import check
from sartor.domain.alteration import Catalogue
from sartor.domain.destination import Destination, Limits
from sartor.domain.drift import Drift
from sartor.domain.ledger import compare_with_journal
from sartor.domain.report import Observer, Waiting, only
from sartor.domain.status import Status, compare_with_ledger
from sartor.domain.verification import Verification
from sartor.errors import AlterationFailed, VerificationFailed
from sartor.execution.existing import counted
from sartor.execution.expected_schema import look_for_drift
from sartor.execution.replay import Replayed, replay, restricted, unrepeatable
from sartor.postgres.connect.connect import DRIVER_ERRORS
from sartor.postgres.invalid_indexes import invalid_indexes
from sartor.postgres.ledger import read_history, read_ledger
from sartor.postgres.own_tables import read_writers, require_sound_tables
from sartor.postgres.session import Session, application_name
from sartor.schema.fingerprint import read_fingerprint


async def verify(destination: Destination, catalogue: Catalogue, *, limits: Limits) -> Verification:
    """Returns what isn't as it should be. Writes nothing. Raises SartorError, as `status` does."""
    standing = check(catalogue, kept=True)  # a user that proves nothing needn't hear of that
    async with Session(destination, application=application_name("verify")) as session:
        ledger = await read_ledger(session)
        if not ledger.exists:
            ledger = counted(ledger, destination, limits)
        else:
            await require_sound_tables(session.connection, session.tables, session.facts.role)
        events = await read_history(session) if ledger.exists and session.facts.journal_readable else []
        invalid = await invalid_indexes(session)
        return Verification(
            destination=destination,
            ledger=ledger,
            status=compare_with_ledger(catalogue, ledger),
            standing=standing,
            drift=await look_for_drift(session, limits.ignore_objects) if ledger.exists else Drift(),
            invalid=tuple(index.name for index in invalid if not index.building),
            writers=await read_writers(session.connection, session.tables),
            mismatches=compare_with_journal(ledger, events) if events else (),
        )


async def with_replay(
    found: Verification, catalogue: Catalogue, beside: Destination, *, limits: Limits, observer: Observer
) -> Verification:
    """Returns the verification with its drift from a replay in place of its drift since the last run.

    The replay runs on the server of `beside`. Raises VerificationFailed where the alterations can't be replayed, and
    DestinationError where no scratch database can be made.
    """
    if not found.ledger.exists:
        return found
    drift = Drift(unknown=_unrepeatable(found.status))
    if not drift.unknown:
        deployed = restricted(catalogue, _deployed(found.status))
        try:
            replayed = await replay(beside, deployed, verb="verify", limits=limits, observer=only(observer, Waiting))
        except AlterationFailed as error:
            drift = _failed_replay(error)
        else:
            drift = await _hold_against(replayed, found, limits)
    return found._replace(drift=drift, replayed=True)


def _failed_replay(error: AlterationFailed) -> Drift:
    """Returns a drift that is unknown where a script changes server-wide objects. Else raises VerificationFailed."""
    if why := unrepeatable(error):
        return Drift(unknown=why)
    raise VerificationFailed(
        f"the deployed alterations can't be replayed in an empty database: {error}",
        hint="to find the place in the script: `sartor.prove`",
    ) from error


def _unrepeatable(status: Status) -> str:
    """Returns why what is deployed can't be replayed; "" where it can."""
    if status.missing or status.ahead:
        return f"{(status.missing or status.ahead)[0].name} is deployed here, but has no file"
    if status.interrupted:
        return f"{status.interrupted[0].name} was interrupted, so a part of its changes may be here"
    if lost := (*status.repeatables.missing, *status.repeatables.changed):
        return f"{lost[0].name} ran here with another content than its file's, or before a rollback, or has no file"
    if status.elsewhere:
        return f"the database also has alterations of lineage {status.elsewhere[0]!r}, which wasn't given"
    return ""


def _deployed(status: Status) -> set[tuple[str, str]]:
    """Returns the identities of the scripts that are deployed."""
    here = {alteration.identity for _, alteration in status.deployed if alteration}
    return here | {script.identity for script in status.repeatables.current}


async def _hold_against(made: Replayed, found: Verification, limits: Limits) -> Drift:
    async with Session(found.destination, application=application_name("verify")) as session:
        try:
            live = await read_fingerprint(session.connection, [session.schema])
            compared = await made.compare(session.connection, live)
        except DRIVER_ERRORS as error:
            if session.connection_lost:
                raise
            return Drift(unknown=f"the schema can't be read: {error}")
        if (await read_ledger(session)).head != found.ledger.head:
            return Drift(unknown="a run is in progress")
    return made.drift(compared, limits.ignore_objects)
