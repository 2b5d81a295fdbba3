"""The engine's tagger against the network in torch."""

from typing import Any

import numpy as np
import pytest
import torch

from elman.data.vocabulary import Vocabulary
from elman.errors import FolderError
from elman.inference.engine import Engine, along
from elman.inference.interpreter import Interpreter
from elman.inference.tagger import InferenceTagger, InferenceTaggerConfig, WordTable, inference_tagger
from elman.models.tagger import TaggerNetwork
from elman.models.tagger_config import TaggerConfig
from elman.models.word_features import WordFeatures

SMALL: dict[str, Any] = {"embedding_size": 6, "subword_size": 4, "buckets": 50, "hidden_size": 5}
KINDS: dict[str, dict[str, Any]] = {
    "lstm": {},
    "two layers": {"cell": "gru", "layers": 2},
    "one direction": {"cell": "mingru", "bidirectional": False},
    "convolution": {"characters": "conv"},
    "character lstm": {"characters": "lstm"},
    "no characters": {"characters": "none"},
    "one-hot": {"input": "one-hot"},
    "window": {"cell": "conv", "window": 3},
    "crf": {"cell": "rnn", "crf": True},
}
WORDS = ["the", "bank", "opened", "on"]
GROUPS = ["embedding", "subwords", "output", "forward.layers.0", "backward.layers.0"]


def sentences(seed: int, count: int) -> list[list[str]]:
    rng = np.random.default_rng(seed)
    known = [*WORDS, "Bank", "never", "unseen", "x", "1984"]
    return [[str(word) for word in rng.choice(known, size)] for size in rng.integers(0, 9, count)]


def made(**settings: Any) -> tuple[TaggerNetwork, WordFeatures]:
    torch.manual_seed(2)
    config = TaggerConfig(**{**SMALL, **settings})
    features = WordFeatures(Vocabulary(WORDS, [4, 3, 2, 1]), config)
    network = TaggerNetwork(config, features.size, 3).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(0, 0.5)
    return network, features


def by_torch(
    network: TaggerNetwork, features: WordFeatures, words: list[str], contexts: np.ndarray | None = None
) -> np.ndarray:
    from elman.models.sentence_batch import SentenceBatch

    numbers, ids = np.arange(len(words))[None], features.ids(words)[None]
    data = SentenceBatch(ids, numbers, np.array([len(words)]), *features.pieces(words), ids)
    data = data._replace(contexts=None if contexts is None else contexts[None])
    with torch.no_grad():
        return network.emissions(data)[0].numpy()


@pytest.mark.parametrize("settings", KINDS.values(), ids=KINDS)
def test_scores_are_those_of_torch(settings: dict[str, Any]) -> None:
    network, features = made(**settings)
    tagger = inference_tagger(network.to_arrays(), network.config, features, outputs=3, int8=())
    several = sentences(0, 40)
    for words, found in zip(several, tagger.scores(several), strict=True):
        assert found.shape == (len(words), 3)
        if words:
            np.testing.assert_allclose(found, by_torch(network, features, words), atol=2e-5)


