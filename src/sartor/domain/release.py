"""Releases: a product's versions, and `next` for what isn't released yet."""

from dataclasses import dataclass, field
from functools import lru_cache, total_ordering

from packaging.version import InvalidVersion, Version

from sartor.errors import TargetError

LATEST = "latest"
"""The word for the highest release shipped, as a target."""


@total_ordering
@dataclass(frozen=True, slots=True, eq=False)
class Release:
    """A version of the product, or `next`.

    Two releases are equal when their versions are (`1.0` and `1.0.0`); `next` is above every version. `label` is the
    version as its author writes it: `2.0.0-beta.1`.
    """

    label: str
    version: Version | None
    _hash: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # Every alteration is looked up by its release, and `packaging` computes the hash again each time.
        object.__setattr__(self, "_hash", hash(self.version))

    @staticmethod
    @lru_cache(maxsize=4096)
    def parse(text: str) -> "Release":
        """Returns the release that `text` names: `next`, or a version, with `_` allowed for `-`.

        The same text gives the same object. Raises ValueError where it is neither. Versions are those of PEP 440, so
        the prereleases that parse are alpha, beta, rc (with their short forms), dev, and the like: `1.0.0-nightly`
        isn't one.
        """
        if text == "next":
            return NEXT
        label = text.replace("_", "-")
        try:
            return Release(label, Version(label))
        except InvalidVersion:
            message = f"{text!r} is neither a version nor `next`"
            raise ValueError(message) from None

    @property
    def unreleased(self) -> bool:
        """True for `next`."""
        return self.version is None

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Release) and self.version == other.version)

    def __hash__(self) -> int:
        return self._hash

    def __lt__(self, other: "Release") -> bool:
        if self.version is None or other.version is None:
            return self.version is not None
        return self.version < other.version

    def __str__(self) -> str:
        return self.label


NEXT = Release("next", None)


def parse_target(text: str) -> Release:
    """Returns the version or `next` that a user gave as a target. Raises TargetError; the caller resolves `latest`."""
    try:
        return Release.parse(text)
    except ValueError:
        raise TargetError(
            f"there is no release {text!r}: a target is a version (1.2.0, 2.0.0-beta.1), `latest` or `next`",
            hint="to list the releases: `list_alterations`",
        ) from None
