"""Hooks: what they are called, and what they are told."""

from sartor.domain.alteration import Alteration
from sartor.domain.report import Report
from sartor.domain.source import Run

BEFORE_RUN, AFTER_RUN, BEFORE_EACH, AFTER_EACH = "before_run", "after_run", "before_each", "after_each"
HOOKS = (BEFORE_RUN, AFTER_RUN, BEFORE_EACH, AFTER_EACH)
"""The functions of `hooks.py` that are called, in the order in which a reader would write them."""


class HookRun(Run):
    """The second parameter of a hook, for those that declare one: a `Run`, and what the hook is about.

    `alteration` is the script of `before_each` and `after_each`, None in the other two. `report` is the outcome, in
    `after_run`: what was done, what failed, what remains; None in the other three. What a hook notes isn't kept.
    """

    alteration: Alteration | None = None
    report: Report | None = None
