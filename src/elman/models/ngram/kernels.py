"""Reading n-gram tables as machine code; tables.py is the reference in NumPy.

Both compute every number by the same float64 operations in the same order, so they give the same
bits. Layout rows are passed by number, for a view of an array costs as much as a lookup. Tables may
come from a hostile file: results are wrong at worst, and nothing outside the tables is read,
whatever they hold (``NgramTables`` has checked that each section lies inside).
"""

from pathlib import Path

import numpy as np
from numba import njit

# No fused products: they would round differently from NumPy's.
compiled = njit(nogil=True, cache=True, error_model="numpy")

_BLOCK = 16
_MANY = 8
# The columns of a layout, as in tables.py; numba takes globals as constants.
_ENTRIES, _NODES, _GRAMS, _WORD_BITS, _VALUE_BITS, _VALUE_CODEBOOK = range(6)
_CONTEXTS, _START_BITS, _REMAINDER_BITS, _REMAINDER_CODEBOOK, _BLOCKS, _BLOCK_BITS, _BITS, _BITS_END = range(6, 14)
_SLOTS, _SLOT_BITS, _SLOTS_LOG = range(14, 17)
_ONE = np.uint64(1)


@compiled
def number_at(data, at, bits, index):
    """Number ``index`` of those that ``packed.pack`` put at word ``at``."""
    # Unsigned throughout: for a signed index, numba first checks whether it counts from the end.
    bit = np.uint64(index) * np.uint64(bits)
    word = np.uint64(at) + (bit >> np.uint64(6))
    shift = bit & np.uint64(63)
    high = (data[word + _ONE] << _ONE) << (np.uint64(63) - shift)
    return ((data[word] >> shift) | high) & ((_ONE << np.uint64(bits)) - _ONE)


@compiled
def low_bits(number, bits):
    """The lowest bits as a number."""
    return np.int64(number & ((_ONE << np.uint64(bits)) - _ONE))


@compiled
def decoded(code, codebooks, codebook):
    """The value of a code: from its codebook, or the float32 with these bits."""
    if codebook < 0:
        return np.float64(np.uint32(code).view(np.float32))
    return codebooks[np.uint64(codebook) + code]


@compiled
def ones_in(x):
    """How many bits of a 64-bit number are 1."""
    x = x - ((x >> _ONE) & np.uint64(0x5555555555555555))
    x = (x & np.uint64(0x3333333333333333)) + ((x >> np.uint64(2)) & np.uint64(0x3333333333333333))
    x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((x * np.uint64(0x0101010101010101)) >> np.uint64(56))


@compiled
def lowest_bit(x):
    """The index of the lowest bit that is 1."""
    return ones_in((x & (~x + _ONE)) - _ONE)


@compiled
def children_of(data, layout, k, node, begun):
    """Where a node's children begin and end; ``begun``: its start, where starts are plain."""
    if layout[k, _START_BITS] > 0:
        bits = layout[k, _START_BITS] + layout[k, _REMAINDER_BITS]
        return begun, low_bits(number_at(data, layout[k, _CONTEXTS], bits, node + 1), layout[k, _START_BITS])
    block = node // _BLOCK
    before = node - block * _BLOCK
    begun = np.int64(number_at(data, layout[k, _BLOCKS], layout[k, _BLOCK_BITS], block))
    bit = begun + block * _BLOCK
    word, shift, end = layout[k, _BITS] + (bit >> 6), bit & 63, layout[k, _BITS_END]
    # Bits read so far; zeros still to skip before the node's own; where its children begin.
    seen, left, start = np.int64(0), before, begun
    while word < end:
        # The zeros that the shift brings in must not count.
        zeros = ~data[word] >> np.uint64(shift)
        count = ones_in(zeros)
        if count < left:
            left -= count
        else:
            if left > 0:
                for _ in range(left - 1):
                    zeros &= zeros - _ONE
                # Of the bits before this zero, all but the zeros of earlier nodes are children.
                start = begun + seen + lowest_bit(zeros) - (before - 1)
                zeros &= zeros - _ONE
                left = 0
            if zeros:
                return start, begun + seen + lowest_bit(zeros) - before
        seen += 64 - shift
        shift = 0
        word += 1
    return begun, begun


