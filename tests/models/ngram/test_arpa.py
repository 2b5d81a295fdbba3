"""ARPA files: what is read is what stands there, what is written reads back, and nothing else gets
in.
"""

import bz2
import gzip
import lzma
import math
import tracemalloc
import zlib
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.models.ngram.arpa_plain import CAMBRIDGE, PLAIN, as_table, log10_line, plain_read, same, written

from elman.errors import FolderError
from elman.models.ngram import arpa_source
from elman.models.ngram.arpa import load_arpa
from elman.models.ngram.arpa_reader import read_arpa
from elman.models.ngram.arpa_writer import write_arpa
from elman.text.tokenizer import EOS_ID


def reachable(words: Sequence[str]) -> bool:
    return "<s>" not in words[1:] and "</s>" not in words[:-1]


@pytest.mark.parametrize("text", [PLAIN, CAMBRIDGE], ids=["plain", "cambridge"])
@pytest.mark.parametrize("block", [1, 5, 100, 1 << 21])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["as it is", "gzip"])
def test_what_is_read_is_what_stands_there(tmp_path, monkeypatch, text, block, pack):
    monkeypatch.setattr(arpa_source, "_BLOCK", block)
    found = read_arpa(written(tmp_path / "model", pack(text.encode())))
    wanted = {words: numbers for words, numbers in plain_read(text).items() if reachable(words)}
    wanted["<s>",] = (np.float32(0), wanted["<s>",][1])
    assert as_table(found) == wanted
    assert [each.dtype for each in (*found.tables.log10_probs, *found.tables.log10_backoffs)] == [np.float32] * (
        2 * found.tables.order - 1
    )
    for keys in found.tables.keys:
        assert keys.dtype == np.int64 and (np.diff(keys) > 0).all()


def test_types_come_in_the_order_of_the_file_after_the_specials(tmp_path):
    assert read_arpa(written(tmp_path / "a", PLAIN)).words == ["<unk>", "</s>", "sun", "rain", "and"]
    found = read_arpa(written(tmp_path / "b", CAMBRIDGE))
    assert found.words == ["<unk>", "</s>", "'s", "-7", "1.5"]
    assert found.notes == [
        "2 n-grams with <s> behind their beginning or </s> before their end are left out: no line contains them"
    ]


def test_without_unk_unknown_words_get_kenlms_figure(tmp_path):
    lines = [line for line in PLAIN.splitlines(keepends=True) if "<unk>" not in line]
    text = "".join(lines).replace("1=6", "1=5").replace("2=6", "2=5")
    found = read_arpa(written(tmp_path / "a", text))
    assert found.tables.log10_probs[0][0] == -100 and found.words[0] == "<unk>"
    assert "there is no <unk>" in found.notes[0]


def test_words_come_in_normal_form(tmp_path):
    text = PLAIN.replace("sun", "cafe\u0301").replace("rain", "\u00a0\u3000")
    assert read_arpa(written(tmp_path / "a", text)).words[2:4] == ["caf\u00e9", "\u00a0\u3000"]


def test_a_word_in_two_unicode_forms_is_the_one_that_text_has(tmp_path):
    with_twin = (
        PLAIN.replace("rain", "café")
        .replace("-1\tcafé\t0", "-1\tcafe\u0301\t-0.7\n-1\tcafé\t0")
        .replace("-0.2\t<s> sun\t", "-0.2\t<s> cafe\u0301\n-0.1\tcafe\u0301 cafe\u0301\t-3\n-0.2\t<s> sun\t")
        .replace("-0.1\t<s> sun and", "-0.4\tcafe\u0301 cafe\u0301 café\n-0.1\t<s> sun and")
        .replace("1=6", "1=7").replace("2=6", "2=8").replace("3=3", "3=4")
    )  # fmt: skip
    found = read_arpa(written(tmp_path / "a", with_twin))
    same(found, read_arpa(written(tmp_path / "b", PLAIN.replace("rain", "café"))))
    (note,) = found.notes
    assert "words in a second Unicode form" in note and "(1, the first in line 11)" in note


def test_minus_infinity_is_no_probability(tmp_path):
    changed = PLAIN.replace("0\t<s>", "-inf\t<s>").replace("-0.60206\tand", "-INF\tand")
    table = as_table(read_arpa(written(tmp_path / "a", changed)))
    assert table["and", "rain"][0] == -99
    assert {**table, ("and", "rain"): 0} == {**as_table(read_arpa(written(tmp_path / "b", PLAIN))), ("and", "rain"): 0}


