"""Says what stands in the way of a release, among the mistakes of its files and what rehearsals have seen of them."""

from collections.abc import Iterator, Mapping

from sartor.domain.alteration import Alteration
from sartor.domain.cutting import Obstacle, ObstacleKind, ReleasePlan
from sartor.domain.hazards.hazard import Verdict
from sartor.linter.rehearsal_cache import Identity, Remembered
from sartor.linter.rules import UNLISTED, Finding, Lint, Severity

_VERDICTS = {verdict.value: verdict for verdict in Verdict}


def find_obstacles(
    found: Lint, plan: ReleasePlan, remembered: Mapping[Identity, Remembered], limit: Verdict | None
) -> Iterator[Obstacle]:
    """Yields the errors in a release's files, and the hazards beyond `limit`; with one, all has to be rehearsed."""
    own = {alteration.id for alteration in plan.alterations}
    for finding in found.findings:
        if finding.alteration is not None and finding.alteration.id in own and _is_bad(finding, limit):
            line = "" if finding.line is None else f", line {finding.line}"
            hazard = finding.rule.name in _VERDICTS
            yield Obstacle(
                ObstacleKind.HAZARDOUS if hazard else ObstacleKind.MISTAKE,
                finding.alteration.id,
                f"{finding.alteration.name}{line}: {finding.rule.code}: {finding.message}",
            )
    if limit is not None:
        for alteration in plan.alterations:
            if not _is_rehearsed(alteration, remembered):
                message = f"{alteration.name} isn't rehearsed here in its current form"
                yield Obstacle(ObstacleKind.UNREHEARSED, alteration.id, message)


def _is_bad(finding: Finding, limit: Verdict | None) -> bool:
    verdict = _VERDICTS.get(finding.rule.name)
    if verdict is None:  # what isn't listed yet is about to be
        return finding.rule.severity is Severity.ERROR and finding.rule is not UNLISTED
    return limit is not None and verdict.severity > limit.severity


def _is_rehearsed(alteration: Alteration, remembered: Mapping[Identity, Remembered]) -> bool:
    found = remembered.get(alteration.identity)
    return found is not None and found.checksum == alteration.checksum
