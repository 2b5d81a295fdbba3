"""Vectors by counting: positive pointwise mutual information and its best approximation of rank D.

    M[v, w] = max(0, ln P(v, w) / (P(v) P'(w)) - ln shift),    P'(w) proportional to P(w)^power,

and M = U S V', of which each word gets its row of U S^scale (Levy, Goldberg and Dagan 2015). The
approximation is found from a random start by a few products with M and M' (Halko, Martinsson and
Tropp 2011). M is sparse; it is multiplied by compiled loops, row by row.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from elman.models.vectors.cooccurrence import PairCounts
from elman.models.vectors.sampling import compiled
from elman.models.vectors.skipgram import fast

POWERS = 3
"""How often the start is multiplied by M M'."""
_SPARE = 16
"""Columns more than asked for, which make the approximation better."""

Matrix = NDArray[np.float32]


def _in_memory(name: str, length: int) -> Matrix:
    return np.empty(length, np.float32)


def ppmi_values(
    pairs: PairCounts, *, power: float, shift: float, space: Callable[[str, int], Matrix] = _in_memory
) -> tuple[Matrix, Matrix]:
    """The values of M and of its transpose at the places of ``pairs``, in arrays that ``space``
    makes."""
    counts = _sums(pairs.starts, pairs.counts)
    smooth = np.where(counts > 0, counts, 1) ** power * (counts > 0)
    with np.errstate(divide="ignore"):  # of words that stand near no other
        words, contexts = np.log(counts), np.log(smooth) - np.log(smooth.sum()) + np.log(shift)
    plain, turned = (space(name, len(pairs.counts)) for name in ("plain", "turned"))
    _information(pairs.starts, pairs.columns, pairs.counts, words, contexts, plain, turned)
    return plain, turned


def factorised(
    pairs: PairCounts,
    *,
    size: int,
    power: float,
    shift: float,
    scale: float,
    seed: int,
    threads: int = 1,
    space: Callable[[str, int], Matrix] = _in_memory,
    advance: Callable[[int], None] = lambda amount: None,
) -> Matrix:
    """A vector for each word, ``[V, D]``.

    Args:
        space: makes an array of a length for the values of the matrix.
        advance: called after each of ``2 * POWERS + 2`` products.
    """
    vocab = len(pairs.starts) - 1
    plain, turned = ppmi_values(pairs, power=power, shift=shift, space=space)
    edges = np.searchsorted(pairs.starts, np.linspace(0, pairs.starts[-1], threads + 1)[1:-1])
    edges = np.concatenate([[0], edges, [vocab]])

    def product(values: Matrix, dense: Matrix) -> Matrix:
        result = np.zeros_like(dense)
        with ThreadPoolExecutor(threads) as pool:
            parts = zip(edges[:-1], edges[1:], strict=True)
            calls = [pool.submit(multiply, pairs.starts, pairs.columns, values, dense, result, *part) for part in parts]
            for call in calls:
                call.result()
        advance(1)
        return result

    rank = min(size, vocab)
    basis = np.random.default_rng(seed).standard_normal((vocab, min(rank + _SPARE, vocab)), np.float32)
    basis = np.linalg.qr(product(plain, basis))[0]
    for _ in range(POWERS):
        basis = np.linalg.qr(product(turned, basis))[0]
        basis = np.linalg.qr(product(plain, basis))[0]
    # M is nearly Q Q' M, and Q' M = (M' Q)' is small: its left singular vectors turn Q into U.
    triangle = np.asarray(np.linalg.qr(product(turned, basis), mode="r"))
    left, strengths, _ = np.linalg.svd(triangle.T)
    vectors = np.zeros((vocab, size), np.float32)
    vectors[:, :rank] = (basis @ left[:, :rank]) * strengths[:rank] ** scale
    return vectors


@compiled
def _sums(starts, counts):
    """The sums of rows, which are those of columns too."""
    sums = np.zeros(len(starts) - 1)
    for row in range(len(sums)):
        for at in range(starts[row], starts[row + 1]):
            sums[row] += counts[at]
    return sums


@compiled
def _information(starts, columns, counts, words, contexts, plain, turned):
    for row in range(len(starts) - 1):
        for at in range(starts[row], starts[row + 1]):
            column, count = columns[at], np.log(np.float64(counts[at]))
            plain[at] = max(0.0, count - words[row] - contexts[column])
            turned[at] = max(0.0, count - words[column] - contexts[row])


@fast
def multiply(starts, columns, values, dense, result, first, last):
    """Rows ``first`` to ``last`` of a sparse matrix times a dense one."""
    size = dense.shape[1]
    for row in range(first, last):
        for at in range(starts[row], starts[row + 1]):
            column, value = columns[at], values[at]
            if value != 0:
                for i in range(size):
                    result[row, i] += value * dense[column, i]