@compiled
def first_slot(node, word, log):
    """The slot, among ``2**log``, at which the search for a context followed by a word begins."""
    mixed = (np.uint64(node) * np.uint64(0x9E3779B97F4A7C15)) ^ (np.uint64(word) * np.uint64(0xC2B2AE3D27D4EB4F))
    mixed ^= mixed >> np.uint64(29)
    return np.int64((mixed * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(64 - log))


@compiled
def fill_slots(keys, many, vocab_size, slots, log):
    """The hash index over n-grams whose context has ``many`` words: index + 1 in the first free
    slot.
    """
    for index in range(len(keys)):
        node = keys[index] // vocab_size
        if many[node]:
            slot = first_slot(node, keys[index] - node * vocab_size, log)
            while slots[slot]:
                slot = (slot + 1) & ((1 << log) - 1)
            slots[slot] = index + 1


@compiled
def find_child(data, layout, k, node, begun, word):
    """The index of context ``node`` (row ``k``) followed by ``word`` in the order above or -1, and
    its code.
    """
    first, end = children_of(data, layout, k, node, begun)
    end = min(end, layout[k + 1, _ENTRIES])
    if first >= end:
        return np.int64(-1), np.uint64(0)
    at, word_bits = layout[k + 1, _GRAMS], layout[k + 1, _WORD_BITS]
    bits = word_bits + layout[k + 1, _VALUE_BITS]
    size = end - first
    if size > _MANY and layout[k, _SLOTS_LOG] >= 0:
        slots, slot_bits, log = layout[k, _SLOTS], layout[k, _SLOT_BITS], layout[k, _SLOTS_LOG]
        slot = first_slot(node, word, log)
        for _ in range(1 << log):
            index = np.int64(number_at(data, slots, slot_bits, slot)) - 1
            if index < 0:
                break
            # The index tells whose word it is.
            if first <= index < end:
                gram = number_at(data, at, bits, index)
                if low_bits(gram, word_bits) == word:
                    return index, gram >> np.uint64(word_bits)
            slot = (slot + 1) & ((1 << log) - 1)
        return np.int64(-1), np.uint64(0)
    while size > 1:
        half = size >> 1
        # No branch: it could not be predicted, and a wrong prediction costs more than the whole
        # step.
        first += half * np.int64(low_bits(number_at(data, at, bits, first + half), word_bits) <= word)
        size -= half
    gram = number_at(data, at, bits, first)
    if low_bits(gram, word_bits) != word:
        return np.int64(-1), np.uint64(0)
    return first, gram >> np.uint64(word_bits)


@compiled
def read_row(data, codebooks, layout, unigrams, interpolated, closed, begin, eos_id, tokens, contexts, scores):
    """Score ``tokens[T]`` into ``scores[T]``, starting from ``contexts[N - 1]``, which is advanced.

    ``closed``: whether the tables hold the suffix, without the first token, of every n-gram.
    """
    orders = len(contexts)
    after = np.empty_like(contexts)
    for t in range(len(tokens)):
        word = tokens[t]
        total = unigrams[word]
        known = True
        for k in range(orders):
            node, child = contexts[k], np.int64(-1)
            if node >= 0:
                start_bits = layout[k, _START_BITS]
                context = number_at(data, layout[k, _CONTEXTS], start_bits + layout[k, _REMAINDER_BITS], node)
                remainder = decoded(context >> np.uint64(start_bits), codebooks, layout[k, _REMAINDER_CODEBOOK])
                total = total * remainder if interpolated else total + remainder
                if known:
                    child, code = find_child(data, layout, k, node, low_bits(context, start_bits), word)
                    if child >= 0:
                        value = decoded(code, codebooks, layout[k + 1, _VALUE_CODEBOOK])
                        total = total + value if interpolated else value
                    elif closed:
                        known = False
            if k + 1 < orders:
                after[k + 1] = child
        scores[t] = total
        if orders:
            after[0] = word
        for k in range(orders):
            contexts[k] = begin[k] if word == eos_id else after[k]


@compiled
def read_rows(
    data, codebooks, layout, unigrams, interpolated, closed, begin, eos_id, tokens, lengths, contexts, scores
):
    """As ``read_row`` for the first ``lengths[B]`` of ``tokens[B, T]``."""
    for b in range(len(tokens)):
        size = lengths[b]
        read_row(
            data, codebooks, layout, unigrams, interpolated, closed, begin, eos_id,
            tokens[b, :size], contexts[b], scores[b, :size],
        )  # fmt: skip


@compiled
def predict_rows(data, codebooks, layout, interpolated, contexts, scores):
    """Every type after ``contexts[B, N - 1]``, into ``scores[B, V]``, which starts as the
    unigrams.
    """
    for b in range(len(contexts)):
        out = scores[b]
        for k in range(contexts.shape[1]):
            node = contexts[b, k]
            if node < 0:
                continue
            start_bits, word_bits = layout[k, _START_BITS], layout[k + 1, _WORD_BITS]
            context = number_at(data, layout[k, _CONTEXTS], start_bits + layout[k, _REMAINDER_BITS], node)
            remainder = decoded(context >> np.uint64(start_bits), codebooks, layout[k, _REMAINDER_CODEBOOK])
            if interpolated:
                for w in range(len(out)):
                    out[w] *= remainder
            else:
                for w in range(len(out)):
                    out[w] += remainder
            first, end = children_of(data, layout, k, node, low_bits(context, start_bits))
            for index in range(first, min(end, layout[k + 1, _ENTRIES])):
                gram = number_at(data, layout[k + 1, _GRAMS], word_bits + layout[k + 1, _VALUE_BITS], index)
                word = low_bits(gram, word_bits)
                if word < len(out):
                    value = decoded(gram >> np.uint64(word_bits), codebooks, layout[k + 1, _VALUE_CODEBOOK])
                    out[word] = out[word] + value if interpolated else value


def compiled_before() -> bool:
    """Whether the loops are in this machine's cache; if not, compiling them takes some ten
    seconds.
    """
    stats = getattr(read_rows, "stats", None)  # none with NUMBA_DISABLE_JIT, which leaves nothing to compile
    return stats is None or any(Path(str(stats.cache_path)).glob("kernels.read_rows-*.nbi"))
