"""Words begun in another case than the vocabulary's, from tables of probabilities, by hand."""

import pytest
from tests.decode.conftest import TableModel, fit

from elman.decode.completion import complete
from elman.decode.keystrokes import type_line, type_lines
from elman.decode.phrases import complete_phrase

ROWS = {
    None: {" Please": 0.5, " Haus": 0.25, " we": 0.125, " Berlin": 0.125},
    " we": {" Haus": 0.5, " Berlin": 0.25, " Please": 0.25},
    "<unk>": {" we": 0.5, " Haus": 0.25, " Berlin": 0.125, "<unk>": 0.125},
    " Please": {"</s>": 1.0},
    " Haus": {"</s>": 1.0},
    " Berlin": {"</s>": 1.0},
    "</s>": {"</s>": 1.0},
}


@pytest.fixture
def model() -> TableModel:
    return TableModel(fit("word", "Please we Haus Berlin"), ROWS)


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        # "Please" begins half of the lines and never comes after an unknown word.
        ("ple", "please"), ("we ple", "please"), ("Ple", "Please"), ("we PLE", "PLEASE"),
        # "Haus" and "Berlin" are as likely there: their capitals are their own.
        ("hau", "Haus"), ("we hau", "Haus"), ("we HA", "HAUS"), ("we berl", "Berlin"), ("x ber", "Berlin"),
    ],
)  # fmt: skip
def test_a_capital_is_the_words_own_unless_it_only_begins_lines(model: TableModel, typed: str, shown: str) -> None:
    assert [word for word, _ in complete(model, typed, partial=True).words] == [shown]  # type: ignore[arg-type]
    assert complete_phrase(model, typed, partial=True, words=1)[0][0] == shown  # type: ignore[arg-type]


@pytest.mark.parametrize("level_of_words", [{}, {"pretokenized": True}])
def test_a_rare_word_may_be_the_beginning_of_usual_ones(level_of_words: dict[str, bool]) -> None:
    rows = {
        None: {" we": 1.0},
        # "th" has 0.01 of 0.81, "in" 0.1 of 0.19.
        " we": {" th": 0.01, " the": 0.5, " then": 0.3, " in": 0.1, " into": 0.09},
        " th": {" we": 1.0},
        " in": {" then": 1.0},
    }
    model = TableModel(fit("word", "we th the then in into", **level_of_words), rows)
    found = complete(model, "we th")
    assert found.words == [
        ("the", pytest.approx(0.5 / 0.81)),
        ("then", pytest.approx(0.3 / 0.81)),
        ("th", pytest.approx(0.01 / 0.81)),
    ]
    assert (found.partial, complete(model, "we th", partial=False).words) == ("th", [("we", 1.0)])
    assert complete(model, "we in").words == [("then", 1.0)]


def test_keystrokes_are_those_of_complete(model: TableModel) -> None:
    for line in ("we haus", "we Haus", "we please", "please", "haus"):
        (fast,) = type_lines(model, [(line, True)])  # type: ignore[arg-type]
        assert fast == type_line(model, line), line  # type: ignore[arg-type]
    # "we" and "please" are offered after one letter; "haus" never is, for the word is "Haus".
    assert type_line(model, "we please").offered == (0, 2)  # type: ignore[arg-type]
    assert type_line(model, "we haus").offered == (0, 1)  # type: ignore[arg-type]
