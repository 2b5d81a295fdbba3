"""Learning a vocabulary from text: frequent words or characters, and byte-pair merges.

Text comes as a stream of parts of lines; memory grows with the distinct words, not the text.
Trainers modify their ``engine`` argument. The result does not depend on the number of threads.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping

import tokenizers
from tokenizers import trainers

from elman.text.splitting import cut
from elman.text.tokenizer_json import SPECIALS, Merges, byte_alphabet

Tally = dict[str, dict[str, int]]
"""Counts of what types are made of, in tables by name; those of parts of a text can be added."""
RUN_CHARS = 4096
"""Merges are learned within runs of this many characters, for the trainer's time is quadratic in
their length."""


def frequent_words(parts: Iterable[str], *, engine: tokenizers.Tokenizer, min_count: int) -> list[str]:
    """The pieces that the engine splits text into, by falling count, ties by the piece itself."""
    # The trainer sorts in the same order; without special tokens and limit it does nothing else.
    trainer = trainers.WordLevelTrainer(
        vocab_size=1 << 40, min_frequency=min_count, special_tokens=[], show_progress=False
    )
    engine.train_from_iterator(parts, trainer)
    vocab = engine.get_vocab()
    return sorted(vocab, key=vocab.__getitem__)


def spaced_words(parts: Iterable[str]) -> dict[str, int]:
    """Counts of what ``frequent_words`` finds in text that is split at spaces, each word with one
    space before it; much faster.

    >>> spaced_words([" to be or", " not to  be"])
    {' to': 2, ' be': 2, ' or': 1, ' not': 1}
    """
    counts: Counter[str] = Counter()
    for part in parts:
        counts.update(part.split(" "))
    del counts[""]
    return {f" {word}": count for word, count in counts.items()}


def characters(parts: Iterable[str]) -> dict[str, int]:
    """Counts of the characters of text.

    >>> characters(["banana"])
    {'b': 1, 'a': 3, 'n': 2}
    """
    counts: Counter[str] = Counter()
    for part in parts:
        counts.update(part)
    return dict(counts)


def add_tally(total: Tally, more: Tally) -> None:
    """Add the tally of another part of a text.

    >>> total = {"": {"a": 3}}
    >>> add_tally(total, {"": {"a": 1, "b": 2}})
    >>> total
    {'': {'a': 4, 'b': 2}}
    """
    for name, counts in more.items():
        kept = total.setdefault(name, {})
        for each, count in counts.items():
            kept[each] = kept.get(each, 0) + count


def by_frequency(counts: Mapping[str, int], *, min_count: int) -> list[str]:
    """What was counted, by falling count, ties by itself."""
    frequent = [text for text, count in counts.items() if count >= min_count]
    return sorted(frequent, key=lambda text: (-counts[text], text))


def byte_pairs(
    parts: Iterable[str], *, engine: tokenizers.Tokenizer, min_count: int, vocab_size: int
) -> tuple[list[str], Merges]:
    """Token strings by id (the specials, the 256 bytes, then merged tokens) and the merges in
    order.
    """
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=min_count,
        special_tokens=list(SPECIALS),
        initial_alphabet=byte_alphabet(),
        show_progress=False,
    )
    runs = (run for part in parts for _, run in cut(part, level="char", limit=RUN_CHARS))
    engine.train_from_iterator(runs, trainer)
    model = json.loads(engine.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].__getitem__)
    return tokens, [(left, right) for left, right in model["merges"]]
