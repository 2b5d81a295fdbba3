"""Labelled texts as token ids: what the network reads and what it should answer."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.data.examples import Example
from elman.data.labels import LabelSet
from elman.text.tokenizer import Tokenizer

Targets = NDArray[np.int64] | NDArray[np.bool_]


class LabelledTexts(NamedTuple):
    """N texts."""

    texts: list[str]
    rows: list[NDArray[np.int32]]
    """The ids of each text."""
    targets: Targets
    """The label of each text ``[N]``, or whether it has each of the labels ``[N, K]``."""


def encode_texts(tokenizer: Tokenizer, texts: Sequence[str], *, most: int) -> list[NDArray[np.int32]]:
    """The ids of texts. If a text has more than ``most`` tokens, its beginning and its end are
    kept. Of a text with over 64 characters for each of them, only the characters at both ends are
    read.

    >>> from elman.text.tokenizer import TokenizerConfig
    >>> tokenizer = Tokenizer.fit(["a b c d e f"], config=TokenizerConfig(min_count=1))
    >>> [ids.tolist() for ids in encode_texts(tokenizer, ["a b c d e f", ""], most=4)]
    [[2, 3, 4, 7], []]
    """
    read = shortened(texts, most=most)
    return [_cut(ids, most).astype(np.int32) for ids in tokenizer.encode_lines(read)]


def shortened(texts: Sequence[str], *, most: int) -> list[str]:
    """What is read of texts of which ``most`` tokens are kept."""
    most *= 64
    end = most // 4
    return [text if len(text) <= most else f"{text[: most - end]} {text[len(text) - end :]}" for text in texts]


def _cut(ids: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    if len(ids) <= most:
        return ids
    end = most // 4
    return np.concatenate([ids[: most - end], ids[len(ids) - end :]])


def encode_examples(
    examples: Sequence[Example], *, tokenizer: Tokenizer, labels: LabelSet, multi_label: bool, most: int
) -> LabelledTexts:
    """Examples as ids, without those whose label is not in ``labels``.

    Args:
        most: tokens of a text that are kept.
    """
    kept = [example for example in examples if all(labels.id_of(label) is not None for label in example.labels)]
    texts = [example.text for example in kept]
    targets: Targets
    if multi_label:
        targets = np.zeros((len(kept), len(labels)), np.bool_)
        for number, example in enumerate(kept):
            for label in example.labels:
                targets[number, labels.id_of(label)] = True
    else:
        targets = np.array([labels.id_of(example.labels[0]) for example in kept], np.int64)
    return LabelledTexts(texts, encode_texts(tokenizer, texts, most=most), targets)


def hash_of(*parts: Iterable[Example]) -> str:
    """16 hex digits that name the examples of all parts, their order and their parts."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(b"\x02")
        for example in part:
            digest.update("\x00".join((example.text, *example.labels)).encode() + b"\x01")
    return digest.hexdigest()[:16]


def data_hash_of(part: LabelledTexts) -> str:
    """sha256 of labelled texts, for signatures."""
    digest = hashlib.sha256(np.ascontiguousarray(part.targets).tobytes())
    for text in part.texts:
        digest.update(text.encode() + b"\x00")
    return digest.hexdigest()
