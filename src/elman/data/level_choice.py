"""Which level suits a text: decided by a quick count of words, subwords and characters."""

import dataclasses
import math
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from elman.data.oov import unknown_tokens
from elman.data.quick_ngram import quick_nats
from elman.progress import Progress
from elman.text.level import choose_level
from elman.text.sample import sample_windows
from elman.text.speller import Speller
from elman.text.splitting import Level
from elman.text.store import Text
from elman.text.tokenizer import Tokenizer, TokenizerConfig

MUCH_UNKNOWN = 0.1
"""With a larger share of unknown words than this, words are a poor choice."""

_SAMPLE_BYTES = 220_000
_HELD_OUT = 11
"""One stretch in this many is predicted from the others."""
_FEWEST_BYTES = 10_000
_ORDERS: dict[Level, int] = {"word": 3, "subword": 5, "char": 6}
_NAMES = {"word": "words", "subword": "subwords", "char": "characters"}
_MARGIN = 0.08
"""By so much another level must be better than words, which suit most uses."""
_FEWEST_DOUBLINGS, _MOST_DOUBLINGS = 0.5, 3.0
"""How much longer than its sample a text must be, and may be taken to be, for the estimate."""


@dataclasses.dataclass(frozen=True)
class LevelTrial:
    """How a quick n-gram of one level predicts the held-out part of a sample."""

    level: Level
    bits_per_byte: float
    """With the cost of spelling unknown tokens."""
    unknown: float
    """Share of unknown tokens."""
    expected: float
    """Bits per byte if the whole text were counted."""


def level_of_text(text: Text, *, lowercase: bool = False, progress: Progress | None = None) -> Level:
    """The level for a text, said aloud where it was counted.

    Scripts without spaces between words get characters, and short texts of other scripts words.
    Of a longer text a sample from all over it is counted at each level. Another level than words is
    chosen if it is clearly better in bits per byte, both on the sample and, estimated from the
    counts of a quarter of the sample, on the whole text.
    """
    windows = sample_windows(text, _SAMPLE_BYTES)
    by_script = choose_level("\n".join(line for lines in windows for line in lines))
    sampled = sum(len(line.encode()) + 1 for lines in windows for line in lines)
    if by_script == "char" or sampled < _FEWEST_BYTES:
        return by_script
    held_out = [line for lines in windows[::_HELD_OUT] for line in lines]
    seen = [lines for row, lines in enumerate(windows) if row % _HELD_OUT]
    doublings = min(math.log2(text.bytes / sampled), _MOST_DOUBLINGS)
    doublings = doublings if doublings > _FEWEST_DOUBLINGS else 0.0
    trials = [_trial(seen, held_out, level, lowercase=lowercase, doublings=doublings) for level in _ORDERS]
    chosen = _chosen(*trials)
    on_sample = ", ".join(f"{_NAMES[trial.level]} {trial.bits_per_byte:.2f}" for trial in trials)
    on_whole = ", ".join(f"{trial.expected:.2f}" for trial in trials)
    estimate = f" (the whole text about {on_whole})" if doublings else ""
    (progress or Progress()).say(
        f"level: {chosen.level}; bits per byte by a quick count of {sampled / 1e6:.2f} MB from all over the text: "
        f"{on_sample}{estimate}; words unless another is {_MARGIN:.0%} better; --level chooses"
    )
    return chosen.level


def _chosen(words: LevelTrial, *others: LevelTrial) -> LevelTrial:
    """The best level that is clearly better than words, else words.

    >>> words, chars = LevelTrial("word", 2.5, 0.3, 2.0), LevelTrial("char", 2.0, 0.0, 1.8)
    >>> _chosen(words, chars).level, _chosen(words, dataclasses.replace(chars, expected=1.9)).level
    ('char', 'word')
    """
    better = [
        trial
        for trial in others
        if trial.bits_per_byte < (1 - _MARGIN) * words.bits_per_byte and trial.expected < (1 - _MARGIN) * words.expected
    ]
    return min(better, key=lambda trial: trial.expected, default=words)


def _trial(
    seen: Sequence[Sequence[str]], held_out: Sequence[str], level: Level, *, lowercase: bool, doublings: float
) -> LevelTrial:
    trial = _counted([line for lines in seen for line in lines], held_out, level, lowercase=lowercase)
    if not doublings:
        return trial
    quarter = _counted([line for lines in seen[::4] for line in lines], held_out, level, lowercase=lowercase)
    # A quarter is two doublings away.
    gained = max(quarter.bits_per_byte - trial.bits_per_byte, 0.0) / 2
    return dataclasses.replace(trial, expected=trial.bits_per_byte - doublings * gained)


def _counted(seen: Sequence[str], held_out: Sequence[str], level: Level, *, lowercase: bool) -> LevelTrial:
    tokenizer = Tokenizer.fit(seen, config=TokenizerConfig(level=level, lowercase=lowercase))
    train, test = tokenizer.encode_stream(seen), tokenizer.encode_stream(held_out)
    nats = quick_nats(np.maximum(train, 0), np.maximum(test, 0), order=_ORDERS[level], vocab_size=tokenizer.size)
    if (test < 0).any():
        speller = Speller.fit(Counter(_unknown(tokenizer, seen)) or {token: 1 for token in tokenizer.tokens})
        nats += sum(count * speller.nats(word) for word, count in Counter(_unknown(tokenizer, held_out)).items())
    size = sum(len(line.encode()) + 1 for line in held_out)
    bits = nats / math.log(2) / size
    return LevelTrial(level, bits, float((test < 0).mean()), expected=bits)


def _unknown(tokenizer: Tokenizer, lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        yield from (unknown.spelled for unknown in unknown_tokens(tokenizer, line, tokenizer.encode(line)))
