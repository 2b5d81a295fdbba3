"""What every model of word vectors computes, in plain Python and NumPy: the compiled loops are
compared with this.

float64 throughout, one pair after the other, in the order of the text.
"""

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

_MASK = (1 << 64) - 1
Ids = Sequence[int]


def scrambled(number: int) -> int:
    """SplitMix64's output."""
    number = ((number ^ (number >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    number = ((number ^ (number >> 27)) * 0x94D049BB133111EB) & _MASK
    return number ^ (number >> 31)


def draws(key: int, position: int) -> Iterator[int]:
    """The numbers that a position of the text draws."""
    state = scrambled((key + position * 0xD1342543DE82EF95) & _MASK)
    while True:
        yield scrambled(state)
        state = (state + 0x9E3779B97F4A7C15) & _MASK


def subsampled(ids: Ids, keep: np.ndarray, key: int, base: int = 0) -> list[int]:
    """The words that stay; ``keep`` holds their probabilities times 2^32."""
    return [
        word for place, word in enumerate(ids) if word < 0 or (next(draws(key, base + place)) >> 32) < int(keep[word])
    ]


def pieces(ids: Ids, streams: int, each: int) -> list[tuple[int, int]]:
    """Pieces of a text in training order, as (begin, end): the first of each stream, then the
    second of each."""
    equal = [place * len(ids) // (streams * each) for place in range(streams * each + 1)]
    edges = [0]
    for before, edge in itertools.pairwise(equal[:-1]):
        ends = [place + 1 for place in range(before, edge) if ids[place] < 0]
        edges.append(ends[-1] if ends else edge)
    cut = list(itertools.pairwise([*edges, len(ids)]))
    return [cut[stream * each + turn] for turn in range(each) for stream in range(streams)]


def read(ids: Ids, order: tuple[int, int], keep: np.ndarray, key: int) -> list[int]:
    """The words that stay, in training order, with a sentence end behind each piece."""
    found: list[int] = []
    for begin, end in pieces(ids, *order):
        found += subsampled(ids[begin:end], keep, key, begin)
        if found and found[-1] >= 0:
            found.append(-1)
    return found


def window_of(ids: Ids, place: int, width: int) -> list[int]:
    """The words at most ``width`` away in the same sentence, from left to right."""
    first, last = place, place + 1
    while first > 0 and place - first < width and ids[first - 1] >= 0:
        first -= 1
    while last < len(ids) and last - place <= width and ids[last] >= 0:
        last += 1
    return [ids[other] for other in range(first, last) if other != place]


def around(ids: Ids, place: int, window: int, shrink: bool, random: Iterator[int]) -> list[int]:
    """The context words of a place."""
    number = next(random)
    return window_of(ids, place, window - ((number >> 32) * window >> 32) if shrink else window)


def negatives_of(target: int, count: int, noise: tuple, random: Iterator[int]) -> list[int]:
    """Negative samples; one that is the target itself is left out."""
    members, first, last, thresholds, aliases = noise
    found = []
    for _ in range(count):
        number = next(random)
        item = first + ((number >> 32) * (last - first) >> 32)
        if (number & 0xFFFFFFFF) >= int(thresholds[item]):
            item = first + int(aliases[item])
        found.append(int(members[item]))
    return [word for word in found if word != target]


def huffman(counts: Sequence[int]) -> list[list[tuple[int, int]]]:
    """For each word, the inner nodes from the root on and the answers there: 1 to the rarer
    child."""
    vocab = len(counts)
    # Among equal counts inner nodes come first, the oldest of them, and then the last words.
    alive = [(count, 1, -word, word) for word, count in enumerate(counts)]
    paths: dict[int, list[tuple[int, int]]] = {word: [] for word in range(vocab)}
    below = {word: [word] for word in range(vocab)}
    for made in range(vocab, 2 * vocab - 1):
        alive.sort()
        (few, _, _, rare), (more, _, _, other), *alive = alive
        for node, answer in ((rare, 1), (other, 0)):
            for word in below[node]:
                paths[word].insert(0, (made - vocab, answer))
        below[made] = below[rare] + below[other]
        alive.append((few + more, 0, made, made))
    return [paths[word] for word in range(vocab)]


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def targets_of(word, negatives, noise, paths, random) -> tuple[list[int], np.ndarray]:
    """The rows that a word is predicted by, and the right answers."""
    if paths is not None:
        return [node for node, _ in paths[word]], np.array([answer for _, answer in paths[word]])
    targets = [word, *negatives_of(word, negatives, noise, random)]
    return targets, (np.arange(len(targets)) == 0).astype(float)


def skipgram(ids, inputs, outputs, *, window, shrink, negatives, noise, key, rates, base=0, paths=None) -> None:
    """Every context of a centre against the centre and the same negatives; all products take old
    values."""
    for place, centre in enumerate(ids):
        random = draws(key, base + place)
        if centre < 0 or not (contexts := around(ids, place, window, shrink, random)):
            continue
        rate = rates[0] + (rates[1] - rates[0]) * place / len(ids)
        targets, answers = targets_of(centre, negatives, noise, paths, random)
        old, words = outputs[targets].copy(), inputs[contexts].copy()
        gains = rate * (answers - sigmoid(words @ old.T))
        np.add.at(inputs, contexts, gains @ old)
        np.add.at(outputs, targets, gains.T @ words)


def _group(mean, target, outputs, negatives, noise, rate, random, paths=None) -> np.ndarray:
    targets, answers = targets_of(target, negatives, noise, paths, random)
    old = outputs[targets].copy()
    gains = rate * (answers - sigmoid(old @ mean))
    np.add.at(outputs, targets, np.outer(gains, mean))
    return gains @ old


def cbow(ids, inputs, outputs, *, window, shrink, negatives, noise, key, rates, base=0, paths=None) -> None:
    """The mean of the words around predicts the centre; each of them gets the whole error."""
    for place, centre in enumerate(ids):
        random = draws(key, base + place)
        if centre < 0 or not (contexts := around(ids, place, window, shrink, random)):
            continue
        rate = rates[0] + (rates[1] - rates[0]) * place / len(ids)
        error = _group(inputs[contexts].mean(axis=0), centre, outputs, negatives, noise, rate, random, paths)
        np.add.at(inputs, contexts, error)


def fasttext(ids, inputs, outputs, rows_of, *, window, shrink, negatives, noise, key, rates, base=0) -> None:
    """The mean of a word's rows predicts each word around; each row gets the whole error, and so
    does the mean, at once."""
    for place, centre in enumerate(ids):
        random = draws(key, base + place)
        if centre < 0:
            continue
        rate = rates[0] + (rates[1] - rates[0]) * place / len(ids)
        mean, error = inputs[rows_of[centre]].mean(axis=0), np.zeros(inputs.shape[1])
        for target in around(ids, place, window, shrink, random):
            error += _group(mean + error, target, outputs, negatives, noise, rate, random)
        np.add.at(inputs, rows_of[centre], error)


def fnv(text: str) -> int:
    """fastText's hash: FNV-1a, 32 bits, of bytes that count as signed."""
    mixed = 2166136261
    for byte in text.encode():
        mixed = ((mixed ^ (byte | 0xFFFFFF00 if byte & 0x80 else byte)) * 16777619) & 0xFFFFFFFF
    return mixed


def ngrams(word: str, smallest: int, largest: int) -> list[str]:
    """The n-grams of a word between < and >, by their beginnings; single marks are none."""
    marked = f"<{word}>"
    return [
        marked[begin : begin + size]
        for begin in range(len(marked))
        for size in range(smallest, largest + 1)
        if begin + size <= len(marked) and not (size == 1 and begin in (0, len(marked) - 1))
    ]


def cooccurrence(ids: Ids, weights: np.ndarray, vocab: int) -> np.ndarray:
    """The symmetric table of weighted counts."""
    table = np.zeros((vocab, vocab))
    for place, word in enumerate(ids):
        for step, weight in enumerate(weights, start=1):
            if word < 0 or place + step >= len(ids) or ids[place + step] < 0:
                break
            table[word, ids[place + step]] += weight
            table[ids[place + step], word] += weight
    return table


def ppmi(table: np.ndarray, power: float, shift: float) -> np.ndarray:
    """Positive pointwise mutual information, contexts smoothed by a power."""
    joint, words = table / table.sum(), table.sum(axis=1) / table.sum()
    contexts = table.sum(axis=0) ** power / (table.sum(axis=0) ** power).sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        information = np.log(joint / (words[:, None] * contexts)) - np.log(shift)
    return np.where(table > 0, np.maximum(information, 0), 0)


def glove(words, contexts, counts, left, right, left_squares, right_squares, *, rate, limit, power) -> None:
    """AdaGrad on weighted squares, pair by pair; the last number of a row is the bias."""
    for w, c, count in zip(words, contexts, counts, strict=True):
        one, other = left[w].copy(), right[c].copy()
        difference = one[:-1] @ other[:-1] + one[-1] + other[-1] - np.log(count)
        difference *= min(1.0, (count / limit) ** power)
        gradients = np.append(difference * other[:-1], difference), np.append(difference * one[:-1], difference)
        for matrix, squares, row, gradient in (
            (left, left_squares, w, gradients[0]),
            (right, right_squares, c, gradients[1]),
        ):
            step = rate * np.clip(gradient, -100, 100)
            matrix[row] -= step / np.sqrt(squares[row])
            squares[row] += step**2
