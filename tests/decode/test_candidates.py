import math

import pytest

from elman.decode.candidates import candidates
from elman.decode.completion import complete
from elman.errors import UsageError


def test_candidates_at_word_level_in_the_given_order(word_model, speller, spell_fish):
    found = candidates(word_model, speller, "the", ["dog", "cat sat", "fish", ",", "cat", "dog"])
    assert found == [
        ("dog", pytest.approx(4 / 16)),
        ("cat sat", pytest.approx(8 / 16 * 8 / 16)),
        ("fish", pytest.approx(2 / 16 * math.exp(-spell_fish))),
        (",", pytest.approx(1 / 16)),
        ("cat", pytest.approx(8 / 16)),
        ("dog", pytest.approx(4 / 16)),
    ]


def test_candidates_after_a_typed_space(word_model, speller, spell_fish):
    found = dict(candidates(word_model, speller, "the ", ["cat", "fish", ","]))
    # A comma after a space is no type: an unknown word of one byte.
    comma = math.exp(-speller.nats(" ,"))
    assert found == pytest.approx({"cat": 8 / 14, "fish": 2 / 14 * math.exp(-spell_fish), ",": 2 / 14 * comma})


def test_an_unknown_word_counts_once_wherever_its_space_may_be(make_table, make_tokenizer, speller, spell_fish):
    model = make_table(make_tokenizer("word", "say (so"), {" (": {"<unk>": 0.5, "so": 0.5}})
    found = candidates(model, speller, "say (", ["fish", "so"])
    assert found == [("fish", pytest.approx(0.5 * math.exp(-spell_fish))), ("so", pytest.approx(0.5))]


def test_candidates_at_a_line_start(word_model, speller):
    assert candidates(word_model, speller, "", ["The dog"]) == [("The dog", pytest.approx(4 / 16 * 12 / 16))]
    assert candidates(word_model, speller, "the cat.\n", ["The"]) == [("The", pytest.approx(12 / 16))]


def test_the_last_word_of_the_prompt_is_whole_even_if_unknown(word_model, speller):
    assert candidates(word_model, speller, "the zebra", ["sat"]) == [("sat", pytest.approx(8 / 16))]


def test_unknown_words_inside_a_candidate_are_spelled_and_those_of_the_prompt_are_not(word_model, speller, spell_fish):
    found = candidates(word_model, speller, "fish", ["cat sat", "sat fish"])
    assert found[0] == ("cat sat", pytest.approx(8 / 16 * 8 / 16))
    assert found[1] == ("sat fish", 0)
    found = candidates(word_model, speller, "The cat", ["the fish"])
    assert found == [("the fish", pytest.approx(2 / 16 * 2 / 16 * math.exp(-spell_fish)))]


@pytest.mark.parametrize("batchable", [True, False])
def test_candidates_at_char_level_end_where_they_end(char_model, speller, batchable):
    char_model.batchable = batchable
    # After "b" a space is 1/3 of what ends a word; "a" is 1/2, and 10/16 show that it is over.
    found = dict(candidates(char_model, speller, "b", ["a", "ab", "."]))
    assert found == pytest.approx(
        {"a": 1 / 3 * 1 / 2 * 10 / 16, "ab": 1 / 3 * 1 / 2 * 1 / 4 * 6 / 16, ".": 2 / 3 * 3 / 4}
    )
    assert dict(candidates(char_model, speller, "b ", ["b", "ba b"])) == pytest.approx(
        {"b": 1 / 4 * 6 / 16, "ba b": 1 / 4 * 1 / 2 * 1 / 2 * 1 / 4 * 6 / 16}
    )


def test_a_symbol_before_allows_words_with_and_without_space(make_table, make_tokenizer, speller):
    tokenizer = make_tokenizer("word", "say (so so")
    model = make_table(tokenizer, {" (": {"so": 0.5, " so": 0.25, "</s>": 0.25}, " say": {" so": 0.5, "so": 0.5}})
    assert candidates(model, speller, "say (", ["so"]) == [("so", pytest.approx(0.75))]
    assert candidates(model, speller, "say", ["so"]) == [("so", pytest.approx(0.5))]


@pytest.mark.parametrize("prompt", ["the", "the ", "", "The", "fish cat"])
def test_candidates_agree_with_complete(word_model, speller, prompt):
    completion = complete(word_model, prompt, partial=False, punctuation=True)
    texts = [word for word, _ in completion.words]
    assert candidates(word_model, speller, prompt, texts) == [
        (word, pytest.approx(probability, abs=1e-6)) for word, probability in completion.words
    ]


def test_nothing_to_compare_is_refused(word_model, speller):
    assert candidates(word_model, speller, "the", []) == []
    for text in ("", "  ", "two\nlines"):
        with pytest.raises(UsageError, match="candidate"):
            candidates(word_model, speller, "the", [text])
