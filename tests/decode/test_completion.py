from pathlib import Path

import pytest

import elman
from elman.decode.completion import complete
from elman.decode.phrases import complete_phrase
from elman.decode.search import Effort
from elman.errors import TextError, UsageError

THOROUGH = Effort(floor=1e-8, slack=1e-4, paths=20_000)


def words(completion):
    return dict(completion.words)


def approx(**expected):
    return pytest.approx(expected, abs=1e-5)


# Word level: one distribution.


def test_the_next_word_at_word_level(word_model):
    completion = complete(word_model, "the", n=2)
    assert completion.words == [("cat", pytest.approx(8 / 16)), ("dog", pytest.approx(4 / 16))]
    assert (completion.prompt, completion.partial, completion.oov) == ("the", "", [])


def test_punctuation_comes_only_when_asked_for(word_model):
    assert words(complete(word_model, "the")) == approx(cat=8 / 16, dog=4 / 16)
    assert words(complete(word_model, "the", punctuation=True)) == approx(cat=8 / 16, dog=4 / 16, **{",": 1 / 16})


def test_a_typed_space_asks_for_a_new_word(word_model):
    # Of 16 sixteenths 12 are known words after a space, 2 unknown ones.
    assert words(complete(word_model, "the ")) == approx(cat=8 / 14, dog=4 / 14)


def test_the_first_word_of_a_document_and_of_a_line(word_model):
    assert words(complete(word_model, "")) == approx(the=8 / 16, The=4 / 16, cat=1 / 16)
    assert words(complete(word_model, "the cat\n")) == approx(the=4 / 16, The=12 / 16)


def test_half_typed_words(word_model):
    completion = complete(word_model, "the cat\nT")
    assert (completion.partial, completion.words) == ("T", [("The", pytest.approx(1))])
    # After "cat": the 2/16 of what begins with "t"; with "s" only "sat"; with "c" only "can't".
    assert words(complete(word_model, "the cat t")) == approx(the=1)
    completion = complete(word_model, "fish cat ca")
    assert (completion.partial, completion.words, completion.oov) == ("ca", [("can't", pytest.approx(1))], ["fish"])


def test_probabilities_of_half_typed_words_are_shares_of_all_that_begins_so(make_table, make_tokenizer):
    tokenizer = make_tokenizer("word", "car cat cab dog")
    model = make_table(tokenizer, {None: {" car": 0.2, " cat": 0.1, " cab": 0.1, " dog": 0.4, "<unk>": 0.2}})
    assert words(complete(model, "ca")) == approx(car=0.5, cat=0.25, cab=0.25)
    assert words(complete(model, "ca", n=1)) == approx(car=0.5)


def test_a_half_typed_word_is_not_two_words(make_table, make_tokenizer):
    tokenizer = make_tokenizer("word", "c cats (at")
    model = make_table(tokenizer, {None: {" c": 0.5, " cats": 0.25, "<unk>": 0.25}, " c": {"at": 1.0}})
    assert words(complete(model, "ca")) == approx(cats=1)
    assert words(complete(model, "c", partial=True)) == approx(c=2 / 3, cats=1 / 3)
    assert complete_phrase(model, "ca", words=1) == [("cats", pytest.approx(1))]


def test_a_known_word_is_whole_unless_the_caller_says_otherwise(word_model):
    assert words(complete(word_model, "the cat")) == approx(sat=8 / 16, the=2 / 16, **{"can't": 1 / 16})
    completion = complete(word_model, "the cat", partial=True)
    assert (completion.partial, words(completion)) == ("cat", approx(cat=1))
    assert complete(word_model, "the ca", partial=False).partial == ""
    assert complete(word_model, "the ca", partial=False).oov == ["ca"]


def test_apostrophes_are_half_typed_where_words_go_on_so(word_model):
    completion = complete(word_model, "the dog can'")
    assert (completion.partial, words(completion)) == ("can'", approx(**{"can't": 1}))
    assert complete(word_model, "the dogs'").partial == ""


def test_what_no_word_begins_with_is_an_unknown_word(word_model):
    for partial in (None, True):
        completion = complete(word_model, "the zeb", partial=partial)
        assert (completion.partial, completion.unmatched, completion.oov) == ("", "zeb", ["zeb"])
        assert words(completion) == approx(cat=8 / 16, sat=8 / 16)
    assert complete(word_model, "the zeb ").unmatched == ""


def test_unknown_words_before_a_space_are_context(word_model):
    completion = complete(word_model, "the zebra ")
    assert (completion.partial, completion.oov) == ("", ["zebra"])
    assert completion.words == [("cat", pytest.approx(0.5)), ("sat", pytest.approx(0.5))]


def test_punctuation_is_never_half_typed(word_model):
    completion = complete(word_model, "the;")
    assert (completion.partial, completion.oov) == ("", [";"])


