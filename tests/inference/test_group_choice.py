"""Which groups are rounded: all if they may be, else the harmless ones first."""

from elman.inference.group_choice import choose_groups

COSTS = {"a": 0.3, "b": -0.1, "c": 0.25, "d": 5.0}


def test_all_of_them_where_that_is_allowed() -> None:
    asked: list[frozenset[str]] = []

    def cost(groups: frozenset[str]) -> float:
        asked.append(groups)
        return sum(COSTS[group] for group in groups)

    assert choose_groups(COSTS, cost, bound=5.45) == (frozenset("abcd"), 5.45)
    assert asked == [frozenset("abcd")]  # and no other set was looked at


def test_the_harmless_ones_first_as_long_as_all_together_stay_harmless() -> None:
    kept, total = choose_groups(COSTS, lambda groups: sum(sorted(COSTS[group] for group in groups)), bound=0.2)
    assert (kept, round(total, 9)) == (frozenset("bc"), 0.15)  # with a they would cost 0.45
    assert choose_groups(COSTS, lambda groups: 9.0 * len(groups), bound=0.2) == (frozenset(), 0.0)


def test_what_has_no_cost_is_left_out() -> None:
    """Not a number is no small cost."""
    kept, _ = choose_groups("ab", lambda groups: float("nan") if "a" in groups else 0.0, bound=1.0)
    assert kept == frozenset("b")
