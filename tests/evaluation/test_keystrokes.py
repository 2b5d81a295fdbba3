"""Intervals of the keys that are saved, and of what a keyboard adds."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

import elman
from elman.decode.keystrokes import Keystrokes
from elman.evaluation.keystrokes import Typist, keystrokes_of
from elman.progress import Progress
from elman.text.corpus import read_text


def saving(*saved: int) -> Typist:
    """Types lines of ten characters, and saves so many keys of each."""

    def typist(lines: Iterable[tuple[str, bool]]) -> Iterator[Keystrokes]:
        for _, less in zip(lines, saved, strict=True):
            yield Keystrokes(keys=10 - less, chars=10, words=2)

    return typist


def test_a_share_of_saved_keys_has_an_interval_and_a_gain_is_paired(ngram_folder: Path, tmp_path: Path) -> None:
    (text := tmp_path / "lines.txt").write_text("Anna sees.\n" * 40)
    easy_and_hard = [1, 5] * 20
    with read_text([text], folder=tmp_path) as lines:
        how = {"context": "independent", "progress": Progress()}
        found = keystrokes_of(
            elman.load(ngram_folder).lm, lines, **how, typist=saving(*(n + 2 for n in easy_and_hard)),
            plain=saving(*easy_and_hard),
        )  # fmt: skip
    assert found["saved"] == found["interval"]["value"] == pytest.approx(0.5)
    # The mean of 40 lines, each 0.3 or 0.7: 0.2 / sqrt(40) is its standard error; Student's t of 39
    # degrees 2.02.
    half = 2.02 * 0.2 / 40**0.5
    assert found["interval"]["high"] - 0.5 == pytest.approx(half, rel=0.15)
    assert 0.5 - found["interval"]["low"] == pytest.approx(half, rel=0.15)
    assert found["plain"]["saved"] == pytest.approx(0.3)
    # The same in every line, so nothing is uncertain: what is hard for both does not count.
    assert [found["gain"][side] for side in ("value", "low", "high")] == pytest.approx([0.2] * 3)
