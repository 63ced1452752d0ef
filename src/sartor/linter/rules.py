"""The rules of `lint`, each with its code, which never changes, and the findings."""

from enum import Enum
from typing import NamedTuple

from sartor.domain.alteration import Alteration
from sartor.domain.file_names import EXAMPLE


class Severity(Enum):
    """The severity of a rule: an error stops a deployment or undoes a promise, a warning may be intended."""

    ERROR = "error"
    WARNING = "warning"


class Rule(NamedTuple):
    """A rule of `lint`. `why` says what a breach leads to, `advice` what to do."""

    code: str
    name: str
    severity: Severity
    why: str
    advice: str


class Finding(NamedTuple):
    """A breach of a rule: the file, the line in it (from 1; None where no line is to blame), and a message.

    `alteration` is None where the file isn't named like one.
    """

    rule: Rule
    lineage: str
    file: str
    line: int | None
    message: str
    alteration: Alteration | None


def about(alteration: Alteration, rule: Rule, message: str, line: int | None = None) -> Finding:
    """Returns a finding about an alteration, or about a line of its file."""
    return Finding(rule, alteration.lineage, alteration.file, line, message, alteration)


class Lint(NamedTuple):
    """The findings, and the number of files examined."""

    findings: tuple[Finding, ...]
    files: int

    @property
    def errors(self) -> int:
        """The number of findings that are errors."""
        return self.counts[Severity.ERROR]

    @property
    def counts(self) -> dict[Severity, int]:
        """The number of findings of each severity."""
        return {severity: sum(f.rule.severity is severity for f in self.findings) for severity in Severity}


def _rule(title: str, *, why: str, advice: str) -> Rule:
    severity, code, name = title.split()
    return Rule(code, name, Severity(severity), why, advice)


