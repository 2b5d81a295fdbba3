"""Columns that are known only with the outcome are found; those that merely help are not."""

import numpy as np

from elman.data.columns import ColumnTable
from elman.data.leaks import explained, find_leaks

RNG = np.random.default_rng(3)
STRENGTH = RNG.normal(size=(600, 2))
GOALS = RNG.poisson(np.exp(0.4 * STRENGTH))
OUTCOMES = np.sign(GOALS[:, 0] - GOALS[:, 1]) + 1


def rows(**columns: object) -> ColumnTable:
    cells = {name: tuple(map(str, np.asarray(values).tolist())) for name, values in columns.items()}
    return ColumnTable(cells, ("",) * len(next(iter(cells.values()))))


def found(table: ColumnTable, unknown: ColumnTable | None = None) -> list[tuple[str, ...]]:
    unknown = table.take([]) if unknown is None else unknown
    leaks = find_leaks(table, OUTCOMES, list(table.columns), outcomes=3, unknown=unknown)
    return [leak.columns for leak in leaks if leak.certain]


def test_two_scores_leak_by_their_difference() -> None:
    table = rows(strength=STRENGTH[:, 0], home=GOALS[:, 0], away=GOALS[:, 1], match=np.arange(600))
    assert found(table) == [("home", "away")]


def test_the_outcome_under_another_name_leaks_alone() -> None:
    assert found(rows(points=np.array([0, 1, 3])[OUTCOMES], strength=STRENGTH[:, 0])) == [("points",)]
    assert found(rows(winner=np.array(["away", "nobody", "home"])[OUTCOMES])) == [("winner",)]


def test_names_of_rows_and_honest_columns_do_not_leak() -> None:
    table = rows(match=[f"m{number}" for number in range(600)], one=STRENGTH[:, 0], other=STRENGTH[:, 1])
    assert found(table) == []


def test_a_column_that_open_rows_lack_leaks() -> None:
    table = rows(crowd=RNG.integers(100, 900, 600), one=STRENGTH[:, 0])
    unknown = ColumnTable({"crowd": ("",) * 6, "one": ("0.5",) * 6}, ("",) * 6)
    assert found(table, unknown) == [("crowd",)]
    assert found(table, unknown.take(range(4))) == []  # too few to tell


def test_what_a_code_explains_is_measured_on_other_rows() -> None:
    outcomes = RNG.integers(0, 2, 4000)
    noisy = np.where(RNG.random(4000) < 0.9, outcomes, 1 - outcomes)
    # A channel that is right nine times of ten leaves its own entropy.
    entropy = -(0.9 * np.log(0.9) + 0.1 * np.log(0.1)) / np.log(2)
    assert abs(explained(noisy, outcomes, outcomes=2) - (1 - entropy)) < 0.05
    assert explained(RNG.integers(0, 30, 4000), outcomes, outcomes=2) == 0
