"""Texts elsewhere: fsspec's own memory stands for a bucket."""

import gzip
import sys
from typing import Any

import pytest

from elman.errors import MissingExtra, TextError
from elman.tasks.request import _absolute
from elman.text.corpus import read_lines
from elman.text.remote import find_addresses

fsspec = pytest.importorskip("fsspec")


@pytest.fixture
def bucket() -> Any:
    files = fsspec.filesystem("memory")
    files.pipe("/bucket/b.txt.gz", gzip.compress("Zoë sees\nthe house\n".encode() * 40_000))
    files.pipe("/bucket/a.jsonl", b'{"text": "one"}\n{"text": "two"}\n')
    files.pipe("/bucket/empty.txt", b"")
    yield files
    files.rm("/bucket", recursive=True)


def test_files_elsewhere_are_read_as_files_here(bucket: Any) -> None:
    lines = list(read_lines("memory://bucket/b.txt.gz"))
    assert len(lines) == 80_000 and lines[1] == ("the house", False)
    assert find_addresses("memory://bucket/*.*") == [
        f"memory://bucket/{x}" for x in ("a.jsonl", "b.txt.gz", "empty.txt")
    ]
    assert len(list(read_lines("memory://bucket/b*"))) == 80_000
    assert _absolute("memory://bucket/b*") == "memory://bucket/b*"


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("memory://bucket/no.txt", "no file is there"),
        ("memory://bucket/*.csv", "no file is there"),
        ("memory://bucket/empty.txt", "empty, there is no text"),
        ("nowhere://bucket/a", "Protocol not known: nowhere"),
    ],
)
def test_what_is_not_there_is_said_in_one_line(bucket: Any, address: str, said: str) -> None:
    with pytest.raises(TextError, match=said) as caught:
        list(read_lines(address))
    assert str(caught.value).startswith(address) and "\n" not in str(caught.value)


def test_what_goes_wrong_while_reading_is_said(bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Cut:
        def read(self, count: int) -> bytes:
            raise RuntimeError("the link\nwas cut")

        def close(self) -> None:
            pass

    monkeypatch.setattr(type(bucket), "open", lambda *given, **more: Cut())
    with pytest.raises(TextError, match=r"^memory://bucket/b.txt.gz: cannot be read \(the link\); check") as caught:
        list(read_lines("memory://bucket/b.txt.gz"))
    assert "\n" not in str(caught.value)


def test_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(
        MissingExtra, match=r"s3://b/a.txt: files elsewhere need fsspec; run: pip install 'elman\[remote\]'"
    ):
        find_addresses("s3://b/a.txt")
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(MissingExtra, match=r"s3://b/a.txt: Install s3fs .*pip install 'elman\[remote\]'"):
        find_addresses("s3://b/a.txt")
