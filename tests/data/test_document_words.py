"""Words of documents: counted in stretches as in one."""

from pathlib import Path

import numpy as np
import pytest

from elman.data import document_words
from elman.data.document_words import WordCounts, count_words
from elman.models.documents import TfidfDocuments
from elman.system.cluster import Workers


class Others(Workers):
    """Work as other processes get it, in this one."""

    are_others = True


@pytest.mark.parametrize("stretch", [1, 40, 1 << 20])
def test_stretches_make_up_the_documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stretch: int) -> None:
    monkeypatch.setattr(document_words, "_STRETCH", stretch)
    rng = np.random.default_rng(1)
    texts = ["", *(" ".join(rng.choice(["a", "Zoë", "the", "été", "x1"], 9)) for _ in range(30)), "last"]
    (whole,) = count_words(texts, folder=tmp_path)
    parts = count_words(texts, folder=tmp_path / "shared", workers=Others())
    assert len(parts) == {1: 31, 40: 17, 1 << 20: 1}[stretch]  # the empty one goes with the next
    assert list((tmp_path / "shared").iterdir()) == []
    for least, most in ((1, None), (5, 3)):
        one, many = (TfidfDocuments.of_counts(each, min_count=least, most_terms=most) for each in ([whole], parts))
        assert one.terms == many.terms and len(one) == len(many) == len(texts)
        assert [each.tobytes() for each in one.to_arrays().values()] == [
            each.tobytes() for each in many.to_arrays().values()
        ]


def test_counts_by_hand() -> None:
    counts = WordCounts.of([["b", "a", "b"], [], ["c", "a"]])
    assert counts.words == ["a", "b", "c"] and counts.totals().tolist() == [2, 2, 1]
    assert [each.tolist() for each in counts[1:]] == [[2, 0, 2], [0, 1, 0, 2], [1, 2, 1, 1]]
