"""Capitals where a sentence begins inside a line, by what the model knows of the beginnings of
lines."""

import numpy as np
import pytest

from elman.decode.completion import complete
from elman.decode.prefix import open_prompt
from elman.decode.sentence_start import mass_at, masses_at
from elman.models.ngram.query import NgramConfig, NgramModel, fit_ngram
from elman.text.tokenizer import EOS_ID, Tokenizer, TokenizerConfig
from elman.text.tokenizer_config import RULES

LINES = ["The cat sat.", "The cat saw Ann.", "They ran.", "Ann saw the cat and their dog.", "NASA knows the cat."]


def fitted(lines: list[str], **settings) -> NgramModel:
    words = Tokenizer.fit(lines, config=TokenizerConfig(min_count=1, rules=RULES, **settings))
    ids = np.array([token for line in lines for token in (*words.encode(line).ids, EOS_ID)] * 9)
    return fit_ngram(ids, np.array([0, len(ids)]), words, config=NgramConfig(order=3))


@pytest.fixture(scope="module")
def model() -> NgramModel:
    return fitted(LINES)


def words_of(model: NgramModel, prompt: str, **settings) -> list[str]:
    return [word for word, _ in complete(model, prompt, **settings).words]


def test_a_blank_after_a_sentence_is_read_as_a_line_end_too(model: NgramModel) -> None:
    ids = model.tokenizer.encode("The cat sat.").ids
    state = model.score(ids[None], np.array([len(ids)]), model.start())[1]
    before, after = (np.exp(model.log_probs(each)[0]) for each in (state, model.advance(np.array([EOS_ID]), state)))
    masses = before + before[EOS_ID] * after
    spaced = np.array([token[:1] == " " and len(token) > 1 for token in model.tokenizer.tokens])
    spaced[0] = True  # an unknown word
    the = model.tokenizer.tokens.index(" The")
    wanted = masses[the] / masses[spaced | (np.array(model.tokenizer.tokens) == " ")].sum()
    assert dict(complete(model, "The cat sat. ", n=20).words)["The"] == pytest.approx(float(wanted), rel=1e-5)
    assert words_of(model, "The cat sat. ", n=4) == words_of(model, "The cat sat.\n", n=4)


@pytest.mark.parametrize(
    ("prompt", "offered"),
    [
        ("it rained. the", {"The", "They", "Their"}),
        ("it rained. th", {"The", "They", "Their"}),
        ("They ran. a", {"Ann", "And"}),
        ("it rained. nas", {"NASA"}),
        ("it rained.  the", {"cat", "dog", "Ann"}),
        ("saw, the", {"cat", "dog", "Ann"}),
        ("saw th", {"the", "their"}),
        ("The cat sat. Th", {"The", "They"}),
        # Small letters at the beginning of a line may be meant.
        ("th", {"The", "They", "the", "their"}),
        ("the", {"The", "They", "the", "their"}),
        ("do", {"dog"}),
    ],
)
def test_the_words_offered(model: NgramModel, prompt: str, offered: set[str]) -> None:
    words = words_of(model, prompt, n=9)
    assert ({*words} == offered) if len(words) < 9 else offered <= {*words}


@pytest.mark.parametrize("prompt", ["", "The cat sat. ", "The cat ", "They ran"])
def test_the_mass_of_one_type_is_that_of_all(model: NgramModel, prompt: str) -> None:
    opened = open_prompt(model, prompt, partial=False)
    assert [mass_at(model, opened, token) for token in range(model.tokenizer.size)] == masses_at(model, opened).tolist()


def test_no_capitals_where_the_model_knows_none() -> None:
    small = fitted(["the cat sat.", "a dog ran.", "Ann ran. a dog sat. the cat."])
    assert words_of(small, "it. the", n=1) == ["cat"]
    assert words_of(small, "it. th") == ["the"]
    titles = fitted(["the cat saw Mr. jones.", "the dog saw Mr. smith."])
    assert {*words_of(titles, "saw Mr. ", n=2)} == {"jones", "smith"}


def test_lower_case_text_has_no_capitals() -> None:
    assert words_of(fitted(LINES, lowercase=True), "it rained. th", n=1) == ["the"]
