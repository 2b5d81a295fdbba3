"""A model of a few lines, in one call."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from elman.models.ngram.query import NgramConfig, NgramModel, fit_ngram
from elman.text.tokenizer import EOS_ID, Tokenizer, TokenizerConfig

Fit = Callable[..., NgramModel]


@pytest.fixture
def fit() -> Fit:
    """``fit(lines, order=2)``: words are split at single spaces and all of them are types."""

    def fitted(lines: Sequence[str], *, order: int) -> NgramModel:
        words = Tokenizer.fit(lines, config=TokenizerConfig(pretokenized=True))
        ids = np.concatenate([[*words.encode(line).ids, EOS_ID] for line in lines])
        return fit_ngram(ids, np.array([0, len(ids)]), words, config=NgramConfig(order=order))

    return fitted