def test_blocked_words_in_any_case(word_model):
    assert words(complete(word_model, "", block=["THE"])) == approx(cat=1 / 16)
    assert words(complete(word_model, "the", n=1, block={"Cat"})) == approx(dog=4 / 16)


def test_lower_case_models_take_prompts_in_any_case(make_table, make_tokenizer):
    tokenizer = make_tokenizer("word", "The Cat car", lowercase=True)
    model = make_table(tokenizer, {" the": {" cat": 0.75, " car": 0.25}})
    completion = complete(model, "THE CA")
    assert (completion.partial, words(completion)) == ("CA", approx(cat=0.75, car=0.25))


def test_a_sigma_that_is_the_last_letter_so_far_is_like_any_other(make_table, make_tokenizer):
    tokenizer = make_tokenizer("word", "Ο ΟΔΥΣΣΕΥΣ", lowercase=True)
    completion = complete(make_table(tokenizer, {" ο": {" οδυσσευσ": 1.0}}), "Ο ΟΔΥΣ")
    assert (completion.partial, words(completion)) == ("ΟΔΥΣ", {"οδυσσευσ": pytest.approx(1)})


def test_pretokenized_words_are_what_stands_between_spaces(make_table, make_tokenizer):
    tokenizer = make_tokenizer("word", "the N.Y. <unk> 's , n't", pretokenized=True)
    model = make_table(
        tokenizer, {" the": {" N.Y.": 0.5, "<unk>": 0.25, " ,": 0.25}, "<unk>": {" 's": 0.5, " the": 0.5}}
    )
    assert words(complete(model, "the")) == approx(**{"N.Y.": 0.5})
    assert words(complete(model, "the", punctuation=True)) == approx(**{"N.Y.": 0.5, ",": 0.25})
    assert complete(model, "the N.").partial == "N."
    assert words(complete(model, "the N.")) == approx(**{"N.Y.": 1})
    assert words(complete(model, "the <unk>")) == approx(**{"'s": 0.5, "the": 0.5})
    for partial in (None, True, False):
        with pytest.raises(TextError, match="surrogate"):
            complete(model, "the \ud800", partial=partial)


def test_words_glued_to_a_symbol_and_words_after_a_space_are_one(make_table, make_tokenizer):
    tokenizer = make_tokenizer("word", "say (so so s")
    model = make_table(tokenizer, {" (": {"so": 0.5, " so": 0.25, " s": 0.25}, " say": {"so": 0.5, " so": 0.5}})
    assert words(complete(model, "say (")) == approx(so=0.75, s=0.25)
    # Right after a letter, "so" would be more of the same word.
    assert words(complete(model, "say")) == approx(so=0.5)
    assert words(complete(model, "say (s", partial=True)) == approx(so=1)


# Char level, by hand. After "a" a word ends with 8/16 + 2/16, and with an apostrophe that no letter
# follows, 2/16 * 8/16: together 11/16. After "b" it ends with 2/16 + 4/16 = 3/8.

A, B = 11 / 16, 3 / 8
FIRST = {
    "a": 1 / 2 * A,
    "b": 1 / 4 * B,
    "ba": 1 / 4 * 1 / 2 * A,
    "ab": 1 / 2 * 1 / 4 * B,
    "aba": 1 / 2 * 1 / 4 * 1 / 2 * A,
    "a'a": 1 / 2 * 1 / 8 * 1 / 2 * A,
}


@pytest.mark.parametrize("prompt", ["", "b "])
@pytest.mark.parametrize("batchable", [True, False])
def test_the_next_word_at_char_level(char_model, prompt, batchable):
    char_model.batchable = batchable
    completion = complete(char_model, prompt, n=5, repeats=True, effort=THOROUGH)
    assert [word for word, _ in completion.words] == ["a", "b", "ba", "ab", "aba"]
    assert words(completion) == approx(**{word: FIRST[word] for word, _ in completion.words})
    assert [word for word, _ in complete(char_model, prompt, n=5, repeats=True).words] == ["a", "b", "ba", "ab", "aba"]


def test_words_that_end_in_several_ways(char_model):
    assert words(complete(char_model, "b ", n=6, repeats=True, effort=THOROUGH)) == approx(**FIRST)


def test_a_last_word_that_hardly_is_one_is_half_typed(char_model):
    # After "c" a word ends with 1/16: half typed. After "b" with 3/8: whole.
    completion = complete(char_model, "c", n=2, repeats=True, effort=THOROUGH)
    assert completion.partial == "c"
    assert words(completion) == approx(ca=15 / 16 * A, cab=15 / 16 * 1 / 4 * B)
    assert complete(char_model, "b").partial == ""
    completion = complete(char_model, "b", n=2, partial=True, repeats=True, effort=THOROUGH)
    assert words(completion) == approx(b=B, ba=1 / 2 * A)


