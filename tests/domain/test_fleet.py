"""A fleet's waves, its limits, and the line in which destinations wait."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartor.domain.destination import Destination
from sartor.domain.fleet import FleetOrder, Share, waves
from sartor.domain.lineup import Lineup
from sartor.errors import SettingsError

DESTINATIONS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 99)), max_size=60, unique=True).map(
    lambda pairs: [Destination(f"postgresql://app@db{server}/app", f"tenant_{number}") for server, number in pairs]
)


@pytest.mark.parametrize(("text", "of_200"), [("5", 5), ("0", 0), ("10%", 20), ("2.5%", 5), ("0.1%", 0), ("100%", 200)])
def test_a_share_is_a_number_or_a_percentage(text: str, of_200: int) -> None:
    """`5` is five destinations, `10%` a tenth of all, rounded down."""
    share = Share.parse(text, origin="--wave")
    assert share.of(200) == of_200
    assert str(share) == text


@pytest.mark.parametrize("text", ["", "%", "-1", "5.5", "1e3", "10 percent", "101%", "10%%", "²", "9999999999", ".5%"])
def test_any_other_text_is_refused_by_name(text: str) -> None:
    """An error names the option, quotes the text, and says how a share is written."""
    with pytest.raises(SettingsError, match=r"^--wave: '.*' is ") as raised:
        Share.parse(text, origin="--wave")
    assert raised.value.hint


@given(DESTINATIONS, st.integers(0, 5), st.none() | st.integers(1, 100).map(lambda n: Share(n, is_percentage=True)))
def test_waves_hold_each_destination_once_in_order(
    destinations: list[Destination], canary: int, wave: Share | None
) -> None:
    """Each destination is in one wave, in the order given; no wave is empty; the canaries are the first wave."""
    found = waves(destinations, FleetOrder(canary=canary, wave=wave))
    assert [each for wave in found for each in wave] == destinations
    assert all(found)
    if canary and destinations:
        assert found[0] == destinations[:canary]


@given(DESTINATIONS, st.integers(1, 4), st.integers(1, 6), st.data())
def test_no_server_has_more_at_work_than_its_limit(
    destinations: list[Destination], limit: int, jobs: int, data: st.DataObject
) -> None:
    """Each destination has its turn once; no server has more at work than its limit; room is never left unused."""
    lineup, at_work, taken = Lineup(destinations, limit), list[Destination](), list[Destination]()
    lineup.limits["db0:5432"] = 1
    while True:
        while len(at_work) < jobs and (destination := lineup.take()):
            at_work.append(destination)
            taken.append(destination)
        busy = [each.server for each in at_work]
        assert busy.count("db0:5432") <= 1
        assert all(busy.count(server) <= limit for server in busy)
        if len(at_work) < jobs:
            full = {server for server in busy if busy.count(server) >= (1 if server == "db0:5432" else limit)}
            assert {each.server for each in lineup.waiting()} <= full
        if not at_work:
            break
        lineup.end(at_work.pop(data.draw(st.integers(0, len(at_work) - 1))))
    assert sorted(map(repr, taken)) == sorted(map(repr, destinations))
    assert not lineup.waiting()


@given(st.integers(1, 6), st.integers(0, 6), st.data())
def test_a_server_without_room_for_more(limit: int, room: int, data: st.DataObject) -> None:
    """What a server has no connection for comes again; its limit becomes the number of those that have one."""
    destinations = [Destination(f"postgresql://db0/{at}") for at in range(9)]
    lineup, at_work, done = Lineup(destinations, limit), list[Destination](), list[Destination]()
    while len(done) < len(destinations):
        taken = list[Destination]()
        while destination := lineup.take():
            taken.append(destination)
        for each in taken:
            if len(at_work) < max(1, room):
                at_work.append(each)
            else:
                assert lineup.has_others(each)
                lineup.make_room(each)
        assert lineup.limits.get("db0:5432", limit) == min(limit, max(1, room)) or len(at_work) < room
        ended = at_work.pop(data.draw(st.integers(0, len(at_work) - 1)))
        lineup.end(ended)
        done.append(ended)
    assert sorted(map(repr, done)) == sorted(map(repr, destinations))
