"""Which of several models a text speaks the language of, word by word.

The language of each word is hidden; it stays that of the word before, or with the probability
``switch`` any of them comes next. Each model's weight is the probability of its language given the
words so far, by the forward algorithm (Bayes' rule; Herbster and Warmuth 1998 call it fixed share):

    predicted = (1 - switch) * weights + switch / M
    weights   = predicted * P_m(word) / sum

So what was written long ago is forgotten, and one word of another language is enough to follow it.
Each model reads the line by its own tokenizer, and pays for the spelling of words that it does not
know.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from elman.decode.scoring import score_lines
from elman.errors import UsageError
from elman.models.protocol import LanguageModel
from elman.text.normalise import split_lines
from elman.text.speller import Speller
from elman.text.text_cache import TextCache

SWITCH = 0.1
"""The probability that a word's language has nothing to do with that of the word before."""
_WORDS = 16
"""Words that count at least; what is earlier is forgotten in any case."""


class LanguageWeights:
    """Weights of models before the next word of a text.

    >>> LanguageWeights([], switch=2.0)
    Traceback (most recent call last):
    ...
    elman.errors.UsageError: switch is 2; it must be a probability from 0 to 1
    """

    def __init__(self, spellers: Sequence[Speller], *, switch: float = SWITCH) -> None:
        if not 0 <= switch <= 1:
            raise UsageError.of("switch", switch, "a probability from 0 to 1")
        self._spellers = list(spellers)
        self._switch = switch
        self._log_probs: TextCache[NDArray[np.float64]] = TextCache()

    def before(self, text: str, lms: Sequence[LanguageModel]) -> NDArray[np.float64]:
        """The weights for the word after a text, ``[M]``; only what spaces and line ends finish
        counts.

        Args:
            lms: the models, in the order of their spellers; always the same ones, for scores are
                kept.
        """
        weights = np.full(len(self._spellers), 1 / len(self._spellers))
        if len(self._spellers) > 1:
            for log_probs in self._words(text, lms):
                shared = (1 - self._switch) * weights + self._switch / len(weights)
                likely = shared * np.exp(log_probs - log_probs.max())
                weights = likely / likely.sum()
            weights = (1 - self._switch) * weights + self._switch / len(weights)
        return weights

    def _words(self, text: str, lms: Sequence[LanguageModel]) -> list[NDArray[np.float64]]:
        """The log-probabilities ``[M]`` of the last words of a text, each line by itself."""
        found: list[NDArray[np.float64]] = []
        for line, ended in _last_lines(text):
            words = line.split(" ")
            if not ended:
                words.pop()
            # Counted from a multiple, so that most beginnings are those of one word ago.
            begin = max(len(words) // _WORDS - 1, 0) * _WORDS
            words = words[begin:]
            heads = [" ".join(words[: number + 1]) for number in range(len(words))]
            sums = [np.zeros(len(self._spellers)), *(self._score(head, lms) for head in heads)]
            found += [after - before for before, after in zip(sums, sums[1:], strict=False)]
        return found

    def _score(self, line: str, lms: Sequence[LanguageModel]) -> NDArray[np.float64]:
        if not line.strip():
            return np.zeros(len(self._spellers))

        def computed() -> NDArray[np.float64]:
            both = zip(lms, self._spellers, strict=True)
            scores = (next(score_lines(lm, speller, [line], eos=False)).log_prob for lm, speller in both)
            return np.maximum(list(scores), -1e6)

        return self._log_probs.get(line, computed)


def _last_lines(text: str) -> list[tuple[str, bool]]:
    """The last lines with ``_WORDS`` words, and whether each is finished."""
    lines = [(line, True) for line in split_lines(text)]
    if lines and not text.endswith(("\n", "\r")):
        lines[-1] = lines[-1][0], False
    kept, words = [], 0
    for line, ended in reversed(lines):
        if words >= _WORDS:
            break
        kept.append((line, ended))
        words += line.count(" ") + 1
    return kept[::-1]
