"""Sequences of tags from scores: the best, the n best, and probabilities, without torch.

The score of tags ``y_1 .. y_T`` is that of ``nn/crf.py``. A softmax has no scores between tags:
then only what is forbidden counts, so that no sequence breaks the rules of its scheme. All in
float64; each sentence is computed by itself up to padding, which changes no bit.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Scores = Sequence[NDArray[np.floating]]
"""The scores of each word's tags, ``[T, K]`` for each sentence."""

_FORBIDDEN = -1e30
"""Below every sum of scores; finite, so that a sentence without any valid sequence has a best
one."""
_NUMBERS = 1 << 22
"""Most numbers ``[B, K, K]`` in memory."""


class LinearChain:
    """Scores of K tags next to each other.

    Args:
        tags: K.
        allowed: which tag may follow which ``[K + 1, K + 1]``, rows first; the last row is the
            start of a sentence, the last column its end. None allows everything.
        transitions: the score of a tag (column) after another ``[K, K]``; default 0.
        begin, end: the score of a tag at the start and at the end of a sentence ``[K]``.

    >>> chain = LinearChain(2, transitions=np.array([[0.0, 2.0], [0.0, 0.0]]))
    >>> chain.best([np.array([[1.0, 0.0], [1.0, 0.0]])])[0].tolist()
    [0, 1]
    """

    def __init__(
        self,
        tags: int,
        *,
        allowed: NDArray[np.bool_] | None = None,
        transitions: NDArray[Any] | None = None,
        begin: NDArray[Any] | None = None,
        end: NDArray[Any] | None = None,
    ) -> None:
        self.tags = tags
        every = np.ones((tags + 1, tags + 1), np.bool_) if allowed is None else allowed
        scores = np.zeros((tags + 1, tags + 1))
        for part, where in ((transitions, np.s_[:-1, :-1]), (begin, np.s_[-1, :-1]), (end, np.s_[:-1, -1])):
            if part is not None:
                scores[where] = part
        self._plain = bool(every[:-1, :-1].all() and every[-1, :-1].all() and every[:-1, -1].all()) and not scores.any()
        scores = np.where(every, scores, _FORBIDDEN)
        self.transitions, self.begin, self.end = scores[:-1, :-1], scores[-1, :-1], scores[:-1, -1]

    def cooled(self, temperature: float) -> "LinearChain":
        """The chain with its scores divided by a temperature; what is forbidden stays so."""
        chain = LinearChain(self.tags)
        chain._plain = self._plain
        for name in ("transitions", "begin", "end"):
            scores = getattr(self, name)
            setattr(chain, name, np.where(scores > _FORBIDDEN / 2, scores / temperature, scores))
        return chain

    def best(self, scores: Scores) -> list[NDArray[np.int64]]:
        """The tags with the largest score of each sentence ``[T]`` (Viterbi)."""
        if self._plain:
            return [np.asarray(each).argmax(axis=1) for each in scores]
        return self._each(scores, self._viterbi)

    def marginals(self, scores: Scores) -> list[Numbers]:
        """The probability of each tag at each word ``[T, K]`` (forward and backward sums)."""
        if self._plain:
            return [_softmax(np.asarray(each, np.float64)) for each in scores]
        return self._each(scores, self._forward_backward)

    def log_partition(self, scores: Scores) -> Numbers:
        """The logarithm of the sum over all sequences, of each sentence; 0 of an empty one."""
        found = self._each(scores, lambda x, lengths: self._sums(x, lengths)[1][:, None])
        return np.array([one[0] if len(one) else 0.0 for one in found])

    def score(self, scores: NDArray[np.floating], tags: Sequence[int]) -> float:
        """The score of one sentence's tags."""
        if not len(tags):
            return 0.0
        words = float(np.asarray(scores, np.float64)[np.arange(len(tags)), tags].sum())
        pairs = sum(float(self.transitions[pair]) for pair in zip(tags, tags[1:], strict=False))
        return words + pairs + float(self.begin[tags[0]] + self.end[tags[-1]])

    def part_probability(self, scores: NDArray[np.floating], tags: NDArray[np.int64]) -> Callable[[int, int], float]:
        """How probable parts of one sentence's ``tags [T]`` are, whatever the tags of the other
        words.

        The sums over the sentence are computed once, at the first call of what is returned; then
        each part costs its own length.

        Returns:
            From the first word of a part and the one after its last to its probability.

        >>> chain = LinearChain(2)
        >>> probability = chain.part_probability(np.log([[0.9, 0.1], [0.5, 0.5], [0.2, 0.8]]), np.array([0, 0, 1]))
        >>> round(probability(0, 2), 6), round(probability(2, 3), 6)
        (0.45, 0.8)
        """
        x = np.asarray(scores, np.float64)

        @functools.cache
        def sums() -> tuple[Numbers, Numbers, Numbers]:
            lengths = np.array([len(x)])
            forward, total = self._sums(x[None], lengths)
            return forward[0], self._backward(x[None], lengths)[0], total

        def probability(start: int, end: int) -> float:
            forward, backward, total = sums()
            own = tags[start:end]
            within = self.transitions[own[:-1], own[1:]].sum() + x[np.arange(start + 1, end), own[1:]].sum()
            (found,) = np.exp(forward[start, own[0]] + within + backward[end - 1, own[-1]] - total)
            return float(found)

        return probability

    def n_best(self, scores: NDArray[np.floating], n: int) -> list[tuple[NDArray[np.int64], float]]:
        """The ``n`` best sequences of one sentence and their scores, the best first; fewer if there
        are not so many valid ones.

        >>> chain = LinearChain(2)
        >>> [tags.tolist() for tags, _ in chain.n_best(np.array([[1.0, 0.0], [0.0, 3.0]]), 2)]
        [[0, 1], [1, 1]]
        """
        x = np.asarray(scores, np.float64)
        if not len(x):
            return [(np.zeros(0, np.int64), 0.0)]
        width = self.tags
        ranked = (self.begin + x[0])[:, None]  # [K, up to n], the best first
        before: list[NDArray[np.int64]] = []
        for word in x[1:]:
            ranks = ranked.shape[1]
            every = (ranked[:, :, None] + self.transitions[:, None, :]).reshape(width * ranks, width)
            order = np.argsort(-every, axis=0, kind="stable")[:n]
            before.append(order.T)  # [K, up to n]: tag and rank of what comes before, as tag * ranks + rank
            ranked = np.take_along_axis(every, order, axis=0).T + word[:, None]
        last = (ranked + self.end[:, None]).ravel()
        found = []
        for place in np.argsort(-last, kind="stable")[:n].tolist():
            if last[place] < _FORBIDDEN / 2 and found:
                break
            tag, rank = divmod(place, ranked.shape[1])
            tags = [tag]
            for position in range(len(before) - 1, -1, -1):
                ranks = 1 if position == 0 else before[position - 1].shape[1]
                tag, rank = divmod(int(before[position][tag, rank]), ranks)
                tags.append(tag)
            found.append((np.array(tags[::-1], np.int64), float(last[place])))
        return found

    def _each(self, scores: Scores, compute: Callable[[Numbers, NDArray[np.int64]], Any]) -> list[Any]:
        """``compute`` on padded sentences, the longest first, and its results cut to length."""
        found: list[Any] = [compute(np.zeros((1, 0, self.tags)), np.zeros(1, np.int64))[0]] * len(scores)
        lengths = np.fromiter(map(len, scores), np.int64, len(scores))
        for some in _pieces(lengths, most=max(_NUMBERS // self.tags**2, 1)):
            padded = np.zeros((len(some), int(lengths[some[0]]), self.tags))
            for row, number in enumerate(some.tolist()):
                padded[row, : lengths[number]] = scores[number]
            results = compute(padded, lengths[some])
            for row, number in enumerate(some.tolist()):
                found[number] = results[row, : lengths[number]]
        return found

    def _viterbi(self, x: Numbers, lengths: NDArray[np.int64]) -> NDArray[np.int64]:
        """Rows are sorted by length, the longest first."""
        rows, time, tags = x.shape
        found = np.zeros((rows, time), np.int64)
        if not time:
            return found
        best = self.begin + x[:, 0]
        before = np.zeros((rows, time, tags), np.int64)
        for at in range(1, time):
            live = int((lengths > at).sum())
            every = best[:live, :, None] + self.transitions
            before[:live, at] = every.argmax(axis=1)
            best[:live] = every.max(axis=1) + x[:live, at]
        tag = (best + self.end).argmax(axis=1)
        every_row = np.arange(rows)
        for at in range(time - 1, -1, -1):
            live = lengths > at
            found[live, at] = tag[live]
            tag = np.where(live, before[every_row, at, tag], tag) if at else tag
        return found

    def _sums(self, x: Numbers, lengths: NDArray[np.int64]) -> tuple[Numbers, Numbers]:
        """Forward sums ``[B, T, K]`` and the log partition ``[B]``."""
        rows, time, tags = x.shape
        forward = np.zeros((rows, time, tags))
        if not time:
            return forward, np.zeros(rows)
        forward[:, 0] = self.begin + x[:, 0]
        for at in range(1, time):
            live = int((lengths > at).sum())
            forward[:live, at] = _log_sum(forward[:live, at - 1, :, None] + self.transitions, 1) + x[:live, at]
        return forward, _log_sum(forward[np.arange(rows), lengths - 1] + self.end, 1)

    def _forward_backward(self, x: Numbers, lengths: NDArray[np.int64]) -> Numbers:
        forward, total = self._sums(x, lengths)
        return np.exp(forward + self._backward(x, lengths) - total[:, None, None])

    def _backward(self, x: Numbers, lengths: NDArray[np.int64]) -> Numbers:
        """Backward sums ``[B, T, K]``, without the scores of the word itself."""
        rows, time, _ = x.shape
        backward = np.zeros_like(x)
        if not time:
            return backward
        backward[np.arange(rows), lengths - 1] = self.end
        for at in range(time - 2, -1, -1):
            live = int((lengths > at + 1).sum())
            after = (backward[:live, at + 1] + x[:live, at + 1])[:, None, :]
            backward[:live, at] = _log_sum(self.transitions + after, 2)
        return backward


def _log_sum(x: Numbers, axis: int) -> Numbers:
    most = x.max(axis=axis, keepdims=True)
    return np.log(np.exp(x - most).sum(axis=axis)) + np.squeeze(most, axis)


def _softmax(x: Numbers) -> Numbers:
    powers = np.exp(x - x.max(axis=1, keepdims=True)) if len(x) else x
    return powers / powers.sum(axis=1, keepdims=True)


def _pieces(lengths: NDArray[np.int64], *, most: int) -> Iterator[NDArray[np.int64]]:
    """Sentences of similar length, the longest first; empty ones are left out."""
    order = np.argsort(-lengths, kind="stable")
    order = order[lengths[order] > 0]
    yield from (order[start : start + most] for start in range(0, len(order), most))
