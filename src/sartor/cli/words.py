"""Puts what the library says of its arguments and functions into the words of the command line, which has a name."""

from sartor.cli.program import current
from sartor.errors import AlterationMissing, SartorError

WORDS = {
    "`fleet_status`": "`sartor fleet status`",
    "all parts the same `run`": "all parts the same --run NAME",
    "(`destination`, PGPASSWORD, ~/.pgpass)": "(--db-url, SARTOR_DB_URL, SARTOR_PASSWORD, ~/.pgpass)",
    "`create` makes it": "--create makes it",
    "leave `create` out": "leave --create out",
    "name one with `maintenance`": "name one with --maintenance-db",
    "without `create`": "without --create",
    "`data` gives it those": "--with-data gives it those",
    "`deploy` to `next`": "`sartor db alteration deploy next`",
    "`live` excludes `release` and `since`": "--live excludes --release and --since",
    "name an earlier one with `since`": "name an earlier one with --since",
    "`destination` names no database to create": "--into names no database to create",
    "`jobs=2`": "--jobs 2",
    "release with `lineage`": "release with --lineage",
    "`accept_differences`": "--accept-differences",
    "`baseline VERSION`": "`sartor db alteration baseline VERSION`",
    " PATH` with `release` and `baseline`": " PATH --release VERSION --baseline`",
    "`import ": "`sartor db alteration import ",
    "`baseline` of `next`": "`sartor db alteration baseline next`",
    "`limits.lock_budget`": "--lock-budget",
    "`limits.statement_timeout`": "--statement-timeout",
    "`limits.wait`": "--wait",
    "`list_alterations`": "`sartor db alteration list`",
    "`no_owner`": "--no-owner",
    "`prove --check`": "`sartor db alteration prove --check`",
    "`repair --": '`sartor db alteration repair --reason "..." --',
    "`sartor.prove`": "`sartor db alteration prove`",
    "`sartor.status`": "`sartor db alteration status`",
    "`sartor.verify`": "`sartor db alteration verify`",
    "beside others with `schema`": "beside others with --schema",
    "`against`": "--against",
    "`fleet upgrade`": "`sartor fleet upgrade --control URL`",
    "`fresh`": "`sartor db alteration fresh`",
    "`redo`": "`sartor db alteration redo`",
    "name a template with `template`": "name a template with --template",
    "`ledger_table`": "--ledger-table",
    "or its schema with `schema`": "or its schema with --schema",
    "`lint`": "`sartor db alteration lint`",
    "`max_hazard`": "--max-hazard",
    "`prove ": "`sartor db alteration prove ",
    "`rehearse ": "`sartor db alteration rehearse ",
    "`release ": "`sartor db alteration release ",
    "turn off `require_tls`": "leave require-tls out (--require-tls, SARTOR_REQUIRE_TLS, the settings file)",
    "`scratch`": "--scratch-url",
    "`sources`": "--alterations",
    "roll back with `steps`": "roll back with --steps",
    "`strict_order`": "--strict-order",
    "`to_timestamp` 1700000000": "--to-timestamp 1700000000",
    "use `deploy`": "use `sartor db alteration deploy`",
    "use `verify`": "use `sartor db alteration verify`",
    "use `verify --": "use `sartor db alteration verify --",
    "a target, `steps`, `to_timestamp`": "a target, --steps, --to-timestamp",
    "deploy first, by `sartor.deploy`": "deploy first: sartor db alteration deploy",
    "give a `target` such as 1.0.0, or `steps=1`": "sartor db alteration rollback 1.0.0, or rollback --steps 1",
    "give the password in `destination`, in PGPASSWORD or in ~/.pgpass (mode 0600)": (
        "give the password in SARTOR_PASSWORD, as a variable or a secret file, in the URL or in ~/.pgpass (mode 0600)"
    ),
    "in `destination`": "in --db-url",
    "by `variables`": "with --var, in the table [variables] of the settings file",
    "leave `role_name` out": "leave --role out",
    "leave it to `create_tenant` to make it": "leave it to `sartor tenant create` to make it",
    "give `confirm` ": "give --confirm ",
    "leave `sources` out": "leave --tables out",
    "leave `template` and its parameters out": "leave --template and its parameters out",
    "without `prove`": "without --prove",
}


def in_words(text: str) -> str:
    """Returns a text of the library's with options and commands in place of arguments and functions."""
    program = current()
    if "`" in text:
        for term in sorted(WORDS, key=len, reverse=True):
            if term in text:
                text = text.replace(term, program.with_variables(WORDS[term]))
    return program.in_its_words(text)


def advice(text: str) -> str:
    """Returns as `in_words`, for a text that quotes nothing: the variables in it are the program's."""
    return current().with_variables(in_words(text))


def hint(error: SartorError) -> str:
    """Returns what to do about an error, as a user of the command line does it; "" where nothing is known."""
    option = "--accept-missing" if isinstance(error, AlterationMissing) else "--accept-edited"
    return advice(error.hint.replace("`accepted`", option))
