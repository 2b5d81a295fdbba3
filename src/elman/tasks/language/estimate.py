"""Time and disk that preparing and counting will take, from a trial on a part of the text."""

import time

import numpy as np

from elman.models.ngram.counting_memory import in_words, needed
from elman.models.ngram.counts import count_ngrams
from elman.progress import Progress, duration
from elman.system.cluster import Workers
from elman.text.store import Text
from elman.text.tokenizer import EOS_ID, Tokenizer, TokenizerConfig

_LINES_BYTES = 1 << 18
_LARGE = 50_000_000
"""Bytes of text from which on the work of one process is worth an estimate."""
_GROWTH = 32
"""Assumed ratio of types in the whole text to types in the trial."""


def say_estimate(
    text: Text, config: TokenizerConfig, *, order: int | None, workers: Workers, progress: Progress
) -> None:
    """Say how long a vocabulary, the tokens and, with ``order``, the counts of n-grams will
    take."""
    if text.bytes < _LARGE and not workers.are_others:
        return
    stretches = text.stretches()
    lines, size = [], 0
    for line, _ in text.lines_of(*stretches[len(stretches) // 2]):
        lines.append(line)
        size += len(line.encode()) + 1
        if size >= _LINES_BYTES:
            break
    # The first time is spent on what is kept for later: engines, splits of words.
    Tokenizer.fit(lines, config=config).encode_stream(lines)
    begin = time.perf_counter()
    tokenizer = Tokenizer.fit(lines, config=config)
    ids = np.maximum(tokenizer.encode_stream(lines), 0)
    prepared = time.perf_counter()
    shared, alone = prepared - begin, 0.0
    tokens = len(ids) * text.bytes // size
    disk = 4 * tokens
    if order is not None:
        types = tokenizer.size
        count_ngrams(ids, np.array([0, len(ids)]), order=order, vocab_size=types, eos_id=EOS_ID)
        # Half of the work on n-grams can be shared.
        alone = (time.perf_counter() - prepared) / 2
        shared += alone
        disk += needed(tokens, order, _GROWTH * types)[1]
    seconds = (shared / workers.count + alone) * text.bytes / size
    progress.say(
        f"{text.bytes / 1e6:.0f} MB of text, about {tokens / 1e6:.1f} M tokens: about {duration(seconds)} from here, "
        f"and at most {in_words(disk)} of disk"
    )
