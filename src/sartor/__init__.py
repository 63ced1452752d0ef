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
- `to_timestamp`: of a rollback, all that was written after this time, in Unix seconds as the files' names have them.
- `accepted`: identities of edited or missing alterations that are right as they are.
- `strict_order`: refuse late alterations, those below the newest deployed one.
- `scratch`: the server where a scratch database is made, as `destination`; by default that of the destination.
- `environment`: the name of the environment that the program runs in; None where it has none.
- `limits`: how long the run waits, in seconds, and how it sends scripts: `Limits(lock_timeout=0.3, wait=60)`.
- `observer`: a function that is called with each event of the run, on the thread of the event loop: see `Observer`.
"""

__version__ = "0.1.0"

with open(f"{__path__[0]}/__init__.pyi", encoding="utf-8") as _stub:  # noqa: PTH123 - `import sartor` loads nothing else
    _HOMES = {line.split()[3]: line.split()[1] for line in _stub if line.startswith("from ")}
"""The public names and their modules, from the stub's lines such as `from sartor.errors import Locked as Locked`."""

__all__ = list(_HOMES)


def __getattr__(name: str) -> object:
    from importlib import import_module  # noqa: PLC0415 - `import sartor` by itself loads nothing else

    if name not in _HOMES:
        raise AttributeError(f"module 'sartor' has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
