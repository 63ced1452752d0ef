"""Sartor: versioned alteration scripts for Postgres. What is exported here is the public API; all else is private.

    import asyncio
    import sartor

    report = asyncio.run(sartor.deploy("postgresql://app@db.example.com/app", "alterations", "1.2.0"))
    print([done.alteration.name for done in report.done])

Functions are coroutines where they reach a database. They never print: they raise SartorError, report what happens to
an `observer`, and log to the logger `sartor`. Arguments of the same name mean the same in all of them:

- `destination`: the database, as a URL of libpq's (what it leaves out is taken from the `PG...` variables) or as a
  `Destination`, which has a schema as well.
- `sources`: the alterations: a folder, an import package, or several of them, each further one with a name for its
  lineage, as in `own=./own`.
- `target`: a version; `latest`, the highest version shipped; or `next`, what is unreleased as well.
- `steps`: only the first so many alterations of what is pending; of a rollback, the last so many deployed.
- `accepted`: identities of edited or missing alterations that are right as they are.
- `strict_order`: refuse late alterations, those below the newest deployed one.
- `scratch`: the server where a scratch database is made, as `destination`; by default that of the destination.
- `environment`: the name of the environment that the program runs in; None where it has none.
- `limits`: how long the run waits, in seconds, and how it sends scripts: `Limits(lock_timeout=0.3, wait=60)`.
- `observer`: a function that is called with each event of the run, on the thread of the event loop: see `Observer`.
"""

__version__ = "0.1.0"

_HOMES = {
    "api.backups": "backup restore",
    "api.files": "lint list_alterations",
    "api.looks": "DestinationStatus check check_rollback history preview_repair preview_rollback status verify",
    "api.rehearsals": "check_manifest prove rehearse",
    "api.requests": "Source Sources",
    "api.runs": "deploy fresh is_production repair rollback seed",
    "api.server": "embedded_server",
    "domain.alteration": "Alteration Catalogue Lineage",
    "domain.backup": "Backup Restored",
    "domain.check": "Check CheckedStep Loss RollbackPreview SentMessage SqlScript",
    "domain.destination": "Destination Limits",
    "domain.difference": "Change Difference",
    "domain.drift": "Baseline Drift",
    "domain.fingerprint": "Fingerprint SchemaObject Scope",
    "domain.hazards.hazard": "Build Lock Lost Opinion Refusal RehearsedStatement Size Verdict",
    "domain.ledger": "Entry Event EventKind Ledger Mismatch State",
    "domain.manifest": "Line Standing",
    "domain.own_tables": "Writer",
    "domain.plan": "Direction Plan Step",
    "domain.proof": "ChangedRows Deviation Proof Proofs Result Stage",
    "domain.rehearsal": "Message Rehearsal Rehearsed",
    "domain.release": "LATEST Release",
    "domain.repair": "Correction Repair",
    "domain.report": (
        "BackedUp Blocker Copying Done Failure Finished Judged Judging Note Observer Planned Report RunEvent Said "
        "Started Waiting"
    ),
    "domain.rows": "Rows",
    "domain.source": "Context",
    "domain.status": "Pair Status",
    "domain.verification": "Verification",
    "errors": (
        "AlterationEdited AlterationFailed AlterationMissing BackupFailed CatalogueError DestinationError "
        "EmbeddedUnavailable HazardFound Interrupted LedgerTooNew LedgerUnsound LineageMismatch LockNotHad "
        "Locked ObserverFailed OutOfOrder PlanError PoolerRefused PrivilegeMissing ReadOnly RefusedError "
        "RehearsalFailed RunHeld SartorError SchemaMissing ScriptError SettingsError TargetError Unproved "
        "Unreachable Unsupported UsageError VerificationFailed"
    ),
    "linter.rules": "Finding Lint Rule Severity",
    "settings": "Flags LineageSource Settings load_destination load_ignored load_settings load_sources",
}
"""The modules below `sartor` that have the public names. `__init__.pyi` says the same to type checkers."""

__all__ = [name for names in _HOMES.values() for name in names.split()]


def __getattr__(name: str) -> object:
    from importlib import import_module  # noqa: PLC0415 - `import sartor` by itself loads nothing else

    for module, names in _HOMES.items():
        if name in names.split():
            found = globals()[name] = getattr(import_module(f"sartor.{module}"), name)
            return found
    raise AttributeError(f"module 'sartor' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
