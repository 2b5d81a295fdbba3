import numpy as np
import pytest

from elman.metrics.answers import answer_figures, exact_match, f1, normalised


def test_articles_punctuation_and_case_do_not_count() -> None:
    assert normalised("The Cat's  a-b, AN ant; theatre.") == "cats ab ant theatre"
    # Only ASCII signs are punctuation, as in the official script.
    assert normalised("the “end”") == "“end”"


@pytest.mark.parametrize(
    ("answer", "right", "exact", "score"),
    [
        ("Denver Broncos", ["The Denver Broncos!"], 1, 1),
        ("Denver", ["Denver Broncos"], 0, 2 * 1 * 0.5 / 1.5),
        ("in the city of Denver", ["Denver", "city of Boulder"], 0, 2 * (2 / 4) * (2 / 3) / (2 / 4 + 2 / 3)),
        ("x x y", ["x y y"], 0, 2 / 3),  # each word counts as often as in both
        ("", [], 1, 1),
        ("", ["Denver"], 0, 0),
        ("Denver", [], 0, 0),
        ("the", ["a"], 1, 1),
        ("the", ["cat"], 0, 0),
        ("dog", ["cat", "dog"], 1, 1),
    ],
)
def test_figures_by_hand(answer: str, right: list[str], exact: float, score: float) -> None:
    assert exact_match(answer, right) == exact
    assert f1(answer, right) == pytest.approx(score)


def test_a_missing_answer_is_empty() -> None:
    found = answer_figures({"q1": "a cat"}, {"q1": ["cat"], "q2": ["dog"], "q3": []})
    assert np.array_equal(found["exact_match"], [1, 0, 1]) and np.array_equal(found["f1"], [1, 0, 1])
