"""The scan in 8 bits finds what comparing all words finds, bit for bit."""

import numpy as np
import pytest

from elman.data.vocabulary import Vocabulary
from elman.models import word_vectors
from elman.models.vectors.eight_bits import EightBits
from elman.models.word_vectors import Vector, WordVectors

COUNT = 3000


def table(kind: str, size: int) -> Vector:
    """Rows with neighbours, with many equal rows, or of odd lengths."""
    rng = np.random.default_rng(size)
    rows = rng.normal(size=(COUNT, size)).astype(np.float32)
    if kind == "ties":
        rows = rows[rng.integers(0, 60, COUNT)]
    elif kind == "close":  # around few centres, nearer to each other than 8 bits can tell
        rows = rows[rng.integers(0, 60, COUNT)] + np.float32(1e-4) * rows
    elif kind == "lengths":
        rows *= (10.0 ** rng.uniform(-18, 15, (COUNT, 1))).astype(np.float32)
        rows[:: COUNT // 7] = 0
        rows[5::11, 1:] = 0  # along one axis: the scale of 8 bits is all of it
        rows[6::97] *= np.float32(1e-12)  # their squares vanish
    return rows.astype(np.float32)


@pytest.mark.parametrize("size", [3, 37, 300])
@pytest.mark.parametrize("kind", ["random", "ties", "close", "lengths"])
def test_answers_are_those_of_all_rows(kind: str, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"w{row}" for row in range(COUNT)]
    plain, quick = (WordVectors(Vocabulary(names, [1] * COUNT), table(kind, size)) for _ in range(2))
    with monkeypatch.context() as patch:
        patch.setattr(word_vectors, "_SCANNED_NUMBERS", 1)
        quick.prepare()
    assert quick._eight_bits is not None
    few = 0
    for row in range(0, COUNT, 251):
        asked = ([names[row]], ([names[row], names[row - 1]], [names[row - 2]]), [plain.vectors[row] * 3])
        for question in asked:
            parts = question if isinstance(question, tuple) else (question,)
            for topn in (1, 10, 30):
                assert quick.most_similar(*parts, topn=topn) == plain.most_similar(*parts, topn=topn)
        found = quick._eight_bits.candidates(word_vectors.unit(plain.vectors[row]), 10)
        few += found is not None and len(found) < COUNT / 10
    assert few == 12 or kind != "random" or size < 300  # there, full scores are spared
    assert plain._eight_bits is None
    # More words than blocks of rows: all are compared.
    assert len(quick.most_similar("w1", topn=COUNT)) == COUNT - 1


def test_bounds_hold_for_every_row() -> None:
    """The k-th best of 64-bit cosines is reached by all rows within, however the rows are
    scaled."""
    rows = table("lengths", 20)
    norms = np.maximum(np.sqrt(np.einsum("vd,vd->v", rows, rows)), np.float32(1e-30))
    exact = rows.astype(np.float64) / norms[:, None]
    scan = EightBits(rows, norms)
    for seed in range(20):
        asked = word_vectors.unit(np.random.default_rng(seed).normal(size=20))
        scores = exact @ asked.astype(np.float64)
        for count in (1, 5, 40):
            found = scan.candidates(asked, count)
            best = np.flatnonzero(scores >= np.sort(scores)[-count])
            assert found is None or set(best) <= set(found)


def test_the_copy_is_made_when_it_pays(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = WordVectors(Vocabulary([f"w{row}" for row in range(COUNT)], [1] * COUNT), table("random", 37))
    vectors.prepare()
    assert vectors._eight_bits is None  # a small table
    monkeypatch.setattr(word_vectors, "_SCANNED_NUMBERS", COUNT * 37)
    found = [vectors.most_similar("w7") for _ in range(word_vectors._FEW_QUESTIONS)]
    assert vectors._eight_bits is None
    found.append(vectors.most_similar("w7"))
    assert vectors._eight_bits is not None and all(each == found[0] for each in found)