def test_an_order_without_n_grams_needs_no_section(tmp_path):
    header = PLAIN.replace("ngram 3=3\n", "ngram 3=3\nngram 4=0\n")
    with_section = header.replace("\\end\\", "\\4-grams:\n\\end\\")
    one, other = (read_arpa(written(tmp_path / "a", text)) for text in (header, with_section))
    same(one, other)
    assert one.tables.order == other.tables.order == 4
    cut = PLAIN.split("\\2-grams")[0].replace("2=6", "2=0").replace("3=3", "3=0") + "\\end\\\n"
    assert {words: values for words, values in as_table(read_arpa(written(tmp_path / "a", cut))).items()} == {
        words: values for words, values in plain_read(cut).items() if words != ("<s>",)
    } | {("<s>",): (0, np.float32(-0.30103))}


@pytest.mark.parametrize("pack", [bz2.compress, lzma.compress])
def test_bzip2_and_xz(tmp_path, pack):
    packed = pack(PLAIN.encode())
    expected = read_arpa(written(tmp_path / "a", PLAIN))
    found = read_arpa(written(tmp_path / "a", packed))
    same(found, expected)
    assert found.sha256 == expected.sha256
    for damaged in (packed[:-9], packed[:40] + bytes([packed[40] ^ 255]) + packed[41:]):
        with pytest.raises(FolderError, match=r"a: the (bzip2|xz) data is damaged or cut off"):
            read_arpa(written(tmp_path / "a", damaged))


def bad(old: str, new: str | bytes) -> bytes:
    """PLAIN with one part of it replaced."""
    assert PLAIN.count(old) == 1, old
    return PLAIN.encode().replace(old.encode(), new if isinstance(new, bytes) else new.encode())


TWO_TWICE = PLAIN.replace("2=6", "2=8").replace("-0.2\t<s> sun", "-0.2\t<s> sun\n-0.2\t<s> sun")
TWO_TWICE = TWO_TWICE.replace("-0.60206\tand rain", "-0.60206\tand rain\n-0.6\tand rain")


