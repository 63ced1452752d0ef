"""A pytest plugin that judges mutants by tests without a server, and by the same Hypothesis examples each time."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings

settings.register_profile(
    "mutants",
    database=None,
    deadline=None,
    derandomize=True,
    max_examples=50,
    phases=(Phase.explicit, Phase.generate),  # an example need not be small to count
    suppress_health_check=list(HealthCheck),
)
settings.load_profile("mutants")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselects what needs a server: it would be started again for each mutant."""
    served = [item for item in items if "server_url" in getattr(item, "fixturenames", ())]
    config.hook.pytest_deselected(items=served)
    items[:] = [item for item in items if item not in served]
