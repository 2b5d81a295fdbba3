"""The order in which rows update the states of entities, against a slow search."""

import itertools

import numpy as np
import pytest

from elman.data.columns import ColumnTable
from elman.data.entity_history import Histories, entities_of, gaps_of, levels_of, usual_gap
from elman.errors import TextError


@pytest.mark.parametrize("seed", range(6))
def test_levels_keep_the_order_of_every_entity(seed: int) -> None:
    rng = np.random.default_rng(seed)
    times = np.sort(rng.integers(0, 12, 40)).tolist()
    entities = np.array([rng.choice(7, 2, replace=False) for _ in times])
    levels = levels_of(times, entities)
    level = {int(row): number for number, rounds in enumerate(levels) for some in rounds for row in some}
    assert sorted(level) == list(range(40))
    for one, other in itertools.combinations(range(40), 2):
        if set(entities[one]) & set(entities[other]):
            assert level[one] < level[other] if times[one] < times[other] else level[one] == level[other]
    for rounds in levels:
        for some in rounds:
            named = entities[some].ravel().tolist()
            assert len(named) == len(set(named))
        order = [row for some in rounds for row in some.tolist()]
        for first, second in itertools.pairwise(order):  # rows of one entity update in the order of the file
            assert first < second or not set(entities[first]) & set(entities[second])


def test_gaps_by_hand() -> None:
    histories = Histories.none().grown(["a", "b", "c"])
    entities = np.array([[0, 1], [0, 2], [2, 1]])
    gaps, after = gaps_of([1.0, 1.0, 5.0], entities, histories, pace=2.0)
    log = np.log
    # Rows of one time do not see each other.
    assert gaps[:2].tolist() == np.zeros((2, 2, 2)).tolist()
    expected = [[log(3) / 4, log(2) / 6], [log(3) / 4, log(2) / 6]]  # four days at a pace of two, one row each
    np.testing.assert_allclose(gaps[2], expected, rtol=1e-6)
    assert after.counts.tolist() == [2, 2, 2] and after.last.tolist() == [1.0, 5.0, 5.0]
    again, same = gaps_of([9.0], entities[:1], after, pace=2.0, frozen=True)
    np.testing.assert_allclose(again[0, 0], [log(5) / 4, log(3) / 6], rtol=1e-6)
    assert same is after


def test_new_entities_follow_those_that_are_known() -> None:
    table = ColumnTable({"home": ("C", "A"), "away": ("A", "D")}, ("m.csv, line 2", "m.csv, line 3"))
    known = Histories.none().grown(["A", "B"])
    found, grown = entities_of(table, ("home", "away"), known)
    assert found.tolist() == [[2, 0], [0, 3]] and grown.names == ("A", "B", "C", "D")


@pytest.mark.parametrize(
    ("cells", "message"), [(("", "A"), "line 2: home is empty"), (("A", "A"), "'A' is named twice")]
)
def test_rows_must_name_their_entities(cells: tuple[str, str], message: str) -> None:
    table = ColumnTable({"home": cells[:1], "away": cells[1:]}, ("m.csv, line 2",))
    with pytest.raises(TextError, match=message):
        entities_of(table, ("home", "away"), Histories.none())


def test_the_usual_gap_leaves_out_rows_of_one_time() -> None:
    assert usual_gap([0, 0, 3, 10], np.array([[0], [0], [0], [0]])) == 5.0
    assert usual_gap([0], np.array([[0]])) == 1.0
