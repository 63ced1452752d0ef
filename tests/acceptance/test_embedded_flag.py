"""`--embedded` where something is wrong: no server is made in a folder that it isn't meant for."""

from __future__ import annotations

import pytest

from support.command import Command

WRONG = {
    "no alterations": (["latest", "--alterations", "nowhere"], "no alterations found at "),
    "a setting": (["latest", "--lock-timeout", "soon"], "'soon' isn't a duration"),
    "two databases": (["latest", "--db-url", "postgresql://db.invalid/shop"], "--embedded and --db-url"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_told_before_a_server_starts(sartor: Command, wrong: str) -> None:
    """Exit code 2, and nothing is left in the folder."""
    words, said = WRONG[wrong]
    assert said in sartor("deploy", *words, "--embedded", expect=2).err
    assert not (sartor.directory / ".sartor").exists()