@pytest.mark.parametrize(
    ("content", "line", "says"),
    [
        (b"", None, "not an ARPA file"),
        (b"just some text\n" * 9, None, "not an ARPA file"),
        (b"x" * 3_000_000, None, "not an ARPA file"),
        (b"mmap lm http://kheafield.com/code format version 5\n\0", None, "binary file of KenLM"),
        (bad("ngram 1=6\n", ""), 2, "'ngram 2=6' where 'ngram 1=COUNT' should be"),
        (bad("ngram 2=6", "ngram 2=-6"), 3, "'ngram 2=-6' where 'ngram 2=COUNT' or"),
        (bad("ngram 2=6\n", ""), 3, "'ngram 3=3' where"),
        (bad("ngram 3=3", "\n".join(f"ngram {n}=3" for n in range(3, 9))), 9, "order 8; elman reads orders 1 to 7"),
        (bad("ngram 2=6", "ngram 2=7"), 22, "promises 7 2-grams, and here end 6"),
        (bad("ngram 2=6", "ngram 2=99999999999999999"), 22, "and here end 6"),
        (bad("ngram 1=6", "ngram 1=5"), 12, "one more than the 5 1-grams"),
        (bad("ngram 3=3\n", "ngram 3=3\nngram 4=0\n").split(b"\\end")[0], 28, "the end of the file where"),
        (bad("ngram 3=3\n", "ngram 3=3\nngram 4=1\n"), 28, r"'\\end\\' where \4-grams: should be"),
        (bad("\\end\\\n", ""), 27, r"the end of the file where \end\ should be; the file is cut off"),
        (PLAIN.split("-0.0457575")[0].encode(), 24, "promises 3 3-grams, and here end 1; the file is cut off"),
        (PLAIN.encode() + b"\nmore\n", 29, "'more' comes after"),
        (bad("-0.3\tsun and", "-0.3\tsun moon"), 17, "'moon' is not among the unigrams"),
        (bad("\\2-grams:\n", "\\2-grams:\n-0.1\t<s> <UNK>\n"), 15, "'<UNK>' is not among the unigrams"),
        (bad("-1\train", "-1\tsun"), 11, "'sun' is there a second time"),
        (bad("<s>\t-0.30103", "<UNK>"), 8, "'<UNK>' is the unknown word a second time"),
        (bad("-0.60206\tand rain", "-0.60206\tsun and"), 18, "the n-gram of line 17 a second time"),
        (TWO_TWICE.encode(), 16, "the n-gram of line 15 a second time"),
        (bad("-0.60206\tand rain", "nan\tand rain"), 18, "'nan' is not a number"),
        (bad("-0.60206\tand rain", "inf\tand rain"), 18, "'inf' is not a number"),
        (bad("-0.60206\tand rain", "-info\tand rain"), 18, "'-info' is not a number"),
        (bad("-0.60206\tand rain", "-0,60206\tand rain"), 18, "'-0,60206' has a decimal comma; write the file"),
        (bad("-0.60206\tand rain", "-0_6\tand rain"), 18, "'-0_6' is not a number"),
        (bad("-0.60206\tand rain", "-\tand rain"), 18, "'-' is not a number"),
        (bad("-0.60206\tand rain", "-0.6e\tand rain"), 18, "'-0.6e' is not a number"),
        (bad("-0.60206\tand rain", "-0.6.1\tand rain"), 18, "'-0.6.1' is not a number"),
        (bad("-0.60206\tand rain", "1e-9\tand rain"), 18, "1e-09 is a log10-probability above 0"),
        (bad("-0.60206\tand rain", "-1e999\tand rain"), 18, "-inf is beyond"),
        (bad("-0.60206\tand rain", "-0.6\tand rain\t-1001"), 18, "-1001 is beyond"),
        (bad("-0.60206\tand rain", "-0.6\tand"), 18, "it ends too early; a line has a log10-probability, 2 words"),
        (bad("-0.60206\tand rain", "-0.6\tand rain sun"), 18, "'sun' is not a number"),
        (bad("-0.60206\tand rain", "-0.6\tand rain -1 -1"), 18, "'-1' is one field too many"),
        (bad("-0.2\tsun and sun", "-0.2\tsun and sun\t-1"), 25, "-1 is a backoff at the highest order"),
        (bad("-0.2\tsun and sun", "-0.2\train and rain"), 25, "its context 'rain and' is not among the 2-grams"),
        (bad("-0.3\tsun and", "-0.3\tsun\0and"), 17, r"'\x00' is a control character"),
        (bad("-0.3\tsun and", "-0.3\tsun\rand"), 17, r"'\r' is a control character"),
        (bad("-1\train", b"-1\tr\xffin"), 11, r"b'r\xffin' is not UTF-8"),
        (bad("-0.47712123\t</s>\n", ""), 13, "promises 6 1-grams, and here end 5"),
        (PLAIN.replace("</s>", "STOP").encode(), 12, "end here without </s>"),
        (PLAIN.replace("<s>", "START").encode(), 12, "end here without <s>"),
        (bad("-0.3\tsun and", "-0.3\t" + "x" * 2_000_000 + " and"), 17, "xxx'... is not among the unigrams"),
        (bad("-0.3\tsun and", "-0.3\t" + "x" * 9_000_000), 17, "longer than a megabyte"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path, content, line, says):
    with pytest.raises(FolderError) as caught:
        read_arpa(written(tmp_path / "a.arpa", content))
    message = str(caught.value)
    assert "\n" not in message and len(message) < 400
    assert message.startswith(f"{tmp_path / 'a.arpa'}, line {line}: " if line else f"{tmp_path / 'a.arpa'} is "), (
        message
    )
    assert says in message, message


def test_n_grams_far_apart_are_compared_too(tmp_path, monkeypatch):
    monkeypatch.setattr(arpa_source, "_BLOCK", 20)
    far = PLAIN.replace("2=6", "2=7").replace("<unk> and\t-1\n", "<unk> and\t-1\n-0.2\t<s> sun\n")
    with pytest.raises(FolderError, match="line 21: the n-gram of line 15 a second time"):
        read_arpa(written(tmp_path / "a.arpa", far))


def test_a_missing_file_and_a_folder(tmp_path):
    for path in (tmp_path / "no.arpa", tmp_path):
        with pytest.raises(FolderError, match="cannot read .*; give a model folder or an ARPA file"):
            read_arpa(path)


@pytest.mark.parametrize("kept", [11, 40, 150, -9, -1])
def test_a_gzip_file_that_is_cut_off(tmp_path, kept):
    with pytest.raises(FolderError, match=r"gzip data is damaged or cut off .*; copy it again"):
        read_arpa(written(tmp_path / "a.arpa.gz", gzip.compress(PLAIN.encode())[:kept]))


def test_how_far_a_gzip_file_that_is_cut_off_was_read(tmp_path, monkeypatch):
    monkeypatch.setattr(arpa_source, "_BLOCK", 64)
    with pytest.raises(FolderError, match=r"cut off after line (1[5-9]|2\d) "):
        read_arpa(written(tmp_path / "a.arpa.gz", gzip.compress(PLAIN.encode())[:-40]))


def test_a_gzip_file_with_a_changed_byte(tmp_path):
    packed = bytearray(gzip.compress(PLAIN.encode()))
    packed[-6] ^= 1
    with pytest.raises(FolderError, match="gzip data is damaged or cut off .CRC check failed"):
        read_arpa(written(tmp_path / "a.arpa.gz", bytes(packed)))


def test_a_small_file_that_unpacks_to_a_large_one_fills_no_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(arpa_source, "_BLOCK", 1 << 14)
    read_arpa(written(tmp_path / "warm.arpa", PLAIN))
    head, tail = PLAIN.replace("ngram 2=6", "ngram 2=999999999999").split("-0.3\tsun and\t-0.0\n")
    packed = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [packed.compress(head.encode()), *(packed.compress(b"-0.3\tsun and\n" * 1000) for _ in range(2000))]
    path = written(tmp_path / "a.gz", b"".join([*parts, packed.compress(tail.encode()), packed.flush()]))
    assert path.stat().st_size < 100_000
    tracemalloc.start()
    try:
        with pytest.raises(FolderError, match="line 18: the n-gram of line 17 a second time"):
            read_arpa(path)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


NUMERALS = st.from_regex(r"[+-]?[0-9]{0,18}\.?[0-9]{0,30}([eE][+-]?[0-9]{1,3})?", fullmatch=True).filter(bool)


@pytest.mark.slow
@settings(deadline=None, max_examples=50)
@given(st.lists(NUMERALS, min_size=1, max_size=9))
@example(["123456789012345678901e-18", "-0.000000000000000000000000123456789", "0.10000000000000000000000000000000005"])
@example(["1" + "0" * 30 + "e-30", "1e-400", "-1.e2", ".5", "+0.25"])
def test_numbers_are_read_as_python_reads_them(tmp_path_factory, numerals):
    wanted, first_wrong = [], None
    for place, numeral in enumerate(numerals):
        try:
            wanted.append(float(numeral))
        except ValueError:
            wanted.append(math.inf)
        if abs(wanted[-1]) > 1000 and first_wrong is None:
            first_wrong = place
    lines = "".join(f"-1 w{place} {numeral}\n" for place, numeral in enumerate(numerals))
    text = (
        f"\\data\\\nngram 1={len(numerals) + 2}\nngram 2=0\n\\1-grams:\n{lines}-1 <s>\n-1 </s>\n\\2-grams:\n\\end\\\n"
    )
    path = written(tmp_path_factory.mktemp("numbers") / "a.arpa", text)
    if first_wrong is None:
        found = read_arpa(path).tables.log10_backoffs[0][2:-1]
        np.testing.assert_array_equal(found, np.array(wanted, np.float32))
    else:
        with pytest.raises(FolderError, match=r"line \d+: .* is (not a number|beyond)"):
            read_arpa(path)


@st.composite
def models(draw: st.DrawFn) -> str:
    """A file of order 1 to 4 in any order; all contexts are there, few n-grams are there without
    their first word.
    """
    numbers = st.integers(-9_999_999, 0).map(lambda digits: f"{digits / 10**6:.7g}")
    backoffs = st.one_of(st.just(""), st.integers(-9_999, 999).map(lambda digits: f"\t{digits / 1000}"))
    words = ["<s>", "</s>", *draw(st.sampled_from([["<unk>"], ["<UNK>"], []])), *"abc"[: draw(st.integers(0, 3))]]
    order = draw(st.integers(1, 4))
    grams = [[(word,) for word in words]]
    for _ in range(2, order + 1):
        longer = [
            (*context, word) for context in grams[-1] for word in words if context[-1] != "</s>" and word != "<s>"
        ]
        grams.append(draw(st.lists(st.sampled_from(longer), unique=True, max_size=12)) if longer else [])
    text = "\\data\\\n" + "".join(f"ngram {n}={len(each)}\n" for n, each in enumerate(grams, start=1))
    for n, each in enumerate(grams, start=1):
        text += f"\n\\{n}-grams:\n"
        for gram in draw(st.permutations(each)):
            text += f"{draw(numbers)}\t{' '.join(gram)}{draw(backoffs) if n < order else ''}\n"
    return f"{text}\n\\end\\\n"


@settings(deadline=None, max_examples=40)
@given(models(), st.lists(st.lists(st.sampled_from(["a", "b", "c", "zzz"]), max_size=7), min_size=1, max_size=4))
def test_any_model_is_read_queried_and_written_as_it_is(tmp_path_factory, text, lines):
    folder = tmp_path_factory.mktemp("models")
    path = written(folder / "a.arpa", text)
    found, table = read_arpa(path), plain_read(text)
    table.setdefault(("<unk>",), (np.float32(-100), np.float32(0)))
    assert as_table(found) == {**table, ("<s>",): (np.float32(0), table["<s>",][1])}
    write_arpa(folder / "b.arpa", found.tables, found.words)
    same(read_arpa(folder / "b.arpa"), found)
    model = load_arpa(path).model
    for words in lines:
        ids = np.append(model.tokenizer.encode(" ".join(words)).ids, EOS_ID)
        scores = model.score(ids[None], np.array([len(ids)]), model.start())[0][0]
        np.testing.assert_allclose(scores / math.log(10), log10_line(table, words), atol=1e-5)
