import bz2
import gzip
import io
import lzma
import sys

import pytest

from elman.errors import TextError
from elman.text import decoding
from elman.text.decoding import raw_lines
from elman.text.sources import find_sources

BLOCK = decoding._BLOCK


def lines_of(path, encoding="utf-8"):
    return [
        line
        for source in find_sources(str(path))
        for line in raw_lines(source, encoding=encoding, advance=lambda n: None)
    ]


def file(tmp_path, data, name="a.txt"):
    path = tmp_path / name
    path.write_bytes(data)
    return path


def message(path, encoding="utf-8"):
    with pytest.raises(TextError) as caught:
        lines_of(path, encoding)
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(f"{path}: ")


def test_line_ends_and_byte_order_mark(tmp_path):
    assert lines_of(file(tmp_path, b"\xef\xbb\xbfa \r\n\r\nb\rc\x0bd")) == ["a ", "", "b", "c\x0bd"]
    assert lines_of(file(tmp_path, b"a\n")) == ["a"]
    assert lines_of(file(tmp_path, b"")) == []


@pytest.mark.parametrize("before", range(-3, 2))
def test_exact_lines_are_the_whole_text(tmp_path, before):
    text = "\ufeff" + "x" * (BLOCK + before - 3) + "\r\nq\r\rw\n\r\n\u2028\x0b"
    (source,) = find_sources(str(file(tmp_path, text.encode())))
    lines = list(raw_lines(source, encoding="utf-8", advance=lambda n: None, exact=True))
    assert "".join(lines) == text
    assert lines[1:] == ["q\r", "\r", "w\n", "\r\n", "\u2028\x0b"]


@pytest.mark.parametrize("before", range(-3, 2))
def test_nothing_is_lost_at_a_block_border(tmp_path, before):
    # Moves a four-byte character and a \r\n across the border byte by byte.
    head = b"x" * (BLOCK + before)
    assert lines_of(file(tmp_path, head + "😀".encode() + b"\nq")) == [head.decode() + "😀", "q"]
    assert lines_of(file(tmp_path, head + b"\r\nq\r\n")) == [head.decode(), "q"]


def test_a_line_of_many_blocks_is_one_line(tmp_path):
    long = "ab" * (5 << 20)
    assert lines_of(file(tmp_path, f"{long}\nend\n".encode())) == [long, "end"]


@pytest.mark.parametrize(
    ("suffix", "compress"), [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)]
)
def test_compressed_files(tmp_path, suffix, compress):
    data = compress("één\nzwei\n".encode())
    assert lines_of(file(tmp_path, data, f"a.txt{suffix}")) == ["één", "zwei"]
    assert lines_of(file(tmp_path, data + data, f"a.txt{suffix}")) == ["één", "zwei"] * 2
    kind = suffix[1:]
    assert message(file(tmp_path, data[:-9], f"cut{suffix}")).startswith(f"damaged or cut off, or no {kind} file")
    assert message(file(tmp_path, b"plain text\n", f"plain{suffix}")).startswith(
        f"damaged or cut off, or no {kind} file"
    )