BAD_NAME = _rule(
    "error SA001 bad-name",
    why="no command accepts a folder with such a file: a misspelt name must not hide an alteration",
    advice=f"rename the file, for example to {EXAMPLE}; begin the name of a helper with _",
)
SAME_IDENTITY = _rule(
    "error SA002 same-identity",
    why="two files with the same timestamp and name are the same alteration, and no command accepts such a folder",
    advice="keep one of the files; a release renames its `next` files and doesn't copy them",
)
TIE = _rule(
    "warning SA003 tie",
    why="two alterations of a release have the same timestamp, so their order depends on their names",
    advice="add a fraction to one of the timestamps, as in 1700000000.5",
)
OUT_OF_STEP = _rule(
    "warning SA004 out-of-step",
    why="the timestamps don't rise with the releases: a database that deployed the alteration as"
    " `next` has another order",
    advice="check that the release is correct; for a hotfix of an older release, ignore this rule",
)
LEFT_BEHIND = _rule(
    "warning SA005 left-behind",
    why="the alteration is still `next`, but later alterations are released: its release may have been forgotten",
    advice="the next `release` takes it in; if it waits for a later one, begin its name with `_`, or ignore this rule",
)
UNRELEASED = _rule(
    "error SA006 unreleased",
    why="a package of a release contains an unreleased alteration",
    advice="cut the release with `release`, or remove the alteration from the package",
)
LOOK_ALIKE = _rule(
    "error SA007 look-alike",
    why="a character looks like another one, so two different names look the same",
    advice="type the word again",
)
UNKNOWN_RULE = _rule(
    "warning SA008 unknown-rule",
    why="an `ignore` comment names an unknown rule, so it ignores nothing",
    advice="correct the code",
)
UNLISTED = _rule(
    "error SA009 unlisted",
    why="the manifest doesn't list the release, so no command takes it for a target",
    advice="cut the release by `release`, or give the file its old name again",
)
UNREADABLE = _rule(
    "error SA101 unreadable",
    why="the script can't be loaded, and every run that includes it fails before it changes anything",
    advice="fix the script",
)
NO_UP = _rule(
    "error SA102 no-up",
    why="the script has nothing to deploy, and every run that includes it fails before it changes anything",
    advice="write `async def up(conn)`, or a section `-- sartor: up`",
)
NO_DOWN = _rule(
    "warning SA103 no-down",
    why="a rollback that includes the alteration is refused, and no reason is given",
    advice="write a `down`, or `irreversible` with the reason",
)
EMPTY = _rule(
    "error SA104 empty",
    why="a section without a statement does nothing, so a rollback would leave everything and say that it is gone",
    advice="write the SQL, `-- sartor: irreversible` with the reason in place of `down`, or a statement that says that"
    " there is nothing to do, such as `select 'nothing to do'`",
)
PLACEHOLDER = _rule(
    "error SA105 placeholder",
    why="the script is a template that isn't filled in, and it fails when it runs",
    advice="write what is meant in its place",
)
BAD_HOOK = _rule(
    "error SA106 bad-hook",
    why="`hooks.py` can't be loaded, and every run fails before it changes anything; or a function is never called",
    advice="write `async def before_run(conn, run)`, `after_run`, `before_each` or `after_each`; begin a helper's name"
    " with _",
)
OTHERS_CODE = _rule(
    "warning SA107 others-code",
    why="a change of that module changes what the script does, also where it is released and deployed elsewhere, and no"
    " checksum shows it",
    advice="repeat the little that is needed in the script; if what the module does never changes, ignore this rule",
)
TRANSACTION_CONTROL = _rule(
    "error SA201 transaction-control",
    why="the script runs in Sartor's transaction, together with its ledger row, so Sartor refuses this statement",
    advice="remove the statement; for steps that need their own transactions, run the script outside a transaction",
)
NOT_IN_TRANSACTION = _rule(
    "error SA202 not-in-transaction",
    why="Postgres doesn't allow this statement in a transaction, but the script runs in one",
    advice="move the statement to its own script, outside a transaction: `transaction = False`, `--"
    " sartor: transaction off`",
)
MIXED = _rule(
    "warning SA203 mixed",
    why="the statement could be rolled back together with its ledger row, but runs outside a"
    " transaction because of the concurrent statement beside it",
    advice="put the concurrent statement into its own alteration, or into `before_up`",
)
NOT_RERUNNABLE = _rule(
    "warning SA204 not-rerunnable",
    why="a script outside a transaction may be interrupted and run again from the start, where this"
    " statement then fails",
    advice="write `if not exists` or `if exists`",
)
MARK_REMOVED = _rule(
    "error SA205 mark-removed",
    why="the statement removes the mark by which Sartor recognises its transaction, so the script is"
    " rolled back at its end",
    advice="reset settings by name, and name the constraints",
)
ROLE_KEPT = _rule(
    "error SA206 role-kept",
    why="the script ends with another role than it began with, so it is rolled back at its end",
    advice="end the script with `reset role`",
)
NOT_REPEATABLE = _rule(
    "warning SA207 not-repeatable",
    why="a repeatable script runs again whenever it has changed, where this statement then fails",
    advice="write `create or replace`, `if not exists`, or `drop ... if exists` before it",
)
CONDITION_WRITES = _rule(
    "error SA208 condition-writes",
    why="a condition is asked read-only, so this statement fails, and the script with it",
    advice="write a query that changes nothing; what changes something belongs into `up`",
)
BLOCKS_WRITES = _rule(
    "warning SA301 blocks-writes",
    why="the last rehearsal showed a lock that blocks writes to a table for as long as its size requires",
    advice="write a statement that doesn't block; if the table is small or unused, ignore this rule",
)
BLOCKS_READS = _rule(
    "warning SA302 blocks-reads",
    why="the last rehearsal showed a lock that blocks reads of a table for as long as its size requires",
    advice="write a statement that doesn't block; if the table is small or unused, ignore this rule",
)
REWRITES = _rule(
    "warning SA303 rewrites",
    why="the last rehearsal showed a table rewrite: reads are blocked while all rows are written to a new file",
    advice="write a statement that doesn't block; if the table is small or unused, ignore this rule",
)
LOSES_DATA = _rule(
    "warning SA304 loses-data",
    why="the last rehearsal showed a loss of rows or values, which `down` can't restore",
    advice="take a backup before the deploy; if the data aren't needed, ignore this rule",
)
JSON_COLUMN = _rule(
    "warning SA401 json-column",
    why="type json has no equality, so `distinct`, `group by` and `union` over the column fail, and no index helps",
    advice="use jsonb; if the text must stay as it was written, ignore this rule",
)
NARROW_KEY = _rule(
    "warning SA402 narrow-key",
    why="the key ends at 2,147,483,647, or earlier, and a wider type rewrites the table and all that refers to it",
    advice="use bigint; if the table can't grow so far, ignore this rule",
)
HASH_INDEX = _rule(
    "warning SA403 hash-index",
    why="a hash index serves only `=`, over one column, and can't be unique",
    advice="use a btree index; if the values are long and only compared for equality, ignore this rule",
)
UNINDEXED_REFERENCE = _rule(
    "warning SA404 unindexed-reference",
    why="no index of the lineage has the columns of a foreign key first, so each delete in the table that it refers to"
    " reads the whole table",
    advice="create an index on the columns; if nothing is deleted there, ignore this rule",
)
LONG_NAME = _rule(
    "warning SA405 long-name",
    why="Postgres cuts a name after 63 bytes, so the object has another name than the script says",
    advice="write a shorter name",
)
ARRIVES_LATE = _rule(
    "warning SA501 arrives-late",
    why="databases that have deployed the base get the alteration after what comes behind it",
    advice="give it a new timestamp, which `new` does; for a hotfix of an older release, ignore this rule",
)
RELEASED_EDITED = _rule(
    "error SA502 released-edited",
    why="a released alteration is deployed as it was, and a database that has it refuses the edited one",
    advice="restore the file, and ship the change as a new alteration",
)
RELEASED_GONE = _rule(
    "error SA503 released-gone",
    why="databases have deployed the alteration under that name, and refuse a package without it",
    advice="restore the file",
)
TWO_BRANCHES = _rule(
    "error SA504 two-branches",
    why="one identity stands for two alterations, and a database takes the second one for the first",
    advice="give the alteration another timestamp or name",
)
LATE_IN_RELEASE = _rule(
    "error SA505 late-in-release",
    why="what is released doesn't change: databases that have the release lack the alteration",
    advice="name it `next`, and cut another release",
)
AGAINST = frozenset({ARRIVES_LATE, RELEASED_EDITED, RELEASED_GONE, TWO_BRANCHES, LATE_IN_RELEASE})
"""The rules about what differs from a base; old releases are what they protect."""

RULES = tuple(each for each in vars().values() if isinstance(each, Rule))
"""All rules, in the order of their codes."""