def test_forced_steps_are_divided_out(char_model):
    completion = complete(char_model, "b.. ab", n=2, partial=True, repeats=True, effort=THOROUGH)
    assert completion.partial == "ab"
    assert words(completion) == approx(ab=B, aba=1 / 2 * A)


def test_a_whole_word_is_over(char_model):
    # After "a" 8/16 for a space and 2/16 for the line's end: a space 4/5 of the time.
    assert words(complete(char_model, "a", n=2, repeats=True, effort=THOROUGH)) == approx(
        a=4 / 5 * 1 / 2 * A, b=4 / 5 * 1 / 4 * B
    )
    # After "." 8/16 for the end, 4/16 for a space; more of the same symbol is not asked for.
    assert words(complete(char_model, "b.", n=1, repeats=True, effort=THOROUGH)) == approx(a=1 / 3 * 1 / 2 * A)


def test_symbols_at_char_level(char_model):
    # After "b" a space 1/3 or a full stop 2/3, which is alone with 3/4.
    found = complete(char_model, "b", n=2, partial=False, punctuation=True, repeats=True, effort=THOROUGH)
    assert words(found) == approx(**{".": 2 / 3 * 3 / 4, "..": 2 / 3 * 1 / 4 * 3 / 4})
    assert words(complete(char_model, "b", n=1, partial=False, repeats=True, effort=THOROUGH)) == approx(
        a=1 / 3 * 1 / 2 * A
    )


def test_after_characters_never_seen_words_are_offered_all_the_same(char_model):
    completion = complete(char_model, "bx", partial=True)
    assert (completion.partial, completion.unmatched) == ("", "bx")
    assert completion.words == complete(char_model, "bx", partial=False).words != []


def test_blocked_words_at_char_level_make_room_for_others(char_model):
    found = complete(char_model, "", n=2, block=["B", "a"], repeats=True, effort=THOROUGH)
    assert words(found) == approx(ba=FIRST["ba"], ab=FIRST["ab"])


# Phrases.


def test_phrases_at_word_level(word_model):
    found = complete_phrase(word_model, "the", n=3, words=2)
    assert found == [
        ("cat sat", pytest.approx(8 / 16 * 8 / 16)),
        ("dog", pytest.approx(4 / 16 * 12 / 16)),
        ("cat.", pytest.approx(8 / 16 * 4 / 16)),
    ]


def test_phrases_given_what_was_typed(word_model):
    assert complete_phrase(word_model, "the ", n=1, words=1) == [("cat", pytest.approx(8 / 14))]
    assert complete_phrase(word_model, "the cat\nT", n=1, words=2) == [("The dog", pytest.approx(12 / 16))]
    assert dict(complete_phrase(word_model, "the zeb", words=1)) == approx(cat=8 / 16, sat=8 / 16)


def test_phrases_at_char_level(char_model):
    found = dict(complete_phrase(char_model, "b ", n=2, words=1, beam_size=300))
    assert found == pytest.approx({"a": 1 / 2 * A, "b": 1 / 4 * B}, abs=1e-4)
    found = dict(complete_phrase(char_model, "b ", n=1, words=2, beam_size=300))
    # "a" 1/2, a space 1/2, "a" 1/2, over.
    assert found == pytest.approx({"a a": 1 / 2 * 1 / 2 * 1 / 2 * A}, abs=2e-3)
    # After "a" a space 4/5, and a second one begins no word.
    found = dict(complete_phrase(char_model, "a", n=1, words=1, beam_size=300))
    assert found == pytest.approx({"a": 4 / 5 * 1 / 2 * A}, abs=1e-4)
    found = dict(complete_phrase(char_model, "b", n=1, words=1, partial=True, beam_size=100))
    assert found == pytest.approx({"b": B}, abs=1e-4)


def test_phrases_at_subword_level_start_with_what_was_typed(pieces_model):
    assert complete_phrase(pieces_model, "ab", n=1, words=1, partial=True)[0][0] == "ab"
    assert all(text[0] in "ab" for text, _ in complete_phrase(pieces_model, "a ", n=4, words=2))


def test_sizes_below_one_are_refused(word_model):
    with pytest.raises(UsageError, match="n is 0"):
        complete(word_model, "the", n=0)
    for name in ("n", "words", "beam_size"):
        with pytest.raises(UsageError, match=name):
            complete_phrase(word_model, "the", **{name: 0})


def test_words_far_down_are_found_where_the_likely_ones_are_blocked(ngram_folder: Path) -> None:
    model = elman.load(ngram_folder)
    everything = [word for word, _ in model.complete("Anna ", n=10_000).words]
    blocked = everything[: len(everything) - 1]
    assert [word for word, _ in model.complete("Anna ", n=1, block=blocked).words] == everything[-1:]


# Other spellings, unknown prompts, repeats.


