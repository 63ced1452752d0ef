"""Sentences about a schema that holds objects already, of which no ledger tells who made them."""

from collections.abc import Iterator, Sequence

NO_LEDGER = "there is no ledger, but the schema has "
"""The beginning of the sentence."""
SHOWN = 3
"""The number of objects that a sentence names."""


def existing_note(strays: Sequence[str], tool: str) -> str:
    """Returns what a schema without a ledger holds, and what to do about that, as one sentence."""
    what, *ways = existing_sentences(strays, tool)
    return f"{what}: {'; '.join(ways)}"


def existing_sentences(strays: Sequence[str], tool: str) -> Iterator[str]:
    """Yields what a schema without a ledger holds, then the ways out, each a clause."""
    more = f" and {len(strays) - SHOWN} more" if len(strays) > SHOWN else ""
    by = f", and {tool}'s own table" if tool else ""
    yield f"{NO_LEDGER}{', '.join(strays[:SHOWN])}{more}{by}"
    if imports := _imports(tool):
        yield f"to take {tool}'s migrations over: `import {imports} PATH` with `release` and `baseline`"
    yield "if a release made them, record that: `baseline VERSION`"
    yield "if they are others', deploy, and name them in the setting ignore-objects"
    yield "if the ledger was lost, restore Sartor's tables from a backup, or `repair --mark-deployed ID`"


def _imports(tool: str) -> str:
    from sartor.domain.other_ledgers import OTHER_LEDGERS  # noqa: PLC0415 - few destinations have one

    return next((each.imports for each in OTHER_LEDGERS if each.tool == tool), "")
