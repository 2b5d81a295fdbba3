"""A small n-gram of the references of a development part: how people speak to this recogniser.

Its scores of the development part itself come from models that did not see the utterance: equal
references are put together, and each part of them is scored by a model of the other parts. So the
weight that is fitted on these scores is right for new utterances.
"""

import zlib
from collections.abc import Sequence

import numpy as np

from elman.models.ngram.query import NgramConfig, NgramModel, fit_ngram
from elman.text.tokenizer import EOS_ID, Tokenizer, TokenizerConfig

ORDER = 3
PARTS = 10
FEWEST = 50
"""Different references of which a model is worth counting."""


def domain_model(references: Sequence[Sequence[str]]) -> NgramModel:
    """An n-gram of lines of words.

    >>> model = domain_model([["play", "the", "song"], ["play", "it"]])
    >>> state = model.start()
    >>> model.tokenizer.tokens[model.log_probs(state).argmax()]
    ' play'
    """
    lines = [" ".join(words) for words in references]
    tokenizer = Tokenizer.fit(lines, config=TokenizerConfig(pretokenized=True))
    ids = np.concatenate([np.append(tokenizer.encode(line).ids, EOS_ID) for line in lines])
    return fit_ngram(ids, np.array([0, len(ids)]), tokenizer, config=NgramConfig(order=ORDER))


def part_of(reference: Sequence[str]) -> int:
    """The part to which a reference and all its equals belong, from 0 to ``PARTS`` - 1."""
    return zlib.crc32(" ".join(reference).encode()) % PARTS
