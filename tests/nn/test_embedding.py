import numpy as np
import pytest
import torch

from elman.errors import UsageError
from elman.nn.dropout import Masks
from elman.nn.embedding import Embedding, OneHot

IDS = torch.tensor([[3, 0, 4], [1, 1, 2]])


def test_one_hot_is_the_embedding_of_the_identity() -> None:
    identity = Embedding(4, 5, vectors=np.eye(5))
    assert torch.equal(OneHot(4)(IDS), identity(IDS))
    assert OneHot(4)(torch.tensor([4])).tolist() == [[0, 0, 0, 0, 1]]
    assert list(OneHot(4).parameters()) == []


def test_rows_are_looked_up_and_only_those_learn() -> None:
    embedding = Embedding(5, 2)
    y = embedding(IDS)
    assert torch.equal(y[0, 2], embedding.weight[4])
    assert torch.equal(y[1, 2], embedding.weight[2])
    y.sum().backward()
    assert embedding.weight.grad is not None
    assert embedding.weight.grad.tolist() == [[1, 1], [2, 2], [1, 1], [1, 1], [1, 1], [0, 0]]
    assert torch.equal(embedding(torch.tensor([1, 5])), embedding.weight[[1, 5]])


def test_vectors_lie_time_first_as_the_recurrences_want_them() -> None:
    assert Embedding(5, 2)(IDS).transpose(0, 1).is_contiguous()


def test_given_vectors_start_the_types_and_the_input_mark_is_drawn() -> None:
    vectors = np.arange(8.0).reshape(4, 2)
    embedding = Embedding(4, 2, vectors=vectors, generator=torch.Generator().manual_seed(1))
    assert embedding.weight[:4].tolist() == vectors.tolist()
    drawn = Embedding(4, 2, generator=torch.Generator().manual_seed(1)).weight
    assert torch.equal(embedding.weight[4], drawn[4])
    assert 0 < drawn.abs().max() <= 0.1
    with pytest.raises(UsageError, match=r"vectors of shape \(3, 2\); this vocabulary needs \(4, 2\)"):
        Embedding(4, 2, vectors=np.zeros((3, 2)))


def test_dropped_types_are_dropped_from_the_weight_itself() -> None:
    embedding = Embedding(4, 3, type_drop=0.5)
    mask = Masks(4, 1).keep(5, drop=0.5)
    thinned = embedding.weight.detach() * mask.unsqueeze(1)
    assert 0 < (mask > 0).sum() < 5
    assert torch.equal(embedding(IDS, Masks(4, 1)), thinned[IDS])
    assert torch.equal(embedding(IDS), embedding.weight[IDS])
