"""What the ledger keeps of the ways back of scripts that are recorded without being run."""

from collections.abc import Mapping, Sequence

from sartor.alterations.manifest import read_lines
from sartor.alterations.squashed import squashed_downs
from sartor.domain.alteration import Alteration, Catalogue
from sartor.domain.plan import Direction, Step
from sartor.execution.units import Load, compile_unit


def downs_of(catalogue: Catalogue, steps: Sequence[Step], load: Load) -> list[str | None]:
    """Returns what a deployment of these steps would have the ledger keep of each. Raises ScriptError."""
    lines, squashed = read_lines(catalogue, [step.alteration for step in steps]), _Squashed()
    return [
        squashed.down(step.alteration)
        if step.alteration.squashed
        else compile_unit(step, Direction.DEPLOY, load, lines).down
        for step in steps
    ]


class _Squashed:
    """The downs of squashed alterations, read once a folder."""

    def __init__(self) -> None:
        self._folders: dict[str, Mapping[str, str]] = {}

    def down(self, alteration: Alteration) -> str | None:
        folder = alteration.folder
        if folder not in self._folders:
            self._folders[folder] = squashed_downs(folder)
        return self._folders[folder].get(alteration.id)
