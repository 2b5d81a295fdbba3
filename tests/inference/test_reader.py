"""The engine's reader against the network in torch; the choice of spans against all of them."""

from typing import Any

import numpy as np
import pytest
import torch

from elman.data.vocabulary import Vocabulary
from elman.errors import FolderError, ModelError
from elman.inference.answer_spans import best_span
from elman.inference.reader import InferenceReader, inference_reader
from elman.inference.reader_precision import measured_reader
from elman.inference.weights import groups_of
from elman.models.reader import ReaderNetwork
from elman.models.reader_batch import ReaderBatch
from elman.models.reader_config import ReaderConfig
from elman.models.reader_features import match_features
from elman.models.word_features import WordFeatures

SMALL: dict[str, Any] = {
    "embedding_size": 6, "subword_size": 4, "buckets": 50, "hidden_size": 5, "align_size": 3, "unanswerable": True,
}  # fmt: skip
KINDS: dict[str, dict[str, Any]] = {
    "lstm": {},
    "two layers": {"cell": "gru", "layers": 2},
    "one direction": {"cell": "mingru", "bidirectional": False},
    "window": {"cell": "conv", "window": 3},
    "attention": {"cell": "transformer", "window": 4},
    "answers always": {"unanswerable": False},
}
WORDS = ["the", "bank", "opened", "on"]
Pairs = list[tuple[list[str], list[str]]]


def pairs(seed: int, count: int) -> Pairs:
    rng = np.random.default_rng(seed)
    known = [*WORDS, "Bank", "never", "unseen", "x", "1984"]
    sizes = rng.integers(0, 9, (count, 2))
    return [([str(w) for w in rng.choice(known, a)], [str(w) for w in rng.choice(known, b)]) for a, b in sizes]


def made(**settings: Any) -> tuple[ReaderNetwork, WordFeatures]:
    torch.manual_seed(2)
    config = ReaderConfig(**{**SMALL, **settings})
    features = WordFeatures(Vocabulary(WORDS, [4, 3, 2, 1]), config.words)
    network = ReaderNetwork(config, features.size).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(0, 0.5)
    return network, features


def by_torch(network: ReaderNetwork, features: WordFeatures, question: list[str], passage: list[str]) -> Any:
    words = [*question, *passage, "padding"]
    numbers = np.arange(len(words))
    asked, read = (np.append(part, -1) for part in np.split(numbers[:-1], [len(question)]))
    lengths = np.array([len(question)]), np.array([len(passage)])
    matches = np.concatenate([match_features(question, passage), np.zeros((1, 4), np.float32)])
    data = ReaderBatch(
        asked[None], lengths[0], read[None], lengths[1], matches[None], np.zeros((1, 2), np.int64),
        features.ids(words), *features.pieces(words),
    )  # fmt: skip
    with torch.no_grad():
        return [scores[0, : 1 + len(passage)].numpy() for scores in network.scores(data)]


@pytest.mark.parametrize("settings", KINDS.values(), ids=KINDS)
def test_scores_are_those_of_torch_whatever_is_read_together(settings: dict[str, Any]) -> None:
    network, features = made(**settings)
    reader = inference_reader(network.to_arrays(), network.config, features, int8=())
    several = pairs(0, 30)
    together = reader.scores(several)
    for pair, found in zip(several, together, strict=True):
        for one, other in zip(found, by_torch(network, features, *pair), strict=True):
            np.testing.assert_allclose(one, other, atol=5e-5)
    for number in (3, 7, 11):
        (alone,) = reader.scores([several[number]])
        assert all(np.array_equal(one, other) for one, other in zip(alone, together[number], strict=True))


def test_in_8_bits_scores_are_near_and_the_same_alone_and_stored() -> None:
    network, features = made()
    groups = groups_of(network.to_arrays())
    assert {"align", "attention", "combine", "embedding", "first", "last", "passage", "question", "subwords"} == {
        *groups
    }
    reader = inference_reader(network.to_arrays(), network.config, features, int8=groups)
    plain = inference_reader(network.to_arrays(), network.config, features, int8=())
    assert (reader.precision, plain.precision) == ("int8", "fp32")
    stored = InferenceReader(reader.to_arrays(), reader.config, features)
    several = pairs(1, 20)
    for number, found in enumerate(reader.scores(several)):
        (alone,), exact = stored.scores([several[number]]), plain.scores([several[number]])[0]
        for one, other, third in zip(found, alone, exact, strict=True):
            assert np.array_equal(one, other)
            np.testing.assert_allclose(one, third, atol=0.5)
            assert not np.array_equal(one, third)


def test_other_weights_are_refused() -> None:
    network, features = made()
    arrays = network.to_arrays()
    for name in ("combine.weight", "subwords.weight", "question.forward.layers.0.weight_hh", "first.weight"):
        with pytest.raises(FolderError, match=name):
            inference_reader({**arrays, name: arrays[name][:-1]}, network.config, features, int8=())


@pytest.mark.slow
def test_the_precision_is_measured_against_the_network() -> None:
    network, features = made()
    several = [pair for pair in pairs(4, 40) if pair[1]]
    scores = [tuple(by_torch(network, features, *pair)) for pair in several]
    answers = np.array([best_span(each, 15)[:2] for each in scores])
    found = measured_reader(
        network.to_arrays(), network.config, features, pairs=several, scores=scores, answers=answers
    )
    about = found.parity["int8"]
    assert found.parity["fp32"]["largest_difference"] < 1e-4 and about["equal_predictions"] >= 0.99
    assert found.network.precision == found.parity["precision"]
    with pytest.raises(ModelError, match="differ"):
        measured_reader(
            network.to_arrays(), network.config, features, pairs=several,
            scores=[(first + 1, last) for first, last in scores], answers=answers,
        )  # fmt: skip


@pytest.mark.parametrize("most", [1, 3, 20])
def test_the_best_span_is_the_best_of_all(most: int) -> None:
    rng = np.random.default_rng(most)
    for words in (1, 2, 9):
        first, last = rng.normal(size=(2, words + 1))
        every = {(a, b): first[a] + last[b] for a in range(1, words + 1) for b in range(a, min(a + most, words + 1))}
        found = best_span((first, last), most)
        assert (found.first, found.last) == max(every, key=lambda span: every[span])
        assert found.score == pytest.approx(max(every.values()) - first[0] - last[0])
        shares = [np.exp(each) / np.exp(each).sum() for each in (first, last)]
        assert found.probability == pytest.approx(shares[0][found.first] * shares[1][found.last])
        assert found.answers == (found.score > 0)


def test_a_passage_without_words_has_no_answer() -> None:
    found = best_span((np.zeros(1, np.float32), np.zeros(1, np.float32)), 15)
    assert found == (0, 0, -np.inf, 0.0) and not found.answers
