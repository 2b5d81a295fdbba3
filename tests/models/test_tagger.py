"""The network of a tagger: padding, word dropout, losses."""

import numpy as np
import pytest
import torch

from elman.models.sentence_batch import SentenceBatch
from elman.models.tagger import SubwordBag, TaggerDrops, TaggerNetwork
from elman.models.tagger_config import TaggerConfig
from elman.nn.dropout import Masks

CONFIG = TaggerConfig(cell="gru", embedding_size=4, subword_size=3, buckets=11, hidden_size=5)


def batch(ids: list[list[int]], *, extra: int = 0) -> SentenceBatch:
    """Sentences of word ids; word n has the n-grams n .. 2n (mod 11)."""
    lengths = np.array([len(row) for row in ids])
    padded = np.full((len(ids), lengths.max() + extra), 2)
    for row, own in enumerate(ids):
        padded[row, : len(own)] = own
    different, numbers = np.unique(padded, return_inverse=True)
    pieces = [np.arange(word, 2 * word + 1) % 11 if word else np.arange(0) for word in different]
    starts = np.cumsum([0, *map(len, pieces)])
    return SentenceBatch(padded, numbers.reshape(padded.shape), lengths, starts, np.concatenate(pieces), padded % 3)


def network(**settings: object) -> TaggerNetwork:
    torch.manual_seed(1)
    made = TaggerNetwork(CONFIG.replace(**settings), 7, 3)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.normal_(0, 0.5)
    return made


@pytest.mark.parametrize("crf", [False, True])
def test_padding_changes_neither_scores_nor_loss_nor_gradients(crf: bool) -> None:
    made, rows, found = network(crf=crf), [[1, 5, 0], [3], [], [6, 6, 2, 4]], []
    for extra in (0, 3):
        made.zero_grad()
        data = batch(rows, extra=extra)
        loss = made.loss(data, ())
        (loss.total / loss.count).backward()
        real = np.arange(data.ids.shape[1]) < data.lengths[:, None]
        gradients = [p.grad.to_dense() for p in made.parameters() if p.grad is not None]
        found.append((made.emissions(data)[torch.from_numpy(real)], loss.total, *gradients))
    assert len(found[0]) == len(found[1]) > 10
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


def test_the_loss_of_a_softmax_is_the_sum_of_its_words() -> None:
    made, data = network(), batch([[1, 5, 0], [3]])
    scores = made.emissions(data).log_softmax(-1)
    expected = -(scores[0, 0, 1] + scores[0, 1, 2] + scores[0, 2, 0] + scores[1, 0, 0])
    loss = made.loss(data, ())
    torch.testing.assert_close(loss.total, expected)
    assert loss.count == 4


def test_tags_that_weigh_twice_count_twice() -> None:
    made, data = network(), batch([[1, 5, 0], [3]])
    one = made.loss(data, ())
    weighed = TaggerNetwork(CONFIG, 7, 3, tag_weights=np.array([2, 1, 1], np.float32))
    weighed.load_state_dict(made.state_dict())
    two = weighed.loss(data, ())
    scores = made.emissions(data).log_softmax(-1)
    torch.testing.assert_close(two.total, one.total - scores[0, 2, 0] - scores[1, 0, 0])
    assert two.count == 6


def test_dropped_words_are_read_as_unknown_and_keep_their_characters() -> None:
    always = TaggerDrops(words=np.array([0, 1, 1, 1, 1, 1, 1, 0], np.float32))
    made = TaggerNetwork(CONFIG, 7, 3, drops=always)
    data = batch([[1, 5, 3]])
    unknown = data._replace(ids=np.zeros_like(data.ids))
    torch.testing.assert_close(made.emissions(data, Masks(1, 1)), made.emissions(unknown))
    assert not torch.allclose(made.emissions(data), made.emissions(unknown))


def test_an_empty_batch_trains_nothing() -> None:
    loss = network(crf=True).loss(batch([[], []], extra=1), ())
    assert loss.total.item() == 0 and loss.count > 0


def test_a_sum_is_that_of_the_n_grams_that_are_not_dropped() -> None:
    bag, keeping = SubwordBag(5000, 3, drop=0.5), SubwordBag(5000, 3)
    keeping.load_state_dict(bag.state_dict())
    buckets, starts = torch.arange(5000), torch.tensor([0, 3000, 3000, 5000])
    kept = Masks(1, 2).uniform(5000) >= 0.5
    first, last = (
        bag.weight[some][kept[some]].sum(0) * kept[some].sum() ** -0.5 for some in (slice(3000), slice(3000, 5000))
    )
    expected = torch.stack([first, torch.zeros(3), last])
    torch.testing.assert_close(bag(starts, buckets, Masks(1, 2)), expected)
    torch.testing.assert_close(bag(starts, buckets), keeping(starts, buckets, Masks(1, 2)))
    assert abs(kept.float().mean() - 0.5) < 0.05
