"""Words by the rules, and as a model reads them."""

from pathlib import Path

import pytest

import elman
from elman.apps.text_rules import TextRules, encode_lines
from elman.text.speller import Speller
from elman.text.tokenizer import EOS_ID, UNK_ID, Tokenizer, TokenizerConfig

LINE = "[noise] Well, it's <unk> - <laugh> O'Neill's ++uh++ (so-called) {breath} -pau- 3.5!"


@pytest.mark.parametrize(
    ("rules", "wanted"),
    [
        ({}, "Well, it's <unk> - O'Neill's (so-called) 3.5!"),
        ({"marks": True}, LINE),
        ({"lowercase": True}, "well, it's <unk> - o'neill's (so-called) 3.5!"),
        ({"punctuation": False}, "Well it's <unk> O'Neill's so-called 3 5"),
        ({"unk": "<laugh>"}, "Well, it's - <laugh> O'Neill's (so-called) 3.5!"),
        ({"unk": "UNK", "lowercase": True}, "well, it's - o'neill's (so-called) 3.5!"),
    ],
)
def test_what_counts_as_a_word(rules: dict[str, object], wanted: str) -> None:
    assert TextRules.from_json(rules).words(LINE) == wanted.split()


def test_a_recogniser_s_unknown_word_is_the_model_s() -> None:
    lines = ["the cat sat", "the dog sat"]
    for pretokenized in (False, True):
        words = Tokenizer.fit(lines, config=TokenizerConfig(min_count=1, pretokenized=pretokenized))
        speller = Speller.fit({" cat": 1, " dog": 2})
        known, mark, strange = encode_lines(
            words, speller, [["the", "cat"], ["the", "[oov]"], ["the", "zebra"]], unk="[oov]"
        )
        assert known.ids.tolist() == [*words.encode("the cat").ids, EOS_ID] and known.spelling == 0
        assert mark.ids[-2:].tolist() == [UNK_ID, EOS_ID] and len(mark.ids) == 3 and mark.spelling == 0
        assert strange.ids.tolist() == mark.ids.tolist() and strange.spelling == speller.nats(" zebra")
        assert encode_lines(words, None, [["the", "zebra"]])[0].spelling == 0


def test_where_every_text_is_known_an_unknown_word_is_left_out() -> None:
    letters = Tokenizer.fit(["the cat sat"], config=TokenizerConfig(level="byte"))
    one, other, empty = encode_lines(letters, Speller.fit({}), [["the", "<unk>", "cat"], ["the", "cat"], []])
    assert one.ids.tolist() == other.ids.tolist()
    assert empty.ids.tolist() == [EOS_ID]


def test_costs_are_those_of_scoring_lines(ngram_folder: Path) -> None:
    model = elman.load(ngram_folder)
    for line in ("Anna sees zyzzyvas at night.", "", "the old house"):
        (encoded,) = encode_lines(model.lm.tokenizer, model.speller, [line.split()])
        found = model.lm.score(encoded.ids[None], [len(encoded.ids)], model.lm.start())[0].sum() - encoded.spelling
        assert found == pytest.approx(model.score(line).log_prob, rel=1e-5)
