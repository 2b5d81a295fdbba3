"""An n-gram for a page: in ARPA's form with probabilities of 8 bits, pruned until it fits.

A probability is ``value`` or ``backoff + ...`` in log10, so a page that adds float64 numbers in the
same order gets the same bits (``web/ngram.js``).
"""

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.errors import ModelError
from elman.models.ngram.backoff import BackoffTables
from elman.models.ngram.backoff_form import from_backoff
from elman.models.ngram.packed import pack, width_of
from elman.models.ngram.prune import prune_until
from elman.models.ngram.query import NgramConfig, NgramModel
from elman.text.tokenizer import Tokenizer

BITS = 8
"""Of each probability; 8 lose next to nothing (docs/ngrams.md)."""


def page_ngram(
    model: NgramModel, *, room: int | None, context_probs: Sequence[NDArray[np.float64]] | None = None
) -> NgramModel:
    """The n-gram as a page holds it; pruned if its data would take more than ``room`` bytes there.

    Args:
        room: None: nothing is pruned.
        context_probs: how often each context occurs (``prune.context_probs_in``); needed with a
            room.

    Raises:
        ModelError: it would have to be pruned and cannot be.
    """
    tables = model.backoff_tables()

    def fits(counts: Sequence[int]) -> bool:
        return room is None or page_bytes(counts, tables.vocab_size) <= room

    if not fits([len(own) for own in tables.keys]):
        if not model.tables.closed:
            raise ModelError(
                "this n-gram lacks suffixes of its own n-grams, so it cannot be pruned; leave out --target-size, or "
                "prune it with the tool that made it"
            )
        assert context_probs is not None
        tables = prune_until(tables, context_probs, fits)
    return _with_tables(tables, model.tokenizer)


def _with_tables(tables: BackoffTables, tokenizer: Tokenizer) -> NgramModel:
    config = NgramConfig(order=tables.order, quantise=BITS)
    return NgramModel(from_backoff(tables, quantise=BITS), tokenizer, config)


def page_bytes(counts: Sequence[int], vocab_size: int) -> int:
    """Bytes in a page of an n-gram with this many n-grams of orders 2 to N."""
    width, parts = width_of(vocab_size - 1), [4 * vocab_size]
    for place, count in enumerate(counts):
        nodes = counts[place - 1] if place else vocab_size + 1
        parts += [(count * width + 7) // 8 + 24, count, (count + nodes + 7) // 8, nodes if place else 4 * nodes]
        # The values that codes stand for.
        parts += [8 * min(count, 1 << BITS), 8 * min(nodes, 1 << BITS) if place else 0]
    return sum(4 * (part + 2) // 3 for part in parts) + 200 * len(counts)


def ngram_data(model: NgramModel) -> dict[str, Any]:
    """The tables of ``page_ngram`` as ``web/ngram.js`` reads them."""
    tables = model.tables
    size = tables.vocab_size
    orders = []
    for order, keys in enumerate(tables.plain_keys(), start=2):
        row, below = tables.rows[order - 1], tables.rows[order - 2]
        width = width_of(size - 1)
        children = np.bincount(keys // size, minlength=below.nodes)
        remainders = tables.remainders(order - 1, np.arange(below.nodes))
        about = {
            "count": row.entries,
            "width": width,
            "words": encoded(pack(keys % size, width)),
            # A bit 1 for each n-gram of a context, and a bit 0 behind the last one.
            "children": encoded(np.packbits(_unary(children), bitorder="little")),
            "values": _coded(tables.values(order, np.arange(row.entries))),
            "remainders": encoded(remainders.astype(np.float32)) if order == 2 else _coded(remainders),
        }
        orders.append(about)
    return {"kind": "ngram", "types": size, "unigrams": encoded(tables.unigrams.astype(np.float32)), "orders": orders}


def _unary(counts: NDArray[np.int64]) -> NDArray[np.bool_]:
    bits = np.ones(int(counts.sum()) + len(counts), np.bool_)
    bits[np.cumsum(counts) + np.arange(len(counts))] = False
    return bits


def _coded(values: NDArray[np.float64]) -> dict[str, str]:
    """Values of which at most 256 differ: their codes, and the values that codes stand for."""
    codebook, codes = np.unique(values, return_inverse=True)
    assert len(codebook) <= 1 << BITS, "values of more bits than a page has"
    return {"codes": encoded(codes.astype(np.uint8)), "book": encoded(codebook)}


def encoded(array: NDArray[Any]) -> str:
    """The bytes of an array in base64."""
    return base64.b64encode(array.tobytes()).decode()