@pytest.mark.parametrize(
    "settings", [{}, {"characters": "none"}, {"input": "one-hot"}, {"bidirectional": False}], ids=str
)
def test_scores_with_language_models_are_those_of_torch(settings: dict[str, Any]) -> None:
    network, features = made(language_size=5, context_size=3, **settings)
    arrays, config = network.to_arrays(), network.config
    tagger = inference_tagger(arrays, config, features, outputs=3, int8=())
    small = inference_tagger(arrays, config, features, outputs=3, int8=[*GROUPS, "context"])
    several, rng = sentences(3, 30), np.random.default_rng(3)
    contexts = [rng.normal(size=(len(words), 5)).astype(np.float32) for words in several]
    found = tagger.scores(several, contexts)
    for words, given, own in zip(several, contexts, found, strict=True):
        if words:
            np.testing.assert_allclose(own, by_torch(network, features, words, given), atol=2e-5)
            assert np.array_equal(tagger.scores([words], [given])[0], own)
            alone = small.scores([words], [given])[0]
            np.testing.assert_allclose(alone, own, atol=0.3)
    again = InferenceTagger(small.to_arrays(), small.config, features)
    for one, other in zip(small.scores(several, contexts), again.scores(several, contexts), strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("int8", [(), GROUPS], ids=["fp32", "int8"])
def test_one_sentence_and_many_give_the_same_bits(int8: list[str]) -> None:
    network, features = made()
    arrays = network.to_arrays()
    together = inference_tagger(arrays, network.config, features, outputs=3, int8=int8)
    alone = inference_tagger(arrays, network.config, features, outputs=3, int8=int8)
    several = sentences(1, 70)
    found = together.scores(several)
    for words, own in reversed(list(zip(several, found, strict=True))):
        assert np.array_equal(alone.scores([words])[0], own)


@pytest.mark.parametrize("characters", ["ngrams", "conv", "lstm"])
def test_8_bits_are_close_and_come_back_from_their_arrays(characters: str) -> None:
    network, features = made(crf=True, characters=characters)
    arrays, config = network.to_arrays(), network.config
    exact, small = (inference_tagger(arrays, config, features, outputs=3, int8=some) for some in ((), GROUPS))
    several = sentences(2, 20)
    again = InferenceTagger(small.to_arrays(), small.config, features)
    for one, other, third in zip(*(each.scores(several) for each in (exact, small, again)), strict=True):
        np.testing.assert_allclose(one, other, atol=0.2)
        assert np.array_equal(other, third)
    stored = small.to_arrays()
    assert any(array.dtype == np.int8 for name, array in stored.items() if name.startswith("subwords."))
    assert small.precision == "int8"
    assert np.array_equal(again.crf["crf.transitions"], arrays["crf.transitions"])


def test_damaged_weights_are_refused() -> None:
    network, features = made(crf=True)
    arrays = network.to_arrays()
    settings = InferenceTaggerConfig(network=network.config.to_json(), vocab_size=features.size, outputs=3, int8=[])
    for name in ("subwords.weight", "crf.end", "output.weight"):
        for damaged in (arrays[name][1:], np.full_like(arrays[name], np.nan), arrays[name].astype(np.float64)):
            with pytest.raises(FolderError):
                InferenceTagger({**arrays, name: damaged}, settings, features)
        with pytest.raises(FolderError):
            InferenceTagger({key: array for key, array in arrays.items() if key != name}, settings, features)


def test_a_step_along_a_table_is_that_of_the_interpreter() -> None:
    network, features = made(layers=2)
    tagger = inference_tagger(network.to_arrays(), network.config, features, outputs=3, int8=())
    function = tagger.program["forward.step"]
    rng = np.random.default_rng(0)
    table = rng.normal(size=(7, function.inputs["hoisted"])).astype(np.float32)
    tokens, lengths = rng.integers(0, 7, (5, 4)), np.array([2, 4, 0, 1, 4])
    fresh = np.zeros(tokens.shape, np.bool_)
    fresh[1, 2] = True
    names = [name for name in tagger.program.states if name.startswith("forward.")]
    state = {name: rng.normal(size=(5, tagger.program.states[name])).astype(np.float32) for name in names}
    how = {"top": "token", "table": ("hoisted", table)}
    slow = along(Interpreter(function, tagger.weights), tokens, lengths, fresh, state, **how)
    fast = Engine(function, tagger.weights).along(tokens, lengths, state, fresh=fresh, **how)
    np.testing.assert_allclose(fast[0], slow[0], atol=1e-5)
    for name in names:
        np.testing.assert_allclose(fast[1][name], slow[1][name], atol=1e-5)


def test_words_are_computed_once_and_the_table_is_bounded() -> None:
    asked: list[str] = []

    def compute(words: list[str]) -> dict[str, np.ndarray]:
        asked.extend(words)
        return {"a": np.array([[len(word)] for word in words or [""]], np.float32)}

    table = WordTable(compute, kept=6)
    for words in (["ab", "c", "ab"], ["c", "def"], ["g" * 4, "ab"], ["h" * 5, "i" * 6, "j" * 7], ["ab"]):
        vectors, rows = table.look_up(words)
        assert vectors["a"][rows, 0].tolist() == [len(word) for word in words]
    assert asked[:4] == ["ab", "c", "def", "g" * 4] and asked[-1] == "ab"  # begun anew after the seventh word
