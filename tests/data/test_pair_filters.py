import pytest

from elman.data.pair_filters import FilterConfig, filter_pairs, left_out
from elman.data.pairs import Pairs
from elman.errors import TextError, UsageError

GOOD = [("a red house by the river", "ein rotes Haus am Fluss"), ("two men are talking", "zwei Männer reden")] * 50


def of(pairs: list[tuple[str, str]]) -> Pairs:
    return Pairs([source for source, _ in pairs], [target for _, target in pairs])


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (("two men", ""), "an empty side"),
        (("", "zwei"), "an empty side"),
        (("x" * 1001, "y" * 999), "more than 1,000 characters"),
        (("zwei Männer", "zwei Männer"), "source and target identical"),
        (("two men are talking", "двое мужчин разговаривают"), "another script"),
        # (90 + 10) / (10 + 10) = 5.0 times, while usually (23 + 10) / (24 + 10) and (17 + 10) / (19
        # + 10).
        (("ten chars.", "z" * 90), "lengths that differ more than 5 times from the usual"),
    ],
)
def test_a_bad_pair_is_left_out_for_its_reason(bad: tuple[str, str], reason: str) -> None:
    pairs = of([*GOOD[:50], bad, *GOOD[50:]])
    kept, counts = filter_pairs(pairs)
    assert list(kept) == GOOD and counts == {reason: 1}


def test_limits_are_settings() -> None:
    pairs = of([*GOOD, ("ten chars.", "z" * 90), ("zwei", "zwei"), ("two men", "двое мужчин")])
    config = FilterConfig(max_ratio=6, identical="keep", any_script=True)
    assert filter_pairs(pairs, config) == (pairs, {})
    assert filter_pairs(of(GOOD), FilterConfig(max_chars=23))[1] == {"more than 23 characters": 50}
    for wrong in ({"max_chars": 0}, {"max_ratio": 1.0}, {"identical": "no"}):
        with pytest.raises(UsageError):
            FilterConfig(**wrong)


def test_the_usual_ratio_is_that_of_the_data() -> None:
    """Targets ten times as long are no mistake if all are."""
    spelled = [(str(number), "one hundred and forty-four " * 4) for number in range(100, 130)]
    assert filter_pairs(of(spelled))[1] == {}
    assert filter_pairs(of([*spelled, ("144", "gross")]))[1].popitem()[1] == 1


def test_corrections_keep_what_is_right_already() -> None:
    corrections = [("he go home now", "he goes home now"), ("it is right", "it is right")] * 20
    assert filter_pairs(of(corrections))[1] == {}
    assert filter_pairs(of(corrections), FilterConfig(identical="drop"))[1] == {"source and target identical": 20}


def test_two_scripts_of_a_language_are_both_usual() -> None:
    japanese = [("the cat eats", "猫が食べる"), ("a computer", "コンピュータ"), ("ok", "OK です")] * 20
    assert filter_pairs(of(japanese))[1] == {}


def test_nothing_left_is_an_error_that_says_why() -> None:
    with pytest.raises(TextError, match="no pair is left to train on; 2 of 2 pairs left out: 2 with an empty side"):
        filter_pairs(of([("a", ""), ("", "b")]))
    assert left_out(5, {}) == ""
