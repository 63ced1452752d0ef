"""The options that commands share. An option of one command alone stands in that command."""

from typing import Annotated

from sartor.cli.declaration import Text, Texts, option
from sartor.errors import UsageError

DbUrl = Annotated[
    Texts,
    option(
        "--db-url URL",
        "The database, as postgresql://user:password@host/name; repeatable for several. It is safer to give it in"
        " SARTOR_DB_URL, as a variable or a secret file.",
    ),
]
Schema = Annotated[
    Texts, option("--schema NAME", "The schema of the product; repeatable for several. [default: public]")
]
Schemas = Annotated[Texts, option("--schemas PATTERN", "Every schema with such a name, as in 'tenant_*'; repeatable.")]
SchemasFrom = Annotated[
    Text,
    option(
        "--schemas-from QUERY",
        "The schemas that this SELECT returns in its first column; further columns are their labels.",
    ),
]
Databases = Annotated[
    Texts, option("--databases PATTERN", "Every database of the server with such a name, as in 'app_*'; repeatable.")
]
UrlsFrom = Annotated[
    Text, option("--urls-from FILE", "The databases in this file: a URL a line, labels behind it. `-` is stdin.")
]
Only = Annotated[
    Texts,
    option(
        "--only LABEL",
        "Only the destinations with this label, as in region=eu, or with this schema=, database= or server=;"
        " repeatable.",
    ),
]
RequireTls = Annotated[
    bool | None, option("--require-tls", "Refuse to connect without TLS, except through a socket of this computer.")
]
Alterations = Annotated[
    Texts,
    option(
        "--alterations [NAME=]SOURCE",
        "A folder or an import package of alterations; repeatable for several lineages. [default: alterations]",
    ),
]
Var = Annotated[
    Texts,
    option("--var NAME=VALUE", "A variable of SQL scripts, as psql has them; repeatable. See `SARTOR_VAR_NAME`, too."),
]
Embedded = Annotated[
    Text,
    option(
        "--embedded [=DIR]",
        "Use an embedded server, for trying things out; its data are kept in DIR. [default: .sartor/embedded]",
    ),
]
Control = Annotated[
    Text,
    option(
        "--control URL",
        "The control database of runs over many destinations, which several processes share. It is safer to give it in"
        " SARTOR_CONTROL, as a variable or a secret file.",
    ),
]
Part = Annotated[
    Text,
    option(
        "--shard I/N",
        "Work on one of N parts of the destinations, by their servers; I counts from 0. With N alone, I is"
        " JOB_COMPLETION_INDEX. With --control, all parts are one run.",
    ),
]
RunName = Annotated[
    Text,
    option(
        "--run NAME", "With --control: a name of the run, by which its other parts, and a second start, find it again."
    ),
]
LockTimeout = Annotated[
    Text,
    option(
        "--lock-timeout DURATION",
        "How long a statement waits for a lock before its script is rolled back and retried; a bare number"
        " is milliseconds. [default: 300ms]",
    ),
]
LockBudget = Annotated[
    Text, option("--lock-budget DURATION", "How long to retry a script that gets no lock. [default: 60s]")
]
Wait = Annotated[Text, option("--wait DURATION", "How long to wait for another run to end. [default: 60s]")]
UntilDeployed = Annotated[
    Text, option("--wait DURATION", "Wait for this long at most until nothing is pending, and exit with 3 otherwise.")
]
StatementTimeout = Annotated[
    Text, option("--statement-timeout DURATION", "How long a statement may run. [default: no limit]")
]
Config = Annotated[
    Text, option("--config FILE", "The settings file, in place of the sartor.toml or pyproject.toml that is found.")
]
Yes = Annotated[bool, option("--yes -y", "Don't ask for confirmation.")]
AcceptEdited = Annotated[
    Texts, option("--accept-edited ID", "Accept an edited alteration in its current form; repeatable.")
]
AcceptMissing = Annotated[
    Texts, option("--accept-missing ID", "Remove a deployed alteration without a file from the ledger; repeatable.")
]
NoBatch = Annotated[bool, option("--no-batch", "Send each statement separately, instead of scripts in batches.")]
Backup = Annotated[
    Text, option("--backup DIR", "Take a backup into this folder first; if the backup fails, nothing is changed.")
]
Tables = Annotated[
    Text,
    option(
        "--tables all|affected",
        "The tables whose rows are backed up: all, or only those that the run may change and those that they"
        " reference. [default: all]",
    ),
]
ScratchUrl = Annotated[
    Text, option("--scratch-url URL", "The server for the scratch database. [default: the server of the database]")
]
ScratchBootstrap = Annotated[
    Text,
    option(
        "--scratch-bootstrap FILE",
        "Run this SQL, which pg_dump may have written, in the scratch database before the alterations.",
    ),
]
Replay = Annotated[
    bool, option("--replay", "Deploy each alteration to an empty schema, instead of beginning with a snapshot.")
]
Sql = Annotated[Text, option("--sql FILE", "Write the script for psql to a file, and show only the plan.")]
StrictOrder = Annotated[bool, option("--strict-order", "Refuse late alterations instead of deploying them.")]
MaxHazard = Annotated[
    Text,
    option(
        "--max-hazard VERDICT",
        "Exit with 1 if the hazard of an alteration is worse: safe, blocks-writes, blocks-reads, rewrites or"
        " loses-data. With loses-data, only an alteration that couldn't be rehearsed or is in doubt fails."
        " [default: no limit]",
    ),
]
Steps = Annotated[int | None, option("--steps N", "At most N alterations.", least=1)]

