"""The rules of `lint`, each with its code, which never changes, and the findings."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Self

from sartor.domain.alteration import Alteration
from sartor.errors import SettingsError


class Severity(Enum):
    """The severity of a rule: an error stops a deployment or undoes a promise, a warning may be intended."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule of `lint`. `why` says what a breach leads to, `advice` what to do."""

    code: str
    name: str
    severity: Severity
    why: str
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A breach of a rule: the file, the line in it (from 1; None where no line is to blame), and a message.

    `alteration` is None where the file isn't named like one.
    """

    rule: Rule
    lineage: str
    file: str
    line: int | None
    message: str
    alteration: Alteration | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lint:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """A rule that is ignored: for the alteration of this identity, or everywhere."""

    code: str
    id: str | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Returns the Ignored that `SA103`, or `SA103=1700000000-add-users`, stands for.

        Raises SettingsError where there is no such rule.
        """
        code, _, alteration_id = text.partition("=")
        if code not in {rule.code for rule in RULES}:
            raise SettingsError(f"there is no rule {code!r} to ignore", hint="write the code of a rule, such as SA103")
        return cls(code=code, id=alteration_id or None)

    def holds_for(self, finding: Finding) -> bool:
        """Returns whether it ignores a finding."""
        return finding.rule.code == self.code and (
            self.id is None or (finding.alteration is not None and finding.alteration.id == self.id)
        )


