"""Refuses targets that were never released, where manifests list the releases."""

from collections.abc import Collection, Iterable

from sartor.domain.alteration import Catalogue
from sartor.domain.release import Release
from sartor.errors import TargetError

_NOTHING = Release.parse("0")
"""The target of a rollback of everything."""


def require_released(target: Release | None, catalogue: Catalogue, deployed: Iterable[Release] | None = None) -> None:
    """Raises TargetError for a target that no manifest lists, with the nearest ones; without a list, for none.

    `deployed` are, for a rollback, the releases of the ledger, which may be newer than the package; a rollback also
    goes back to `0`.
    """
    listed = catalogue.releases
    if target is None or target.unreleased or listed is None or target in listed:
        return
    if deployed is not None and (target == _NOTHING or target in {*deployed}):
        return
    raise TargetError(
        f"there is no release {target} among the given alterations", hint=_way_out(target, catalogue, listed)
    )


def _way_out(target: Release, catalogue: Catalogue, listed: Collection[Release]) -> str:
    if any(alteration.release == target for alteration in catalogue):
        return f"its files were renamed by hand, and the manifest doesn't list it; to release it: `release {target}`"
    if not listed:
        return (
            f"nothing is released; to deploy unreleased alterations: `deploy` to `next`; or first: `release {target}`"
        )
    below = max((release for release in listed if release < target), default=None)
    above = min((release for release in listed if release > target), default=None)
    if above is None:
        return f"the latest release here is {below}, which `latest` stands for; for a newer one, use its package"
    return f"the nearest releases are {below} and {above}" if below else f"the first release is {above}"
