"""Word vectors as one web page: neighbours from 8-bit vectors, and a map."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.decode.offers import offers_from
from elman.decode.secrets import is_secret
from elman.errors import ModelError, UsageError
from elman.export.byte_vectors import ByteVectors
from elman.export.ngram_page import encoded
from elman.export.one_file import one_file
from elman.export.word_map import make_map
from elman.models.word_vectors import WordVectors, unit_rows
from elman.system.files import write_atomic

WORDS = 5000
"""Words of a page, unless it is given how many, or its size."""
_SCRIPTS = ("bytes.js", "dom.js", "bytevectors.js", "wordmap.js", "wordvectors.js")
_SLACK = 1000
"""Bytes by which facts and the names of clusters make pages differ."""


def write_vectors_page(
    file: Path,
    vectors: WordVectors,
    *,
    words: int | None = None,
    most: int | None = None,
    block: Collection[str] = (),
    secrets: bool = False,
    name: str,
    version: str,
) -> dict[str, Any]:
    """Write the page of the most frequent words; returns its facts.

    Args:
        words: at most so many words stand in it; default: 5000, or with ``most`` all that fit.
        most: bytes that it may have.
        block: words that do not stand in it (``elman.decode.blocklist``).
        secrets: whether words stand in it that look private.
        name: its title.

    Raises:
        UsageError: ``words`` is below 2.
        ModelError: fewer than two words are left, or fit.
        StorageError: the disk is full or the folder not writable.
    """
    if words is not None and words < 2:
        raise UsageError(f"--words is {words}; a page needs at least 2 words")
    shown, hidden = _rows(vectors, words or (WORDS if most is None else len(vectors)), block, secrets=secrets)
    if len(shown) < 2:
        raise ModelError(f"of {len(vectors):,} words, {len(shown)} may stand in the page; it needs at least 2")
    if most is not None:
        smallest, _ = _page(vectors, shown[:2], name=name, version=version)
        room = most - len(smallest) - _SLACK
        fit = int(np.searchsorted(np.cumsum(_sizes(vectors, shown)), room, "right"))
        if fit < 2:
            least = len(smallest) + 2 * _SLACK
            raise ModelError(f"a page of two words has some {least:,} bytes, and {most:,} are allowed; allow more")
        if fit < len(shown):
            shown = shown[:fit]
            hidden = int(shown[-1]) + 1 - fit
    page, facts = _page(vectors, shown, name=name, version=version)
    assert most is None or len(page) <= most
    write_atomic(file, page)
    return {"bytes": len(page), "words": len(shown), "hidden": hidden, **facts}


def _rows(vectors: WordVectors, count: int, block: Collection[str], *, secrets: bool) -> tuple[NDArray[np.int64], int]:
    """The first rows that may be shown, and how many others stand between them."""
    offers = offers_from(block, secrets=secrets)
    shown, hidden = list[int](), 0
    for row, word in enumerate(vectors.words):
        if len(shown) == count:
            break
        if (not secrets and is_secret(word)) or (offers.block and offers.block.hides(word)):
            hidden += 1
        else:
            shown.append(row)
    return np.array(shown, np.int64), hidden


def _sizes(vectors: WordVectors, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """The bytes that each word adds to a page: its letters, codes, place and cluster."""
    spelled = (json.dumps(vectors.words[row], ensure_ascii=False) for row in rows)
    letters = [len(each.encode()) + 1 + 5 * each.count("<") for each in spelled]
    return np.array(letters) + (vectors.dimensions + 9) * 4 / 3


def _page(vectors: WordVectors, rows: NDArray[np.int64], *, name: str, version: str) -> tuple[bytes, dict[str, Any]]:
    """The page of some words, and facts about it."""
    units, kept = unit_rows(vectors.vectors[rows]), [vectors.words[row] for row in rows]
    coded, drawn = ByteVectors(units), make_map(units)
    loss = coded.loss(units)
    data = {
        "words": kept, "lowercase": vectors.lowercase, "codes": encoded(coded.codes), "places": encoded(drawn.places),
        "clusters": encoded(drawn.clusters), "names": [[kept[row] for row in rows] for rows in drawn.examples],
    }  # fmt: skip
    facts = [
        ("words", f"{len(kept):,} of {len(vectors):,}, the most frequent ones"),
        ("dimensions", f"{vectors.dimensions}"),
        ("8 bits", str(loss)),
    ]
    shown = (
        "The map shows the two directions in which the vectors differ most, stretched to fill it. They hold "
        f"{100 * drawn.share:.0f}% of the variance, so that words may stand side by side here and be far apart; the "
        f"list compares all dimensions. Colours are clusters. {len(kept):,} words, vectors in 8 bits: {loss}."
    )
    page = one_file(
        "wordvectors.html", data, styles=("onefile.css", "wordvectors.css"), scripts=_SCRIPTS, title=name,
        version=version, facts=facts, shown=shown,
    )  # fmt: skip
    measured = {"neighbours": loss.neighbours, "cosine": loss.cosine, "words": loss.words}
    return page.encode(), {"variance": drawn.share, "loss": measured}