BAD_NAME = Rule(
    code="SA001",
    name="bad-name",
    severity=Severity.ERROR,
    why="no command accepts a folder with such a file: a misspelt name must not hide an alteration",
    advice="rename the file, for example to 1.3.0-1700000000-add-users.py or"
    " next-1700000000-add-users.sql; begin the name of a helper with _",
)
SAME_IDENTITY = Rule(
    code="SA002",
    name="same-identity",
    severity=Severity.ERROR,
    why="two files with the same timestamp and name are the same alteration, and no command accepts such a folder",
    advice="keep one of the files; a release renames its `next` files and doesn't copy them",
)
TIE = Rule(
    code="SA003",
    name="tie",
    severity=Severity.WARNING,
    why="two alterations of a release have the same timestamp, so their order depends on their names",
    advice="add a fraction to one of the timestamps, as in 1700000000.5",
)
OUT_OF_STEP = Rule(
    code="SA004",
    name="out-of-step",
    severity=Severity.WARNING,
    why="the timestamps don't rise with the releases: a database that deployed the alteration as"
    " `next` has another order",
    advice="check that the release is correct; for a hotfix of an older release, ignore this rule",
)
LEFT_BEHIND = Rule(
    code="SA005",
    name="left-behind",
    severity=Severity.WARNING,
    why="the alteration is still `next`, but later alterations are released: its release may have been forgotten",
    advice="if its release is out, rename the alteration; if it waits for a later release, ignore this rule",
)
UNRELEASED = Rule(
    code="SA006",
    name="unreleased",
    severity=Severity.ERROR,
    why="a package of a release contains an unreleased alteration",
    advice="rename the alteration to the release, or remove it from the package",
)
LOOK_ALIKE = Rule(
    code="SA007",
    name="look-alike",
    severity=Severity.ERROR,
    why="a character looks like another one, so two different names look the same",
    advice="type the word again",
)
UNKNOWN_RULE = Rule(
    code="SA008",
    name="unknown-rule",
    severity=Severity.WARNING,
    why="an `ignore` comment names an unknown rule, so it ignores nothing",
    advice="correct the code",
)
UNREADABLE = Rule(
    code="SA101",
    name="unreadable",
    severity=Severity.ERROR,
    why="the script can't be loaded, and every run that includes it fails before it changes anything",
    advice="fix the script",
)
NO_UP = Rule(
    code="SA102",
    name="no-up",
    severity=Severity.ERROR,
    why="the script has nothing to deploy, and every run that includes it fails before it changes anything",
    advice="write `async def up(conn)`, or a section `-- sartor: up`",
)
NO_DOWN = Rule(
    code="SA103",
    name="no-down",
    severity=Severity.WARNING,
    why="a rollback that includes the alteration is refused, and no reason is given",
    advice="write a `down`, or `irreversible` with the reason",
)
TRANSACTION_CONTROL = Rule(
    code="SA201",
    name="transaction-control",
    severity=Severity.ERROR,
    why="the script runs in Sartor's transaction, together with its ledger row, so Sartor refuses this statement",
    advice="remove the statement; for steps that need their own transactions, run the script outside a transaction",
)
NOT_IN_TRANSACTION = Rule(
    code="SA202",
    name="not-in-transaction",
    severity=Severity.ERROR,
    why="Postgres doesn't allow this statement in a transaction, but the script runs in one",
    advice="move the statement to its own script, outside a transaction: `transaction = False`, `--"
    " sartor: transaction off`",
)
MIXED = Rule(
    code="SA203",
    name="mixed",
    severity=Severity.WARNING,
    why="the statement could be rolled back together with its ledger row, but runs outside a"
    " transaction because of the concurrent statement beside it",
    advice="put the concurrent statement into its own alteration, or into `before_up`",
)
NOT_RERUNNABLE = Rule(
    code="SA204",
    name="not-rerunnable",
    severity=Severity.WARNING,
    why="a script outside a transaction may be interrupted and run again from the start, where this"
    " statement then fails",
    advice="write `if not exists` or `if exists`",
)
MARK_REMOVED = Rule(
    code="SA205",
    name="mark-removed",
    severity=Severity.ERROR,
    why="the statement removes the mark by which Sartor recognises its transaction, so the script is"
    " rolled back at its end",
    advice="reset settings by name, and name the constraints",
)
ROLE_KEPT = Rule(
    code="SA206",
    name="role-kept",
    severity=Severity.ERROR,
    why="the script ends with another role than it began with, so it is rolled back at its end",
    advice="end the script with `reset role`",
)
BLOCKS_WRITES = Rule(
    code="SA301",
    name="blocks-writes",
    severity=Severity.WARNING,
    why="the last rehearsal showed a lock that blocks writes to a table for as long as its size requires",
    advice="write a statement that doesn't block; if the table is small or unused, ignore this rule",
)
BLOCKS_READS = Rule(
    code="SA302",
    name="blocks-reads",
    severity=Severity.WARNING,
    why="the last rehearsal showed a lock that blocks reads of a table for as long as its size requires",
    advice="write a statement that doesn't block; if the table is small or unused, ignore this rule",
)
REWRITES = Rule(
    code="SA303",
    name="rewrites",
    severity=Severity.WARNING,
    why="the last rehearsal showed a table rewrite: reads are blocked while all rows are written to a new file",
    advice="write a statement that doesn't block; if the table is small or unused, ignore this rule",
)
LOSES_DATA = Rule(
    code="SA304",
    name="loses-data",
    severity=Severity.WARNING,
    why="the last rehearsal showed a loss of rows or values, which `down` can't restore",
    advice="take a backup before the deploy; if the data aren't needed, ignore this rule",
)

RULES: tuple[Rule, ...] = (
    BAD_NAME,
    SAME_IDENTITY,
    TIE,
    OUT_OF_STEP,
    LEFT_BEHIND,
    UNRELEASED,
    LOOK_ALIKE,
    UNKNOWN_RULE,
    UNREADABLE,
    NO_UP,
    NO_DOWN,
    TRANSACTION_CONTROL,
    NOT_IN_TRANSACTION,
    MIXED,
    NOT_RERUNNABLE,
    MARK_REMOVED,
    ROLE_KEPT,
    BLOCKS_WRITES,
    BLOCKS_READS,
    REWRITES,
    LOSES_DATA,
)
"""All rules, in the order of their codes."""
