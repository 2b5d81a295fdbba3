"""Word vectors from counts: what weighting does, word2vec as factorisation, and what analogies
hide.

    python examples/word_vectors.py weights TEXT WORD...     contexts of words, by count and by PPMI
    python examples/word_vectors.py factorise TEXT PICTURE   skip-gram's optimum is PMI - log k
    python examples/word_vectors.py analogies MODEL          singular and plural, the question's words left out or not
    python examples/word_vectors.py frequency MODEL          what rare words are near to

TEXT is a file or builtin:pydocs, MODEL a folder of `elman train TEXT --task vectors`.
"""

import sys
from collections import Counter

import numpy as np

import elman
from elman.data.word_text import split_words
from elman.text.corpus import read_lines

WINDOW, NEGATIVES, WORDS, ROUNDS = 5, 5, 600, 250
SINGULAR = "file list function module class object method argument value string line name type error"


def pairs(text: str, most: int | None = None) -> tuple[list[str], np.ndarray]:
    """The most frequent words, and how often each two stand within the window ``[V, V]``."""
    lines = [split_words(line) for line, _ in read_lines(text)]
    counts = Counter(word for line in lines for word in line)
    words = [word for word, count in counts.most_common(most) if count >= 5]
    ids = {word: number for number, word in enumerate(words)}
    table = np.zeros((len(words), len(words)))
    for line in lines:
        row = np.array([ids.get(word, -1) for word in line])
        for distance in range(1, min(WINDOW, len(row) - 1) + 1):
            left, right = row[:-distance], row[distance:]
            known = (left >= 0) & (right >= 0)
            np.add.at(table, (left[known], right[known]), 1)
    return words, table + table.T


def pmi(table: np.ndarray) -> np.ndarray:
    """log p(a, b) / (p(a) p(b)); minus infinity where a pair was never seen."""
    sums = np.maximum(table.sum(axis=1), 1)
    with np.errstate(divide="ignore"):
        return np.log(table) + np.log(table.sum()) - np.log(sums)[:, None] - np.log(sums)


def weights(text: str, *asked: str) -> None:
    words, table = pairs(text)
    by_pmi = np.where(table > 4, np.maximum(pmi(table), 0), 0)
    for word in asked:
        if word not in words:
            sys.exit(f"{word!r} does not occur five times in the text; ask for another one")
        row = words.index(word)
        for name, scores, shape in (("count", table[row], "{:.0f}"), ("PPMI", by_pmi[row], "{:.1f}")):
            best = np.argsort(-scores, kind="stable")[:8]
            print(f"{word:10} {name:6} {'  '.join(f'{words[each]} {shape.format(scores[each])}' for each in best)}")


def factorised(table: np.ndarray, size: int) -> np.ndarray:
    """Products of the word and context vectors that skip-gram with negative sampling would find,
    had it for ever: the maximum over vectors of the expected objective, by AdaGrad."""
    random = np.random.default_rng(1)
    words, contexts = (random.normal(0, 0.5, (len(table), size)) / np.sqrt(size) for _ in range(2))
    sums = table.sum(axis=1)
    # Each pair is seen this often, and as a negative sample so often.
    negative = NEGATIVES * sums[:, None] * sums / sums.sum()
    scale = table + negative
    squares = [np.full(words.shape, 1e-8), np.full(contexts.shape, 1e-8)]
    for _ in range(ROUNDS):
        slope = table - scale / (1 + np.exp(-(words @ contexts.T)))
        for vectors, gradient, square in zip(
            (words, contexts), (slope @ contexts, slope.T @ words), squares, strict=True
        ):
            square += gradient**2
            vectors += 0.3 * gradient / np.sqrt(square)
    return words @ contexts.T


def factorise(text: str, picture: str) -> None:
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    _, table = pairs(text, WORDS)
    often = table >= 20
    wanted = pmi(table)[often] - np.log(NEGATIVES)
    print(f"{len(table)} words, {often.sum():,} pairs that were seen 20 times or more")
    figure, places = pyplot.subplots(1, 3, figsize=(9, 3.2), sharex=True, sharey=True, layout="constrained")
    for size, place in zip((5, 25, 100), places, strict=True):
        found = factorised(table, size)[often]
        near = np.corrcoef(found, wanted)[0, 1]
        print(f"{size:4} dimensions: correlation of the products with PMI - log {NEGATIVES}: {near:.2f}")
        some = np.random.default_rng(1).permutation(len(wanted))[:1500]
        place.plot(wanted[some], found[some], ".", markersize=2, alpha=0.5, color="#3b6ea5")
        place.axline((0, 0), slope=1, color="#888888", linewidth=0.8)
        place.set_title(f"{size} dimensions", fontsize=10)
        place.set_xlabel("PMI − log k")
    places[0].set_ylabel("word vector · context vector")
    figure.savefig(picture, dpi=90)


def analogies(folder: str) -> None:
    vectors = elman.load(folder)
    plurals = [(word, word + ("es" if word.endswith("s") else "s")) for word in SINGULAR.split(" ")]
    known = [(one, several) for one, several in plurals if one in vectors and several in vectors]
    units = vectors.vectors / np.maximum(np.linalg.norm(vectors.vectors, axis=1, keepdims=True), 1e-9)
    row = vectors.vocabulary.row
    counts: Counter[str] = Counter()
    for a, b in known:
        for c, d in known:
            if a == c:
                continue
            counts["questions"] += 1
            scores = units @ (units[row(b)] - units[row(a)] + units[row(c)])
            counts["a question's word is nearest"] += vectors.words[int(scores.argmax())] in (a, b, c)
            counts["right, all words allowed"] += vectors.words[int(scores.argmax())] == d
            scores[[row(a), row(b), row(c)]] = -np.inf
            counts["right, the question's words left out"] += vectors.words[int(scores.argmax())] == d
            alone = units @ units[row(c)]
            alone[[row(a), row(b), row(c)]] = -np.inf
            counts["right without the analogy: the nearest to c"] += vectors.words[int(alone.argmax())] == d
    for name, count in counts.items():
        shown = f"{count}" if name == "questions" else f"{100 * count / counts['questions']:.0f}%"
        print(f"{name:45} {shown}")


def frequency(folder: str) -> None:
    vectors = elman.load(folder)
    print("word seen             words   length   its ten nearest: seen (median)   cosine of the nearest")
    seen = vectors.vocabulary.counts
    for low, high in ((5, 9), (10, 49), (50, 499), (500, 10**9)):
        rows = np.flatnonzero((seen >= low) & (seen <= high))
        if not len(rows):
            continue
        some = rows[np.linspace(0, len(rows) - 1, min(len(rows), 200)).astype(int)]
        near = [vectors.most_similar(vectors.words[each]) for each in some]
        median = np.median([seen[vectors.vocabulary.row(word)] for found in near for word, _ in found])
        length = np.linalg.norm(vectors.vectors[some], axis=1).mean()
        name = f"{low} to {high} times" if high < 10**9 else f"{low} times or more"
        first = np.mean([found[0][1] for found in near])
        print(f"{name:20} {len(rows):6} {length:8.2f} {median:17.0f} {first:36.2f}")


def main() -> None:
    uses = {"weights": weights, "factorise": factorise, "analogies": analogies, "frequency": frequency}
    if len(sys.argv) < 3 or sys.argv[1] not in uses:
        sys.exit(__doc__)
    uses[sys.argv[1]](*sys.argv[2:])


if __name__ == "__main__":
    main()
