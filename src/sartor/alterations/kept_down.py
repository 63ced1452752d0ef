"""Takes the way back out of a script, for the ledger to keep, and makes a script of what was kept."""

import ast
from collections.abc import Iterable
from dataclasses import replace

from sartor.alterations.loader import load_script
from sartor.alterations.python_module import load_python
from sartor.alterations.script import Fragment, Script, Sender
from sartor.alterations.variables import asks_for_variables
from sartor.domain.alteration import Alteration
from sartor.domain.kept_down import COPIES, NO_DOWN, PYTHON, SECRET, VARIABLES, KeptDown
from sartor.domain.manifest import Line
from sartor.domain.plan import Direction, Step
from sartor.sql.sensitive import secret_literals
from sartor.sql.splitting import split
from sartor.sql.statements import Kind

UNDO = Direction.ROLLBACK
_DEFINES = frozenset({Kind.ALTER, Kind.CREATE, Kind.DROP, Kind.COMMENT})


def kept_down(script: Script, line: Line | None) -> KeptDown:
    """Returns what the ledger is to keep of a script; `line` is its line of the manifest, where there is one."""
    kept = _down(script)
    if line is None or line.proof is None or line.checksum != script.alteration.checksum:
        return kept
    return kept._replace(proof=line.proof.value, server=line.server)


def _down(script: Script) -> KeptDown:
    kept, sent, before = KeptDown(script.alteration.checksum), script.fragments.get(UNDO), script.sql_before(UNDO)
    if UNDO not in script.bodies:
        why = script.irreversible
        return kept._replace(unkept=NO_DOWN) if why is None else kept._replace(irreversible=why)
    if sent is None or before is None:
        return _module(script, kept)
    if script.alteration.is_sql and asks_for_variables(script.source):
        return kept._replace(unkept=VARIABLES)
    every = (*before, *sent)
    copies = any(fragment.rows is not None for fragment in every)
    if copies or any(_may_be_secret(fragment.text) for fragment in every):
        return kept._replace(unkept=COPIES if copies else SECRET)
    return kept._replace(
        down=tuple(fragment.text for fragment in sent),
        before_down=tuple(fragment.text for fragment in before),
        transactional=UNDO not in script.outside,
        lock_timeout=script.lock_timeout,
    )


_SHOWN = frozenset(
    {"table", "index", "type", "domain", "view", "materialized view", "policy", "trigger", "sequence", "schema"}
)
"""Objects of whose definition each role can read the literals in the catalogue, so that keeping them tells no more."""


def _may_be_secret(text: str) -> bool:
    return any(
        not (statement.kind in _DEFINES and statement.head.type in _SHOWN)
        and any(True for _ in secret_literals(statement.text))
        for statement in split(text)
    )


def _module(script: Script, kept: KeptDown) -> KeptDown:
    """Returns a module's source, where it is unreleased and none of its strings may be a secret."""
    if not script.alteration.release.unreleased:
        return kept._replace(unkept=PYTHON)
    return kept._replace(unkept=SECRET) if _holds_secret(script.source) else kept._replace(python=script.source)


def _holds_secret(source: str) -> bool:
    """Returns whether one of a module's strings may be a secret, as SQL is read."""
    nodes = ast.walk(ast.parse(source))
    texts = (node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return any(True for text in texts for _ in secret_literals(text))


def load_step(step: Step) -> Script:
    """Loads the script of a plan's step: its file, or the down that the ledger keeps. Raises ScriptError."""
    return load_script(step.alteration) if step.kept is None else _load_kept(step.alteration, step.kept)


def _load_kept(alteration: Alteration, kept: KeptDown) -> Script:
    """Returns the script of a kept down, which has no other direction."""
    if kept.python is not None:
        script = load_python(alteration, kept.python.encode())
        return replace(script, bodies={UNDO: script.body(UNDO)})
    sender = Sender(alteration.file)
    down, before = {UNDO: _fragments(kept.down or ())}, {UNDO: _fragments(kept.before_down)} if kept.before_down else {}
    return Script(
        alteration=alteration,
        bodies=sender.bodies(down),
        before=sender.bodies(before),
        fragments=down,
        fragments_before=before,
        locate=sender.locate,
        outside=frozenset() if kept.transactional else frozenset({UNDO}),
        lock_timeout=kept.lock_timeout,
        source="\n".join((*kept.before_down, *(kept.down or ()))),
    )


def _fragments(texts: Iterable[str]) -> tuple[Fragment, ...]:
    return tuple(Fragment(text, 1) for text in texts)
