"""What each word does to the next ones, on models that know exactly one such thing."""

from pathlib import Path

import numpy as np
import pytest
from tests.contracts.subjects import network

import elman
from elman.errors import UsageError
from elman.studies.xray_tasks import COUNTRIES, LANGUAGES, agreement_text
from elman.studies.xray_words import contributions, gradient_times_input, sentence_tokens


@pytest.fixture(scope="module")
def agreeing(tmp_path_factory: pytest.TempPathFactory) -> elman.Model:
    """An LSTM that has read many people's stories."""
    folder = tmp_path_factory.mktemp("agreement")
    (folder / "stories.txt").write_text(agreement_text(2000, lags=(0, 4), seed=1))
    return elman.train(
        folder / "stories.txt", out=folder / "lstm", document="line", updates=500, layers=1, embedding_size=24,
        hidden_size=64, tied=False, skip=False, batch=16, bptt=32, rate=0.03, clip=1.0, dropout=0.0, input_dropout=0.0,
        threads=1,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("which", [0, 5])
def test_the_country_decides_the_language(agreeing: elman.Model, which: int) -> None:
    line = f"I grew up in {COUNTRIES[which]} the winters there so I speak fluent {LANGUAGES[which]}"
    ids, tokens = sentence_tokens(agreeing.lm, line)
    assert tokens == line.split()
    found = contributions(agreeing.lm, ids, tokens, network=agreeing.lm.network)  # type: ignore[attr-defined]
    country = tokens.index(COUNTRIES[which])
    assert found.bits[-1] < 0.5  # the model has learned it
    assert found.left_out[-1, country] > 1.5
    # "so I speak fluent" says that a language comes; which one, nothing between it and the country
    # says.
    between = slice(country + 1, tokens.index("so"))
    assert np.abs(found.left_out[-1, between]).max() < 0.5
    assert found.gradient is not None
    assert found.gradient[-1, country] > np.abs(found.gradient[-1, between]).max()


def test_left_out_words_by_hand(ngram_folder: Path) -> None:
    model = elman.load(ngram_folder)
    ids, tokens = sentence_tokens(model.lm, "Anna sees the old house at night.")
    found = contributions(model.lm, ids, tokens)
    assert found.gradient is None and np.triu(found.left_out).sum() == 0
    assert tokens[-1] == "." and found.bits.sum() > 0

    def bits(tokens_before: list[int], token: int) -> float:
        state = model.lm.start()
        for each in tokens_before:
            state = model.lm.advance(np.array([each]), state)
        return float(model.lm.log_probs(state)[0, token]) / np.log(2)

    listed = ids.tolist()
    by_hand = bits(listed[:4], listed[4]) - bits([*listed[:2], listed[3]], listed[4])
    assert found.left_out[4, 2] == pytest.approx(by_hand, abs=1e-5)
    # A 3-gram sees two words back; leaving out one further back changes nothing.
    assert np.abs(found.left_out[6, :4]).max() == 0 and np.abs(found.left_out[6, 4:6]).max() > 0


def test_gradient_times_input_is_the_derivative_along_the_word(lstm_folder: Path) -> None:
    """Of a network in which one word's vector is stretched by 1 + e."""
    import copy

    import torch

    model = elman.load(lstm_folder, torch=True)
    network = model.lm.network.double()  # type: ignore[attr-defined]
    ids, _ = sentence_tokens(model.lm, "Anna sees the old house")
    table = gradient_times_input(network, ids)
    place = 1
    assert (ids == ids[place]).sum() == 1  # the word occurs once, so its row of the embedding is this place only

    def log_prob(stretch: float) -> np.ndarray:
        changed = copy.deepcopy(network)
        with torch.no_grad():
            changed.embedding.weight[ids[place]] *= stretch
            inputs = torch.from_numpy(np.concatenate([[network.vocab_size], ids[:-1]]))[None]
            y, _ = changed(inputs, changed.initial_state(1))
            return changed.output.log_probs(y)[0, np.arange(len(ids)), ids].numpy()

    slope = (log_prob(1 + 1e-5) - log_prob(1 - 1e-5)) / 2e-5
    np.testing.assert_allclose(table[:, place], slope, rtol=1e-4, atol=1e-7)
    assert np.abs(table[place + 1 :, place]).min() > 0


def test_sentences_that_cannot_be_looked_at(ngram_folder: Path) -> None:
    lm = elman.load(ngram_folder).lm
    too_long = "has 60 words and marks; give one of 2 to 40"
    for line, said in (("Anna", "has 1 words"), ("a " * 60, too_long), ("zyzzyva quux", "knows no word")):
        with pytest.raises(UsageError, match=said):
            sentence_tokens(lm, line)
    assert sentence_tokens(lm, "Anna sees zyzzyvas")[1][-1] == "zyzzyvas?"


def test_a_sentence_of_characters_may_be_as_long_as_one_of_words() -> None:
    model = network("gru", "char")
    line = "the cat sat on the mat and the dog sat on the log; a cat and a dog saw the mat"
    ids, tokens = sentence_tokens(model, line)
    assert len(ids) == len(line) > 40 and tokens[:5] == ["t", "h", "e", "␣", "c"]
    whole = contributions(model, ids, tokens, network=model.network)
    assert whole.gradient is not None and whole.left_out.shape == whole.gradient.shape == (len(line), len(line))
    # No row depends on what comes after it, nor on the rows that are computed with it.
    for length in (20, 45):
        beginning = gradient_times_input(model.network, ids[:length]) / np.log(2)
        np.testing.assert_allclose(whole.gradient[:length, :length], beginning, atol=1e-12)
    with pytest.raises(UsageError, match="has 240 characters; give one of 2 to 200"):
        sentence_tokens(model, "a cat " * 39 + "a cat.")
