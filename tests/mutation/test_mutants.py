"""What `scripts/mutants` knows of the code, and does to its copy of it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from undecorated import undecorated

ROOT = Path(__file__).parents[2]
EXPLAINED = tomllib.loads((ROOT / "scripts/mutation/explained.toml").read_text())["explained"]

DECORATED = """
class A:
    @property
    def one(self):
        return 1

    @classmethod
    def two(cls): return 2

    def three(self):
        @wraps
        def inner(): return 3
        return inner()

@contextmanager
def four(a,
         b):
    yield 4

@lru_cache(maxsize=1)
def five():
    return 5

@one
@two
def six(): return 6
"""
PLAIN = """
class A:
    def one(self):
        return 1
    one = property(one)

    @classmethod
    def two(cls): return 2

    def three(self):
        def inner(): return 3
        inner = wraps(inner)
        return inner()

def four(a,
         b):
    yield 4
four = contextmanager(four)

def five():
    return 5

@one
@two
def six(): return 6
"""


@pytest.mark.parametrize("entry", EXPLAINED, ids=lambda entry: entry["module"])
def test_what_is_explained_exists(entry: dict[str, str]) -> None:
    """A mutant that nobody could tell is explained as long as its line is in its module, and no longer."""
    taken, given = entry["change"].strip().splitlines()
    lines = [line.strip() for line in (ROOT / f"src/sartor/{entry['module']}.py").read_text().splitlines()]
    assert taken.removeprefix("- ") in lines
    assert given.startswith("+ ")
    assert entry["why"]


def test_decorators_become_calls() -> None:
    """A function under a single decorator is changed as any other; a cache, which would hide that, is left out."""
    assert undecorated(DECORATED) == PLAIN
