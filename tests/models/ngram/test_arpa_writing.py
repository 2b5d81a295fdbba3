"""ARPA files as elman writes them: exact bytes, shortest numbers, and never half of one."""

import errno
import os

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.models.ngram.arpa_plain import (
    CAMBRIDGE,
    PLAIN,
    same,
    written,
)

from elman.errors import StorageError
from elman.models.ngram.arpa_reader import read_arpa
from elman.models.ngram.arpa_writer import write_arpa
from elman.models.ngram.backoff import BackoffTables


@pytest.mark.slow
@settings(deadline=None)
@given(st.lists(st.floats(-1000, 0, width=32), min_size=3, max_size=30))
@example([-(10.0**power) for power in range(-44, 4)])
@example([-1e-10, -0.9999999e-10, -999.99994, -9.999999, -99.0, -100.0, -0.0, -1.1e-10])
def test_numbers_are_written_shortest_and_read_back_exactly(tmp_path_factory, numbers):
    probs = np.array(numbers, np.float32) + np.float32(0)
    words = ["<unk>", "</s>", *(f"w{place}" for place in range(2, len(probs)))]
    path = tmp_path_factory.mktemp("numbers") / "a.arpa"
    write_arpa(path, BackoffTables(keys=(), log10_probs=(probs,), log10_backoffs=()), words)
    np.testing.assert_array_equal(read_arpa(path).tables.log10_probs[0], probs)
    spelled = {line.split("\t")[1]: line.split("\t")[0] for line in path.read_text().splitlines() if "\t" in line}
    for word, number in zip(words, probs, strict=True):
        if number == 0 or abs(number) >= 1e-10:
            assert spelled[word] == np.format_float_positional(number, trim="-")


@pytest.mark.parametrize("name", ["a.arpa", "a.arpa.gz"])
def test_what_elman_writes_is_the_same_bytes_when_written_again(tmp_path, name):
    for text in (PLAIN, CAMBRIDGE):
        found = read_arpa(written(tmp_path / "given", text))
        write_arpa(tmp_path / name, found.tables, found.words)
        first = (tmp_path / name).read_bytes()
        # A gzip header without flags (so without a name) and without a time.
        assert first.startswith(b"\x1f\x8b\x08\0\0\0\0\0") == name.endswith(".gz")
        again = read_arpa(tmp_path / name)
        same(again, found)
        write_arpa(tmp_path / name, again.tables, again.words)
        assert (tmp_path / name).read_bytes() == first
    assert sorted(path.name for path in tmp_path.iterdir()) == [name, "given"]


def test_exact_bytes(tmp_path):
    found = read_arpa(written(tmp_path / "given", PLAIN))
    write_arpa(tmp_path / "a", found.tables, found.words)
    assert (
        (tmp_path / "a").read_text()
        == """\\data\\
ngram 1=6
ngram 2=6
ngram 3=3

\\1-grams:
-1.5\t<unk>\t-0.125
-0.47712123\t</s>
-99\t<s>\t-0.30103
-0.69897\tsun\t-0.2
-1\train
-0.845098\tand\t0.1

\\2-grams:
-1.25\t<unk> and\t-1
-0.3\tsun and
-0.05\train </s>
-0.60206\tand rain
-0.2\t<s> sun\t-0.5
-0.9\t<s> rain\t-0.7

\\3-grams:
-0.2\tsun and sun
-0.0457575\tsun and rain
-0.1\t<s> sun and

\\end\\
"""
    )


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    found = read_arpa(written(tmp_path / "given", PLAIN))

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="the disk is full"):
        write_arpa(tmp_path / "given", found.tables, found.words)
    assert (tmp_path / "given").read_text() == PLAIN and os.listdir(tmp_path) == ["given"]
