"""Counting on disk gives what counting in memory gives, within its memory, and leaves nothing
behind.
"""

import errno
import re
import shutil
import tracemalloc
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import elman
from elman.errors import StorageError, UsageError
from elman.models.ngram import counts_on_disk, spill_kernels
from elman.models.ngram.counting_memory import BufferSizes, RecordFormat, least_memory, needed, sizes_within
from elman.models.ngram.counts import OrderCounts, count_ngrams
from elman.models.ngram.counts_on_disk import count_on_disk, zeros_on_disk
from elman.models.ngram.spill import Spill
from elman.progress import Progress, ScreenProgress
from elman.system.machine import cache_folder

EOS = 1
TINY = BufferSizes(run=9, block=3, merge=5, part=2)
"""Runs of nine records, two of them merged at a time."""


def assert_same(found: list[OrderCounts], wanted: list[OrderCounts]) -> None:
    for n, (one, other) in enumerate(zip(found, wanted, strict=True), start=1):
        for name in ("keys", "counts", "raw"):
            array = getattr(one, name)
            assert array.dtype == np.int64
            np.testing.assert_array_equal(array, getattr(other, name), err_msg=f"{name} of order {n}")


def check(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    ids: Any,
    documents: list[int],
    *,
    order: int,
    vocab: int,
    sizes: BufferSizes = TINY,
) -> None:
    """Count both ways, with so many records held at a time, in a folder of its own."""
    folder = folder / f"{len(list(folder.iterdir()))}"
    folder.mkdir()
    ids, starts = np.asarray(ids, np.uint32), np.array([*documents, len(ids)])
    monkeypatch.setattr(counts_on_disk, "sizes_within", lambda *_, **__: sizes)
    given: dict[str, Any] = {"order": order, "vocab_size": vocab, "eos_id": EOS}
    assert_same(count_on_disk(ids, starts, **given, max_ram=0, folder=folder), count_ngrams(ids, starts, **given))
    kinds = {path.name.split("-")[0] for path in folder.iterdir()}
    assert kinds <= {"keys", "raw", "counts"}, "runs are gone once they are merged"


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_as_in_memory_whatever_the_text(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    vocab = data.draw(st.sampled_from([2, 3, 6, 300]))
    ids = data.draw(st.lists(st.integers(0, vocab - 1) | st.just(EOS), min_size=1, max_size=150))
    documents = sorted(data.draw(st.sets(st.integers(1, len(ids)), max_size=4)) | {0})
    sizes = data.draw(
        st.builds(
            BufferSizes,
            run=st.integers(6, 60),
            block=st.integers(2, 6),
            merge=st.integers(4, 40),
            part=st.sampled_from([1, 2]),
        )
    )
    with pytest.MonkeyPatch.context() as patch:
        folder, order = tmp_path_factory.mktemp("any"), data.draw(st.integers(1, 7))
        check(folder, patch, ids, documents, order=order, vocab=vocab, sizes=sizes)


def test_odd_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for order in (1, 2, 5, 7):
        for ids, documents in (
            ([EOS] * 50, [0]),  # empty lines
            ([2] * 200, [0]),  # one word, no line end
            ([2, 3, 4, 2, 3, 4, 2], [0, 2, 3, 6]),  # documents that end inside a line
            ([2, 3, EOS, 2, 3, EOS], [0, 0, 3, 3, 6]),  # empty documents
            ([EOS], [0]),
            (list(range(2, 60)) * 2, [0]),
            ([2, 3, EOS], []),
        ):
            check(tmp_path, monkeypatch, ids, documents, order=order, vocab=60)


@pytest.mark.parametrize("vocab", [7, 255, 65_534, 65_535, 65_536, 70_000, (1 << 21) - 2, (1 << 21) - 1])
def test_the_largest_ids_of_any_width(vocab: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(vocab)
    ids = draw.choice([EOS, 2, 3, vocab - 2, vocab - 1], 300)
    check(tmp_path, monkeypatch, ids, [0, 100], order=7, vocab=vocab)


def test_less_than_one_run_and_blocks_that_lines_cross(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = np.random.default_rng(1).integers(1, 5, 500)
    check(tmp_path, monkeypatch, ids, [0], order=4, vocab=5, sizes=BufferSizes(run=1000, block=50, merge=50, part=5))
    monkeypatch.setattr(counts_on_disk, "TOKENS", 1)
    check(tmp_path, monkeypatch, ids, [0, 7], order=4, vocab=5)


@pytest.mark.slow
@pytest.mark.parametrize("more", [0, 6_000_000])
def test_many_runs_within_the_memory_given(more: int, tmp_path: Path) -> None:
    draw = np.random.default_rng(2)
    ids = np.minimum(70_000 * draw.random(700_000) ** 6, 69_999).astype(np.uint32)
    documents = np.array([0, len(ids)])
    count: dict[str, Any] = {"order": 5, "vocab_size": 70_000, "eos_id": EOS}
    limit = least_memory(5, 70_000) + more
    told: list[int] = []

    class Heard(Progress):
        def stage(self, name: str, *, total: int | None = None, unit: str = "") -> Any:
            told.append(-(total or 0))
            return nullcontext(told.append)

    count_on_disk(ids[:9], np.array([0, 9]), **count, max_ram=limit, folder=tmp_path)  # compiled once
    tracemalloc.start()
    try:
        found = count_on_disk(ids, documents, **count, max_ram=limit, folder=tmp_path, progress=Heard())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert limit / 2 < peak <= limit < needed(len(ids), 5, 70_000)[0] / 4
    assert all(isinstance(array, np.memmap) for level in found for array in (level.keys, level.counts, level.raw))
    assert_same(found, count_ngrams(ids, documents, **count))
    assert told[0] == -6 * len(ids) and -0.01 * len(ids) < sum(told) <= 0
    on_disk = sum(path.stat().st_size for path in tmp_path.iterdir())
    assert on_disk < needed(len(ids), 5, 70_000)[1]


@pytest.mark.parametrize("width", [1, 2, 3])
def test_sorting_whatever_the_order(width: int) -> None:
    draw = np.random.default_rng(width)
    rising = np.arange(3000)
    for first in (
        rising, rising[::-1], np.minimum(rising, rising[::-1]), rising * 0, rising % 7, draw.integers(0, 9, 3000),
        draw.permutation(3000), np.where(rising % 2, rising, 3000 - rising), rising[:25], rising[:0],
    ):  # fmt: skip
        rows = np.stack([first + (1 << 40), *draw.integers(0, 4, (2, len(first)))], axis=1)[:, :width]
        records = np.ascontiguousarray(rows, np.uint64) << np.uint64(23)
        wanted = sorted(map(tuple, records.tolist()))
        spill_kernels.sort(records, len(records))
        assert list(map(tuple, records.tolist())) == wanted


def test_only_what_is_given_is_sorted() -> None:
    records = np.arange(100, 0, -1, dtype=np.uint64)[:, None]
    spill_kernels.sort(records, 60)
    assert records[:, 0].tolist() == [*range(41, 101), *range(40, 0, -1)]


@pytest.mark.parametrize("runs", [1, 2, 3, 7, 30])
def test_merged_runs_are_distinct_and_counted(runs: int, tmp_path: Path) -> None:
    draw = np.random.default_rng(runs)
    spill = Spill(tmp_path, "some", width=2, sizes=BufferSizes(run=20, block=4, merge=9, part=3))
    wanted: Counter[tuple[int, int]] = Counter()
    for _ in range(runs):
        spill.reserve(20)
        rows = draw.integers(0, 5, (20, 2))
        spill.buffer[:], spill.filled = rows, 20
        wanted.update(map(tuple, rows.tolist()))
    spill.finish()
    assert len(list(tmp_path.iterdir())) == runs
    read: list[int] = []
    at_most = spill.work
    found = [tuple(row) for block in spill.merged(read.append) for row in block.tolist()]
    assert found == [(*record, count) for record, count in sorted(wanted.items())]
    assert sum(read) <= at_most and (runs > 3 or sum(read) == at_most)
    assert list(tmp_path.iterdir()) == []


def test_fields_lie_where_they_compare_first() -> None:
    layout = RecordFormat.of(5, largest=65_535)
    assert (layout.words.tolist(), layout.shifts.tolist()) == ([0, 0, 0, 0, 1], [48, 32, 16, 0, 48])
    assert RecordFormat.of(7, largest=65_536).words.tolist() == [0, 0, 0, 1, 1, 1, 2]
    assert RecordFormat.of(1, largest=1).mask == 7


def test_room_by_hand() -> None:
    # Records of 3 numbers, both sorts; 4 orders of 24 bytes each; V times 24. In memory: 106, and
    # 24 per n-gram.
    assert needed(10**6, 5, 60_000) == (106 * 10**6 + 24 * (4 * 10**6 + 60_000), 144 * 10**6 + 24 * 60_000)
    # Of 3 types there are only 12 bigrams and 36 trigrams, `<s>` as a first one counted; records of
    # 2 numbers.
    assert needed(10**6, 3, 3) == (106 * 10**6 + 24 * 51, 32 * 10**6 + 24 * 51)
    # Of 100 MB a third are parts of runs, the rest a run of two numbers each.
    sizes = sizes_within(100_000_000, tokens=10**9, order=5, vocab_size=60_000)
    assert 90e6 < sizes.merge * 24 + sizes.run * 16 < 100e6 and sizes.fan_in > 100


def test_too_little_memory_is_said_at_once(tmp_path: Path) -> None:
    count: dict[str, Any] = {"order": 5, "vocab_size": 1000, "eos_id": EOS, "folder": tmp_path}
    with pytest.raises(UsageError, match=r"--max-ram is 2 MB; .* at least 7 MB: give --max-ram 7M or more") as caught:
        count_on_disk(np.array([2, EOS]), np.array([0, 2]), **count, max_ram=2_000_000)
    assert "\n" not in str(caught.value)
    count_on_disk(np.array([2, EOS]), np.array([0, 2]), **count, max_ram=7_000_000)


@pytest.fixture(scope="module")
def long_text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    draw = np.random.default_rng(3)
    words = np.minimum(800 * draw.random((6000, 9)) ** 3, 799).astype(int)
    path = tmp_path_factory.mktemp("long") / "text.txt"
    path.write_text("\n".join(" ".join(f"w{word}" for word in line) for line in words) + "\n")
    return path


def count_text(text: Path, out: Path, **settings: Any) -> None:
    elman.train(text, out=out, model="ngram", pretokenized=True, **settings)


@pytest.mark.slow
def test_the_model_is_the_same_bytes(cli: Callable[..., Any], long_text: Path, tmp_path: Path) -> None:
    words = ("train", long_text, "--model", "ngram", "--pretokenized", "--out")
    for name, more, told in (("all", (), 0), ("some", ("--max-ram", "9.5M"), 1), ("fits", ("--max-ram", "1G"), 0)):
        result = cli(*words, tmp_path / name, *more)
        assert result.code == 0, result.err
        assert result.err.count("it is done on disk") == result.err.count("--max-ram is 10 MB") == told
    for file in ("model.safetensors", "config.json"):
        whole = (tmp_path / "all" / file).read_bytes()
        assert whole == (tmp_path / "some" / file).read_bytes() == (tmp_path / "fits" / file).read_bytes()
    assert list((cache_folder() / "counts").iterdir()) == []


@pytest.mark.parametrize(
    ("blow", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "became full while counting.* set ELMAN_CACHE"),
        (OSError(errno.EIO, "Input/output error"), "Input/output error"),
        (KeyboardInterrupt("stop"), "stop"),
    ],
)
def test_nothing_stays_after_a_failure(
    blow: BaseException, said: str, long_text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    merged, seen = Spill.merged, []

    def fail(self: Spill, advance: Callable[[int], None]) -> Any:
        blocks = merged(self, advance)
        yield next(blocks)
        seen.extend((cache_folder() / "counts").rglob("*"))
        raise blow

    monkeypatch.setattr(Spill, "merged", fail)
    wanted = StorageError if isinstance(blow, OSError) else KeyboardInterrupt
    with pytest.raises(wanted, match=said) as caught:
        count_text(long_text, tmp_path / "model", max_ram="10M")
    assert len(seen) > 3 and "\n" not in str(caught.value)
    assert list((cache_folder() / "counts").iterdir()) == [] and list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_disk_with_too_little_room_is_seen_before(
    long_text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    usage = type(shutil.disk_usage(tmp_path))
    told = {3_000_000: "set ELMAN_CACHE to a folder on a larger disk", 5_000_000: "half of that is usual"}
    for free, said in told.items():
        monkeypatch.setattr(shutil, "disk_usage", lambda path, free=free: usage(100, 95, free))
        expected = f"counting may take 7 MB of disk in .*counts, where {free // 10**6} MB are free; {said}"
        if free < 3_500_000:
            with pytest.raises(StorageError, match=expected):
                count_text(long_text, tmp_path / "model", max_ram="10M")
        else:
            count_text(long_text, tmp_path / "model", max_ram="10M", progress=ScreenProgress())
            assert re.search(f"note: {expected}", capsys.readouterr().err)
            shutil.rmtree(tmp_path / "model")
        assert list((cache_folder() / "counts").iterdir()) == [] and list(tmp_path.iterdir()) == []


def test_zeros_on_disk_are_gone_with_their_last_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    zeros = zeros_on_disk(tmp_path)
    for length, dtype in ((5, np.int64), (3, np.uint32), (0, np.float64), (400_000, np.float64)):
        array = zeros(length, dtype)
        assert array.dtype == dtype and array.shape == (length,) and not array.any()
        array[-2:] = 7
        assert array.sum() == 7 * min(length, 2)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.delattr("os.posix_fallocate")
    assert not zeros(400_000, np.float64).any()


@pytest.mark.parametrize("size", ["", "lots", "-1G", "5", "1.G", "2T", "1 000M", "1e3M"])
def test_sizes_that_are_none(size: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--max-ram is .* try --max-ram 2G"):
        count_text(tmp_path / "unread.txt", tmp_path / "model", max_ram=size)


def test_networks_are_not_counted(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--max-ram applies to --model ngram only"):
        elman.train(tmp_path / "unread.txt", out=tmp_path / "model", max_ram="2G")