@pytest.fixture
def cased_model(make_table, make_tokenizer):
    tokenizer = make_tokenizer("word", "Can Candle can't Please I we'll the The NASA you.")
    rows = {
        None: {
            " Can": 0.25,
            " Candle": 0.125,
            " Please": 0.25,
            " I": 0.125,
            " The": 0.125,
            " we'll": 0.0625,
            "</s>": 0.0625,
        },
        " Can": {" you": 0.75, " Please": 0.25},
        " we'll": {" the": 0.5, " we'll": 0.5},
        " you": {" you": 0.5, " we'll": 0.25, " The": 0.25},
        ".": {" you": 0.5, " The": 0.5},
    }
    return make_table(tokenizer, rows)


def test_a_half_typed_word_that_is_known_in_another_case_is_offered_in_the_typed_one(cased_model):
    for typed, offered in (
        ("CAN", {"CAN": 0.25 / 0.375, "CANDLE": 0.125 / 0.375}),
        ("cAN", {"Can": 0.25 / 0.375, "Candle": 0.125 / 0.375}),
        ("ple", {"please": 1.0}),
        ("pLE", {"Please": 1.0}),
        ("i", {"I": 1.0}),
        ("WE\u2019", {"WE\u2019LL": 1.0}),
        ("we\u02bc", {"we\u02bcll": 1.0}),
    ):
        completion = complete(cased_model, typed)
        assert (completion.partial, completion.unmatched, completion.oov) == (typed, "", []), typed
        assert words(completion) == approx(**offered), typed
    # As it is spelled, there is one: the others are not looked up.
    assert words(complete(cased_model, "Cand")) == approx(Candle=1)


def test_words_before_are_read_in_the_spelling_that_is_known(cased_model):
    completion = complete(cased_model, "CAN ")
    assert completion.oov == [] and words(completion) == approx(you=0.75, Please=0.25)
    assert words(complete(cased_model, "WE\u2019LL ")) == approx(the=0.5, **{"we'll": 0.05})
    assert words(complete(cased_model, "can\nCAN ", repeats=True)) == approx(you=0.75, Please=0.25)


def test_the_last_word_counts_a_tenth(cased_model):
    assert words(complete(cased_model, "you ")) == approx(you=0.05, The=0.25, **{"we'll": 0.25})
    assert words(complete(cased_model, "you y", partial=True)) == approx(you=0.1)
    assert words(complete(cased_model, "you ", repeats=True)) == approx(you=0.5, The=0.25, **{"we'll": 0.25})
    # After a mark it is another sentence; for n words the ones behind it come up.
    assert words(complete(cased_model, "you. ", n=1))["The"] == pytest.approx(0.5)
    assert [word for word, _ in complete(cased_model, "you ", n=2).words] == ["The", "we'll"]


@pytest.mark.parametrize("prompt", ["", "🙂", "Привет", "猫", "zzz", "zzz ", "can zzz", "...", "\n", "  "])
def test_something_is_offered_after_everything(cased_model, char_model, pieces_model, prompt):
    for model in (cased_model, char_model, pieces_model):
        for partial in (None, True, False):
            assert complete(model, prompt, partial=partial).words, (model.tokenizer.config.level, partial)
        assert complete_phrase(model, prompt)


def test_letters_are_found_in_the_case_that_the_model_writes(make_table, make_tokenizer):
    tokenizer = make_tokenizer("char", "abAB ")
    rows = {
        None: {"a": 0.9998, "A": 0.0001, "</s>": 0.0001},
        "a": {"b": 1.0},
        "A": {"B": 1.0},
        "b": {" ": 0.75, "a": 0.25},
        "B": {"</s>": 1.0},
        " ": {"a": 1.0},
    }
    found = complete(make_table(tokenizer, rows), "A", n=2, partial=True)
    assert found.partial == "A" and words(found) == approx(Ab=0.75, Abab=0.25 * 0.75)


def test_no_word_ends_inside_a_visible_character(make_table, make_tokenizer):
    tokenizer = make_tokenizer("char", "👩\u200d🚀👍🏽🇩🇪a ")
    rows = {
        None: {"👩": 0.25, "👍": 0.25, "🇩": 0.25, "🏽": 0.125, "a": 0.125},
        "👩": {"\u200d": 0.5, "</s>": 0.5},
        "👍": {"🏽": 1.0},
        "🇩": {"🇪": 1.0},
        "🇪": {"</s>": 1.0},
        "🏽": {"</s>": 1.0},
        "a": {"</s>": 1.0},
    }
    found = complete(make_table(tokenizer, rows), "", n=9)
    # A woman by herself, where the model ends it there; a thumb with its colour, a whole flag.
    assert words(found) == approx(**{"👩": 0.125, "a": 0.125, "👍🏽": 0.25, "🇩🇪": 0.25})
