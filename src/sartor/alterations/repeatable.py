"""Checks repeatable scripts: each goes up alone, in one transaction with its record."""

from sartor.alterations.script import Script
from sartor.domain.plan import Direction
from sartor.domain.source import Part, Source, Text
from sartor.errors import ScriptError

_ALONE = "a repeatable script has only `up`"
_DOWN = f"{_ALONE}: remove `down`, and drop in an alteration what is to go"
_BEFORE = f"{_ALONE}: remove `{{}}`, and write an alteration for what runs outside a transaction"
_OUTSIDE = "a repeatable script runs in a transaction: write an alteration for what can't"
_IRREVERSIBLE = f"{_ALONE}: remove `irreversible`, as no repeatable script is rolled back"


def require_repeatable(script: Script) -> Script:
    """Returns a repeatable script. Raises ScriptError where it has what only an alteration may have."""
    reason = None
    if Direction.ROLLBACK in script.bodies or any(each.text == Part.DOWN.value for each in script.empty):
        reason = _DOWN
    elif script.before:
        reason = _BEFORE.format("before_up" if Direction.DEPLOY in script.before else "before_down")
    elif script.outside:
        reason = _OUTSIDE
    elif script.irreversible is not None:
        reason = _IRREVERSIBLE
    if reason is not None:
        raise ScriptError(f"{script.alteration.name}: {reason}")
    return script


def repeatable_flaws(source: Source) -> tuple[Text, ...]:
    """Returns why a repeatable script that isn't run can't be loaded, each reason with its line."""
    lines = {each.text: each.line for each in source.empty}
    lines |= {part.value: texts[0].line for part, texts in source.parts.items() if texts}
    reasons = {
        "down": (_DOWN, Part.DOWN in source.parts or Part.DOWN.value in lines),
        "before_up": (_BEFORE.format("before_up"), Part.BEFORE_UP in source.parts),
        "before_down": (_BEFORE.format("before_down"), Part.BEFORE_DOWN in source.parts),
        "transaction": (_OUTSIDE, bool(source.outside)),
        "irreversible": (_IRREVERSIBLE, source.irreversible),
    }
    return tuple(Text(reason, lines.get(word, 1)) for word, (reason, holds) in reasons.items() if holds)
