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
            raise SettingsError(f"there is no rule {code!r} to ignore", hint="rules have codes such as SA103")
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
    why="no command works on a folder that holds it: a typing error must not hide an alteration",
    advice="name it like 1.3.0-1700000000-add-users.py or next-1700000000-add-users.sql; a helper's name begins with _",
)
SAME_IDENTITY = Rule(
    code="SA002",
    name="same-identity",
    severity=Severity.ERROR,
    why="two files with one timestamp and name are one alteration, and no command works on such a folder",
    advice="keep one of them; a release renames its `next` files, it doesn't copy them",
)
TIE = Rule(
    code="SA003",
    name="tie",
    severity=Severity.WARNING,
    why="two alterations of one release have the same timestamp, so only their names say which comes first",
    advice="give one of them a fraction, as in 1700000000.5",
)
OUT_OF_STEP = Rule(
    code="SA004",
    name="out-of-step",
    severity=Severity.WARNING,
    why="by its timestamp it belongs elsewhere among the releases: who deployed it as `next` had another order",
    advice="see whether it has got the release that was meant; after a hotfix for an older release, ignore this",
)
LEFT_BEHIND = Rule(
    code="SA005",
    name="left-behind",
    severity=Severity.WARNING,
    why="it is still `next`, and alterations written after it are released: it may have been forgotten",
    advice="rename it if its release is out; it may also wait for a later one",
)
UNRELEASED = Rule(
    code="SA006",
    name="unreleased",
    severity=Severity.ERROR,
    why="a package that is shipped as a release holds an alteration that belongs to none",
    advice="rename it with the release's number, or take it out of the package",
)
LOOK_ALIKE = Rule(
    code="SA007",
    name="look-alike",
    severity=Severity.ERROR,
    why="a character that looks like another one makes two names of what reads as one",
    advice="type the word anew",
)
UNKNOWN_RULE = Rule(
    code="SA008",
    name="unknown-rule",
    severity=Severity.WARNING,
    why="an `ignore` comment names a rule that there isn't, so it ignores nothing",
    advice="correct the code",
)
UNREADABLE = Rule(
    code="SA101",
    name="unreadable",
    severity=Severity.ERROR,
    why="it can't be loaded, and every run that includes it stops before it begins",
    advice="mend the script",
)
NO_UP = Rule(
    code="SA102",
    name="no-up",
    severity=Severity.ERROR,
    why="it has nothing to deploy, and every run that includes it stops before it begins",
    advice="write `async def up(conn)`, or a section `-- sartor: up`",
)
NO_DOWN = Rule(
    code="SA103",
    name="no-down",
    severity=Severity.WARNING,
    why="a rollback that reaches it is refused, and nobody was told why",
    advice="write a `down`; or, where there can be none, `irreversible` with the reason",
)
TRANSACTION_CONTROL = Rule(
    code="SA201",
    name="transaction-control",
    severity=Severity.ERROR,
    why="the transaction is Sartor's, with the record in it; the statement is refused when it runs",
    advice="take it out; for steps that need transactions of their own, run the script outside one",
)
NOT_IN_TRANSACTION = Rule(
    code="SA202",
    name="not-in-transaction",
    severity=Severity.ERROR,
    why="the server refuses this statement in a transaction, and the script runs in one",
    advice="give it a script of its own, outside a transaction: `transaction = False`, `-- sartor: transaction off`",
)
MIXED = Rule(
    code="SA203",
    name="mixed",
    severity=Severity.WARNING,
    why="what could be undone together with its record isn't, for the sake of the concurrent statement beside it",
    advice="put the concurrent statement into an alteration of its own, or into `before_up`",
)
NOT_RERUNNABLE = Rule(
    code="SA204",
    name="not-rerunnable",
    severity=Severity.WARNING,
    why="outside a transaction a script may be cut off and is then run again from the top, where this fails",
    advice="write `if not exists`, or `if exists`",
)
MARK_REMOVED = Rule(
    code="SA205",
    name="mark-removed",
    severity=Severity.ERROR,
    why="it removes the mark by which Sartor knows its transaction, and the script is undone at its end",
    advice="reset settings by name, and name the constraints",
)
ROLE_KEPT = Rule(
    code="SA206",
    name="role-kept",
    severity=Severity.ERROR,
    why="the script ends as another role than it began, and is undone at its end",
    advice="end with `reset role`",
)
BLOCKS_WRITES = Rule(
    code="SA301",
    name="blocks-writes",
    severity=Severity.WARNING,
    why="when it was last rehearsed, nobody could write to a table for as long as the table is large",
    advice="write what stops nobody; where the table is small or unused, ignore this",
)
BLOCKS_READS = Rule(
    code="SA302",
    name="blocks-reads",
    severity=Severity.WARNING,
    why="when it was last rehearsed, nobody could even read a table for as long as the table is large",
    advice="write what stops nobody; where the table is small or unused, ignore this",
)
REWRITES = Rule(
    code="SA303",
    name="rewrites",
    severity=Severity.WARNING,
    why="when it was last rehearsed, a table got a new file: nobody can read it while all its rows are written anew",
    advice="write what stops nobody; where the table is small or unused, ignore this",
)
LOSES_DATA = Rule(
    code="SA304",
    name="loses-data",
    severity=Severity.WARNING,
    why="when it was last rehearsed, it took rows or values away that were there; `down` can't bring them back",
    advice="take a backup before it; where nobody misses them, ignore this",
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