@pytest.mark.parametrize("offset", [0, 5, BLOCK - 2, BLOCK - 1, BLOCK, 3 * BLOCK + 17])
def test_the_offset_of_a_bad_byte(tmp_path, offset):
    # é in latin-1, then é in UTF-8 whose two bytes may straddle a border.
    data = b"y" * offset + b"\xe9" + b" and \xc3\xa9" * 12
    assert message(file(tmp_path, data)) == (
        f"not valid utf-8 at byte {offset} (0xe9); 1 place is not utf-8, and 12 characters beyond ASCII are; so the "
        "file is damaged: mend it, or leave such bytes out with iconv -c -f utf-8 -t utf-8"
    )
    packed = message(file(tmp_path, gzip.compress(data, 1), "a.gz"))
    assert packed.startswith(f"not valid utf-8 at decompressed byte {offset} (0xe9); 1 place is not utf-8")


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1252", "She said “it’s naïve” – and left the café.\n"),
        ("latin-1", "Où êtes-vous allé après la fête à Besançon ?\n"),
        ("cp1250", "Zażółć gęślą jaźń. Kot siedział na oknie.\n"),
        ("cp1254", "Kedi pencerede oturmuş, sokağa bakıyordu.\n"),
        ("latin-1", "Kötturinn sat í glugganum og horfði út á götuna. Það er gott.\n"),
        ("cp1251", "Кошка сидела на окне. «Привет», – сказала она.\n"),
        ("koi8-r", "Кошка сидела на окне. Привет, сказала она.\n"),
        ("shift_jis", "猫が窓に座って、通りを見ていました。\n"),
        ("euc_jp", "猫が窓に座って、通りを見ていました。\n"),
        ("gb18030", "猫坐在窗户上看着街道。她说你好。\n"),
        ("euc_kr", "고양이가 창문에 앉아 거리를 바라보고 있었다.\n"),
        ("utf-16-le", "Кошка сидела на окне.\n"),
    ],
)
@pytest.mark.parametrize("before", [0, 2 * BLOCK])
def test_the_likely_encoding_is_named(tmp_path, encoding, text, before):
    # The beginning of a file may be plain ASCII.
    data = ("plain\n" * (before // 6) + text * 3).encode(encoding)
    assert message(file(tmp_path, data)).endswith(f"--encoding {encoding}")


def test_a_file_in_two_encodings(tmp_path):
    data = "“café”\n".encode() * 20 + "“café”\n".encode("cp1252") * 20
    assert "mixes utf-8 (20 lines) with another encoding (20 lines), probably cp1252; convert" in message(
        file(tmp_path, data)
    )


def test_utf_8_that_is_read_as_something_else_is_said(tmp_path):
    assert message(file(tmp_path, "”\n".encode()), "cp1252").endswith("it is valid utf-8, so leave --encoding out")


@pytest.mark.parametrize("before", range(4))
def test_a_bad_sequence_that_straddles_a_border_is_told_from_its_first_byte(tmp_path, before):
    start = BLOCK - before
    data = b"y" * start + b"\xf0\x9f\x98z"
    assert f"at byte {start} (0xf0)" in message(file(tmp_path, data))


def test_a_file_cut_in_the_middle_of_a_character(tmp_path):
    assert "at byte 3 (0xc3)" in message(file(tmp_path, b"abc\xc3"))


def test_other_encodings(tmp_path):
    assert lines_of(file(tmp_path, b"caf\xe9\n"), "latin-1") == ["café"]
    assert lines_of(file(tmp_path, "猫が\n".encode("shift_jis")), "shift_jis") == ["猫が"]
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32"):
        data = "\ufeffaé\n😀\n".encode(encoding)
        assert lines_of(file(tmp_path, data), encoding) == ["aé", "😀"]
    assert "not valid cp1252 at byte 1 (0x81)" in message(file(tmp_path, b"a\x81"), "cp1252")


def test_utf_16_is_recognised(tmp_path):
    assert message(file(tmp_path, "one\ntwo\n".encode("utf-16"))) == "UTF-16 text, not utf-8; try --encoding utf-16"
    assert message(file(tmp_path, "one\ntwo\n".encode("utf-32"))) == "UTF-32 text, not utf-8; try --encoding utf-32"
    assert message(file(tmp_path, "one\n".encode("utf-32"))).endswith("try --encoding utf-32")


def test_binary_is_refused_when_named_and_skipped_in_a_folder(tmp_path):
    data = b"x" * BLOCK + b"\0"
    assert message(file(tmp_path, data, "late.dat")).startswith(
        f"binary, not text: it has NUL characters (byte {BLOCK})"
    )
    folder = tmp_path / "d"
    folder.mkdir()
    file(folder, b"MZ\0\0\xff\xff", "program")
    file(folder, b"text\n", "z.txt")
    assert lines_of(folder) == ["text"]
    assert message(file(tmp_path, "a\0b".encode("utf-16")), "utf-16").startswith(
        "binary, not text: it has NUL characters;"
    )


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_wide_text_without_a_mark_is_no_binary_file(tmp_path, encoding):
    said = f"{encoding[:6].upper()} text, not utf-8; try --encoding {encoding}"
    (tmp_path / "d").mkdir()
    path = file(tmp_path / "d", "one line\nand another\n".encode(encoding))
    assert message(path) == said
    with pytest.raises(TextError, match=f"a.txt: {said}"):
        lines_of(tmp_path / "d")


def test_half_characters_are_no_text(tmp_path):
    assert message(file(tmp_path, b"\\ud800"), "unicode_escape").startswith("not valid unicode_escape")


def test_standard_input_is_read_as_bytes(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xef\xbb\xbfcaf\xc3\xa9\r\nx"), encoding="ascii"))
    assert lines_of("-") == ["café", "x"]
    monkeypatch.setattr(sys, "stdin", None)
    assert message("-").endswith("standard input is closed; name a file instead of -")


def test_progress_adds_up_to_the_bytes_on_disk(tmp_path):
    for name, data in (("a.txt", b"word\n" * 500_000), ("b.gz", gzip.compress(bytes(range(65, 91)) * 50_000))):
        path = file(tmp_path, data, name)
        amounts = []
        list(raw_lines(find_sources(str(path))[0], encoding="utf-8", advance=amounts.append))
        assert sum(amounts) == len(data)


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    path = file(tmp_path, b"text")

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    assert message(path) == "cannot be opened (Permission denied); check its permissions"
