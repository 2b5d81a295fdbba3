"""The linear-chain conditional random field (Lafferty et al. 2001), in log space.

The score of tags ``y_1 .. y_T`` of a sentence is

    begin[y_1] + sum_t emissions[t, y_t] + sum_t transitions[y_(t-1), y_t] + end[y_T]

and its probability ``e^(score - log_partition)``. Sums over all sequences take one step for each
word. All numbers are natural logarithms.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

FORBIDDEN = -1e4
"""The score of what may not follow: ``e^-10000`` is 0 in every precision, and gradients stay
finite."""


class Crf(nn.Module):
    """Scores of K tags next to each other.

    Args:
        allowed: which tag may follow which ``[K + 1, K + 1]``, rows first; the last row is the
            start of a sentence, the last column its end. None allows everything.

    >>> crf = Crf(3)
    >>> round(crf.log_partition(torch.zeros(1, 2, 3), torch.tensor([2])).item(), 4)  # ln 9
    2.1972
    """

    bound: Tensor

    def __init__(self, tags: int, allowed: NDArray[np.bool_] | None = None) -> None:
        super().__init__()
        self.tags = tags
        self.transitions = nn.Parameter(torch.zeros(tags, tags))
        self.begin = nn.Parameter(torch.zeros(tags))
        self.end = nn.Parameter(torch.zeros(tags))
        every = np.ones((tags + 1, tags + 1), np.bool_) if allowed is None else allowed
        bound = np.where(every, 0, FORBIDDEN).astype(np.float32)
        self.register_buffer("bound", torch.from_numpy(bound), persistent=False)

    def scores(self) -> tuple[Tensor, Tensor, Tensor]:
        """Transitions ``[K, K]``, begin and end ``[K]``, with what is forbidden."""
        bound = self.bound.to(self.transitions.dtype)
        return self.transitions + bound[:-1, :-1], self.begin + bound[-1, :-1], self.end + bound[:-1, -1]

    def log_partition(self, emissions: Tensor, lengths: Tensor) -> Tensor:
        """The logarithm of the sum over all sequences ``[B]``; 0 for an empty sentence.

        Args:
            emissions: ``[B, T, K]``; any finite numbers at padding.
            lengths: words of each sentence ``[B]``, from 0 to T.
        """
        transitions, begin, end = self.scores()
        alpha = begin + emissions[:, 0]
        for time in range(1, emissions.shape[1]):
            after = torch.logsumexp(alpha.unsqueeze(2) + transitions, 1) + emissions[:, time]
            alpha = after.where((lengths > time).unsqueeze(1), alpha)
        return torch.logsumexp(alpha + end, 1).where(lengths > 0, alpha.new_zeros(()))

    def score(self, emissions: Tensor, tags: Tensor, lengths: Tensor) -> Tensor:
        """The score of the given tags ``[B, T]`` of each sentence ``[B]``; any tags at padding."""
        transitions, begin, end = self.scores()
        real = torch.arange(tags.shape[1], device=tags.device) < lengths.unsqueeze(1)
        tags = tags.where(real, 0)
        words = emissions.gather(2, tags.unsqueeze(2)).squeeze(2)
        pairs = transitions[tags[:, :-1], tags[:, 1:]]
        last = tags.gather(1, (lengths - 1).clamp(min=0).unsqueeze(1)).squeeze(1)
        total = (words * real).sum(1) + (pairs * real[:, 1:]).sum(1)
        return (total + begin[tags[:, 0]] + end[last]) * (lengths > 0)

    def nats(self, emissions: Tensor, tags: Tensor, lengths: Tensor) -> Tensor:
        """Minus the log-probability of the given tags of each sentence ``[B]``."""
        return self.log_partition(emissions, lengths) - self.score(emissions, tags, lengths)