Canary = Annotated[
    Text,
    option(
        "--canary N|classes",
        "Of several destinations, work on the first N, or on one of each class of those alike, and ask before the"
        " others.",
    ),
]
Approve = Annotated[bool, option("--approve", "Go on behind canaries without being asked, unless one failed.")]
Wave = Annotated[
    Text,
    option("--wave N|P%", "The destinations of each wave: one begins when the one before it has ended. [default: all]"),
]
Jobs = Annotated[int | None, option("--jobs N", "How many destinations are at work at once. [default: 8]", least=1)]
JobsPerServer = Annotated[
    int | None, option("--jobs-per-server N", "How many of them on one server. [default: 4]", least=1)
]
MaxFailures = Annotated[
    Text,
    option("--max-failures N|P%", "Begin with no further destination when more than these failed. [default: no limit]"),
]


# These functions declare options that commands have in common: a command names the functions whose options it has.


def database(
    db_url: DbUrl = None,
    schema: Schema = None,
    schemas: Schemas = None,
    schemas_from: SchemasFrom = None,
    databases: Databases = None,
    urls_from: UrlsFrom = None,
    only: Only = None,
    embedded: Embedded = None,
    require_tls: RequireTls = None,
    config: Config = None,
) -> None:
    """The database and the schema to work on."""


def where(
    db_url: DbUrl = None,
    schema: Schema = None,
    schemas: Schemas = None,
    schemas_from: SchemasFrom = None,
    databases: Databases = None,
    urls_from: UrlsFrom = None,
    only: Only = None,
    embedded: Embedded = None,
    require_tls: RequireTls = None,
    alterations: Alterations = None,
    var: Var = None,
    config: Config = None,
) -> None:
    """The database and the schema to work on, and the alterations on disk."""


def database_alone(
    db_url: DbUrl = None, embedded: Embedded = None, require_tls: RequireTls = None, config: Config = None
) -> None:
    """The database to work on, where the schema is named otherwise."""


def sources(alterations: Alterations = None, var: Var = None) -> None:
    """The alterations on disk, beside a database."""


def alterations(alterations: Alterations = None, config: Config = None) -> None:
    """The alterations on disk."""


def patience(
    lock_timeout: LockTimeout = None,
    lock_budget: LockBudget = None,
    statement_timeout: StatementTimeout = None,
    wait: Wait = None,
) -> None:
    """Declares how long a run waits."""


def at_once(jobs: Jobs = None, jobs_per_server: JobsPerServer = None) -> None:
    """Declares how many of several destinations are asked at once."""


def fleet(
    canary: Canary = None,
    approve: Approve = False,
    wave: Wave = None,
    jobs: Jobs = None,
    jobs_per_server: JobsPerServer = None,
    max_failures: MaxFailures = None,
    shard: Part = None,
    control: Control = None,
    run: RunName = None,
) -> None:
    """Declares the order in which a run works through several destinations, and who shares it."""


def until_deployed(wait: UntilDeployed = None) -> None:
    """Declares how long a command waits for others to deploy."""


def script_timeouts(lock_timeout: LockTimeout = None, statement_timeout: StatementTimeout = None) -> None:
    """Declares how long a statement of a script may wait and take."""


def control(control: Control = None) -> None:
    """The control database, for a command that has --config from others."""


def controlled(control: Control = None, config: Config = None) -> None:
    """The control database of runs that several processes share."""


def base(scratch_bootstrap: ScratchBootstrap = None) -> None:
    """Declares what a scratch database holds before the alterations."""


def only_affected(tables: str | None, backup: str | None) -> bool:
    """Returns whether --tables asks for the affected tables alone.

    Raises UsageError where its value is unknown, or no backup is to be taken.
    """
    if tables not in {None, "all", "affected"}:
        raise UsageError(f"invalid value {tables!r} for --tables; use `all` or `affected`")
    if tables is not None and backup is None:
        raise UsageError("--tables needs --backup", hint="add --backup DIR")
    return tables == "affected"
