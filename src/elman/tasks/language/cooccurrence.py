"""Vectors for types from their neighbours, computed before the first update.

A network that starts from random vectors spends its first hundreds of updates on finding out which
types are alike. Counting finds out in seconds: the positive pointwise mutual information of all
pairs within a few tokens,

    M[v, w] = max(0, ln P(v, w) / (P(v) P'(w))),    P'(w) proportional to P(w)^0.75,

with a pair k tokens apart counted 1/k times, and its best approximation of rank E, M = U S U',
gives each type the row of U sqrt(S) (Levy, Goldberg and Dagan 2015). The approximation is found by
a random start and a few products (Halko, Martinsson and Tropp 2011); its axes are then turned at
random, so that no unit is special.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_WINDOW = 4
_MOST_TOKENS = 2_000_000
"""From a longer text, pieces spread over all of it with this many tokens in total."""
_PIECE = 10_000
_SMOOTHING = 0.75
_POWERS = 3
_SPARE = 32
"""Additional columns, which make the approximation better."""
_SIZE = 0.3
"""Root mean square of a frequent type's numbers: large enough to matter through the first weights.
"""


def cooccurrence_vectors(ids: NDArray[np.integer], *, vocab: int, size: int, seed: int) -> NDArray[np.float32]:
    """A vector for each type, ``[V, E]``, from the tokens ``ids[N]`` of a text.

    Types with the same neighbours get vectors of nearly the same direction:

    >>> text = np.array([0, 2, 4, 1, 3, 5, 0, 3, 4, 1, 2, 5] * 30)  # 2 and 3 are used alike, 0 and 5 are not
    >>> vectors = cooccurrence_vectors(text, vocab=6, size=3, seed=1)
    >>> unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    >>> bool(unit[2] @ unit[3] > 0.9 > unit[0] @ unit[5])
    True
    """
    generator = torch.Generator().manual_seed(seed)
    rank = min(size, vocab)
    table = _information(_pieces(ids), vocab)
    basis = torch.randn(vocab, min(rank + _SPARE, vocab), generator=generator)
    for _ in range(_POWERS):
        basis = torch.linalg.qr(torch.sparse.mm(table, basis))[0]
    values, turned = torch.linalg.eigh(basis.T @ torch.sparse.mm(table, basis))
    strongest = values.abs().argsort(descending=True)[:rank]
    vectors = (basis @ turned[:, strongest]) * values[strongest].abs().sqrt()
    axes = torch.linalg.qr(torch.randn(size, size, generator=generator))[0]
    vectors = vectors @ axes[:rank]
    norms = vectors.norm(dim=1, keepdim=True)
    # Nearly unit length, but types that were hardly ever seen stay small.
    vectors = vectors / (norms + 0.1 * norms.median()).clamp(min=1e-12)
    return (vectors * (_SIZE * size**0.5)).numpy()


def _pieces(ids: NDArray[np.integer]) -> list[NDArray[np.int64]]:
    if len(ids) <= _MOST_TOKENS:
        return [np.asarray(ids, np.int64)]
    starts = np.linspace(0, len(ids) - _PIECE, _MOST_TOKENS // _PIECE).astype(np.int64)
    return [np.asarray(ids[start : start + _PIECE], np.int64) for start in starts]


def _information(pieces: list[NDArray[np.int64]], vocab: int) -> Tensor:
    """The symmetric sparse matrix M."""
    pairs, counts = np.empty(0, np.int64), np.empty(0)
    for distance in range(1, _WINDOW + 1):
        found = [piece[:-distance] * vocab + piece[distance:] for piece in pieces if len(piece) > distance]
        new, times = np.unique(np.concatenate([*found, pairs[:0]]), return_counts=True)
        pairs, places = np.unique(np.concatenate([pairs, new]), return_inverse=True)
        counts = np.bincount(places, weights=np.concatenate([counts, times / distance]), minlength=len(pairs))
    both, places = np.unique(np.concatenate([pairs, pairs % vocab * vocab + pairs // vocab]), return_inverse=True)
    counts = np.bincount(places, weights=np.concatenate([counts, counts]))
    rows, columns = both // vocab, both % vocab
    totals = np.bincount(rows, weights=counts, minlength=vocab)
    smooth = totals**_SMOOTHING
    smooth /= max(smooth.sum(), 1e-12)
    information = np.log(counts / (totals[rows] * smooth[columns]))
    # P' favours no side: both halves of a pair are smoothed in turn, which keeps the matrix
    # symmetric.
    information = 0.5 * (information + np.log(counts / (totals[columns] * smooth[rows])))
    kept = information > 0
    places = torch.from_numpy(np.stack([rows[kept], columns[kept]]))
    values = torch.from_numpy(information[kept].astype(np.float32))
    return torch.sparse_coo_tensor(places, values, (vocab, vocab), check_invariants=False).coalesce()
