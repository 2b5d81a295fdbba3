"""The simple rival of a language model: an n-gram of the same text, counted in seconds.

If a network does not beat the n-gram, use the n-gram instead. Both are scored on the same held-out
text, and their difference has an interval from the same draws of documents or blocks of lines.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.store import TokenStore
from elman.decode.line_nats import LineNats
from elman.evaluation.language import evaluate_text
from elman.metrics.text_intervals import bootstrap, percentile_interval, units_of
from elman.models.ngram.query import NgramConfig, fit_ngram
from elman.progress import Progress
from elman.text.speller import Speller
from elman.text.store import Text
from elman.text.tokenizer import EOS_ID, Tokenizer

MOST_TOKENS = 1_000_000
"""From a longer training text, a sample of about this many tokens is counted: a few seconds, and
about 200 MB."""
FEWEST_UNITS = 10
"""With fewer documents or blocks of lines, no interval is trusted."""
_STRETCHES = 32
"""Pieces of a sample, spread evenly over the text."""


def against_ngram(
    nats: NDArray[np.float64],
    *,
    train: TokenStore,
    tokenizer: Tokenizer,
    speller: Speller,
    text: Text,
    progress: Progress,
) -> dict[str, Any]:
    """An n-gram's figures on a held-out text, and how much worse a network is.

    Args:
        nats: the network's loss on each line of the text, each document from its start.
        train: the text that the network was trained on.

    Returns:
        ``order``, ``tokens`` counted out of ``of``, ``bits_per_byte``; and ``worse_by``, the
        network's bits per byte minus the n-gram's with its 95% interval, or None where the text has
        too few ``units``.
    """
    config = NgramConfig.for_level(tokenizer.config.level)
    order = config.order
    ids, documents = sample(train, MOST_TOKENS)
    with progress.stage(f"counting a {order}-gram to compare with"):
        model = fit_ngram(ids, documents, tokenizer, config=config)
    by_line = LineNats()
    figures = evaluate_text(model, speller, text, context="document", progress=progress, by_line=by_line)
    starts, sizes = lines_of(text)
    units = units_of(starts, sizes)
    worse_by = None
    if units.count >= FEWEST_UNITS:
        mine, its = (units.sums(each)[None] / np.log(2) for each in (nats, by_line.values))
        size = units.sums(sizes)
        value = float((mine.sum() - its.sum()) / size.sum())
        drawn = bootstrap(mine, size, less=its)
        worse_by = percentile_interval(value, drawn, units=units.count)._asdict()
    return {
        "order": order,
        "tokens": len(ids),
        "of": len(train.ids),
        "bits_per_byte": figures["bits_per_byte"],
        "units": f"{units.count} {units.name}",
        "worse_by": worse_by,
    }


def sample(train: TokenStore, most: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Whole lines of a text of about ``most`` tokens, and where its pieces begin: all of a short
    text.
    """
    ids = train.ids
    if len(ids) <= most:
        return np.asarray(ids, np.int64), np.asarray(train.documents)
    length = most // _STRETCHES
    pieces = []
    for start in np.linspace(0, len(ids) - length, _STRETCHES).astype(np.int64).tolist():
        piece = np.asarray(ids[start : start + length], np.int64)
        ends = np.flatnonzero(piece == EOS_ID)
        # From the line that begins after the first end to the last end.
        pieces.append(piece[ends[0] + 1 : ends[-1] + 1] if len(ends) > 1 else piece)
    return np.concatenate(pieces), np.cumsum([0, *map(len, pieces)])


def lines_of(text: Text) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Whether each line of a text starts a document, and its bytes with the line end."""
    starts, sizes = [], []
    for line, begins in text:
        starts.append(begins)
        sizes.append(len(line.encode()) + 1)
    return np.array(starts, bool), np.array(sizes, np.int64)
