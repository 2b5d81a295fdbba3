"""The network of a reader: padding, attention, losses."""

import numpy as np
import pytest
import torch

from elman.models.reader import ReaderNetwork
from elman.models.reader_batch import ReaderBatch
from elman.models.reader_config import ReaderConfig
from elman.models.reader_features import FEATURES, match_features

CONFIG = ReaderConfig(cell="gru", embedding_size=4, subword_size=3, buckets=11, align_size=3, hidden_size=5)


def batch(pairs: list[tuple[list[int], list[int]]], *, extra: int = 0) -> ReaderBatch:
    """Questions and passages of word ids; word n has the n-grams n .. 2n (mod 11)."""
    padded, lengths = [], []
    for side in (0, 1):
        own = [pair[side] for pair in pairs]
        lengths.append(np.array([len(row) for row in own]))
        rows = np.full((len(pairs), max(lengths[-1].max(), 1) + extra), 2)
        for row, ids in enumerate(own):
            rows[row, : len(ids)] = ids
        padded.append(rows)
    features = np.zeros((*padded[1].shape, FEATURES), np.float32)
    for row, (question, passage) in enumerate(pairs):
        features[row, : len(passage)] = match_features(list(map(str, question)), list(map(str, passage)))
    ids = np.arange(7)
    pieces = [np.arange(word, 2 * word + 1) % 11 for word in ids]
    starts = np.cumsum([0, *map(len, pieces)])
    answers = np.array([(min(1, n), min(2, n)) for n in lengths[1]])
    return ReaderBatch(
        padded[0], lengths[0], padded[1], lengths[1], features, answers, ids, starts, np.concatenate(pieces)
    )


def network(**settings: object) -> ReaderNetwork:
    torch.manual_seed(1)
    made = ReaderNetwork(CONFIG.replace(**{"unanswerable": True, **settings}), 7)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.normal_(0, 0.5)
    return made


PAIRS = [([1, 5], [3, 1, 0, 6]), ([], [4, 2]), ([3, 3, 2], []), ([6], [6, 6, 2, 4, 1])]


def test_padding_changes_neither_scores_nor_loss_nor_gradients() -> None:
    made, found = network(), []
    for extra in (0, 3):
        made.zero_grad()
        data = batch(PAIRS, extra=extra)
        loss = made.loss(data, ())
        (loss.total / loss.count).backward()
        real = torch.from_numpy(np.arange(1 + data.passage.shape[1]) <= data.passage_lengths[:, None])
        gradients = [p.grad.to_dense() for p in made.parameters() if p.grad is not None]
        found.append((*(each[real] for each in made.scores(data)), loss.total, *gradients))
    assert len(found[0]) == len(found[1]) == 3 + len(list(made.parameters()))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


def test_the_scores_are_those_of_the_equations() -> None:
    """One pair, with the sums written out."""
    made, data = network(), batch(PAIRS[:1])
    table = made.subwords(torch.from_numpy(data.starts), torch.from_numpy(data.buckets))

    def words(ids: list[int]) -> torch.Tensor:
        rows = [torch.cat([made.embedding.weight[7], torch.zeros(3)])]
        return torch.stack([*rows, *(torch.cat([made.embedding.weight[word], table[word]]) for word in ids)])

    asked, read = words(PAIRS[0][0]), words(PAIRS[0][1])
    keys, queries = (torch.relu(each @ made.align.weight.T + made.align.bias) for each in (asked, read))
    aligned = torch.stack([(q @ keys.T).softmax(0) @ asked for q in queries])
    features = torch.cat([torch.zeros(1, FEATURES), torch.from_numpy(data.features[0])])
    inputs = torch.cat([read, aligned, features], dim=1) @ made.combine.weight.T + made.combine.bias
    tokens = made.passage.read(inputs[None], torch.tensor([5]), None)[0]
    outputs = made.question.read(asked[None], torch.tensor([3]), None)[0]
    question = (outputs @ made.attention.weight[0]).softmax(0) @ outputs
    first, last = made.scores(data)
    torch.testing.assert_close(first[0], tokens @ made.first.weight @ question)
    torch.testing.assert_close(last[0], tokens @ made.last.weight @ question)
    loss = made.loss(data, ())
    torch.testing.assert_close(loss.total, -(first.log_softmax(1)[0, 1] + last.log_softmax(1)[0, 2]))
    assert loss.count == 1


def test_no_answer_has_a_score_only_where_training_had_such_questions() -> None:
    data = batch(PAIRS[:2])
    with_none, without = network(), network(unanswerable=False)
    for one, other in zip(with_none.scores(data), without.scores(data), strict=True):
        assert torch.isfinite(one[:, 0]).all() and torch.isinf(other[:, 0]).all()
        torch.testing.assert_close(one[:, 1:], other[:, 1:])


def test_a_changed_word_of_the_question_changes_scores_everywhere() -> None:
    made = network()
    one, other = (made.scores(batch([(question, [3, 1, 0])]))[0] for question in ([1, 5], [1, 4]))
    assert ((one - other).abs() > 1e-6).all()


def test_matches_by_hand() -> None:
    found = match_features(["Which", "Cities", "opened", "?"], ["cities", "Cities", "city", "opens", "?"])
    assert found[:, :3].astype(int).tolist() == [[0, 1, 1], [1, 1, 1], [0, 0, 0], [0, 0, 1], [1, 1, 1]]
    assert found[:, 3] == pytest.approx([0.4, 0.4, 0.2, 0.2, 0.2])
    assert match_features(["a"], []).shape == (0, FEATURES)
