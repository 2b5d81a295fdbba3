import gzip
import hashlib
import io
import json
import sys
import tracemalloc
from contextlib import contextmanager

import pytest

from elman.errors import FolderError, StorageError, TextError, UsageError
from elman.progress import Progress
from elman.text import store as spool
from elman.text.corpus import Corpus, CorpusConfig, prepare, read_lines

LINE = CorpusConfig(document="line")
BLOCK = CorpusConfig(document="block")


def file(tmp_path, text, name="a.txt"):
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def words(tmp_path, lines=1000, name="a.txt"):
    return file(tmp_path, "".join(f"line number {n} here\n" for n in range(lines)), name)


def lines_of(text):
    return [line for line, _ in text]


def everything(corpus):
    return [(name, list(getattr(corpus, name) or [])) for name in ("train", "valid", "test")]


class TestReading:
    def test_a_document_is_a_file(self, tmp_path):
        a, b = file(tmp_path, "\n\none \r\n\ntwo\n\n", "a.txt"), file(tmp_path, "cafe\u0301", "b.txt")
        assert list(read_lines([a, b])) == [
            ("", True),
            ("", False),
            ("one", False),
            ("", False),
            ("two", False),
            ("", False),
            ("café", True),
        ]

    def test_a_document_is_a_line(self, tmp_path):
        path = file(tmp_path, "\none\n \ntwo\n")
        assert list(read_lines(path, config=LINE)) == [("one", True), ("two", True)]

    def test_a_document_is_a_block(self, tmp_path):
        a, b = file(tmp_path, "\none\ntwo\n\t\n\nthree", "a.txt"), file(tmp_path, "four\n\n", "b.txt")
        assert list(read_lines([a, b], config=BLOCK)) == [
            ("one", True),
            ("two", False),
            ("three", True),
            ("four", True),
        ]

    def test_a_document_is_a_record(self, tmp_path):
        records = [{"t": "one\r\ntwo "}, {"t": ""}, {"t": "three"}]
        data = "\n".join(map(json.dumps, records))
        config = CorpusConfig(field="t")
        expected = [("one", True), ("two", False), ("three", True)]
        for name in ("a.jsonl", "b.json", "c.ndjson"):
            assert list(read_lines(file(tmp_path, data, name), config=config)) == expected
        assert list(read_lines(file(tmp_path, gzip.compress(data.encode()), "a.jsonl.gz"), config=config)) == expected
        table = file(tmp_path, '\ufeffid,t\n1,"one\ntwo "\n2,three\n', "d.csv")
        assert list(read_lines(table, config=config)) == expected

    def test_without_a_field_records_are_plain_text_and_plain_text_has_no_fields(self, tmp_path):
        path = file(tmp_path, '{"t": 1}\n', "a.jsonl")
        assert list(read_lines(path)) == [('{"t": 1}', True)]
        path = file(tmp_path, "plain\n", "a.txt")
        assert list(read_lines(path, config=CorpusConfig(field="t"))) == [("plain", True)]

    def test_standard_input(self, monkeypatch):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"t": "one"}\n')))
        assert list(read_lines("-", config=CorpusConfig(field="t"))) == [("one", True)]
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"one\n")))
        assert list(read_lines("-")) == [("one", True)]

    def test_empty_sources(self, tmp_path):
        empty, blank, full = file(tmp_path, "", "e"), file(tmp_path, "\n \n\t\n", "b"), file(tmp_path, "x", "f")
        with pytest.raises(TextError, match=r"e: empty, there is no text in it"):
            list(read_lines(empty))
        with pytest.raises(TextError, match=r"e and 1 more: empty"):
            list(read_lines([empty, blank]))
        assert list(read_lines([empty, blank, full])) == [("x", True)]

    def test_blank_lines_that_are_wanted(self, tmp_path):
        empty, blank, full = file(tmp_path, "", "e"), file(tmp_path, "\n \n\t\n", "b"), file(tmp_path, "\nx\n\n", "f")
        lines = [("", True), ("", False), ("", False)]
        assert list(read_lines([blank, full], blank=True)) == [*lines, ("", True), ("x", False), ("", False)]
        with pytest.raises(TextError, match=r"e: empty, there is no text in it"):
            list(read_lines(empty, blank=True))

    def test_what_is_missing_is_found_before_anything_is_read(self, tmp_path):
        with pytest.raises(TextError, match="no such file"):
            read_lines([file(tmp_path, "text"), tmp_path / "none"])

    def test_unknown_encodings(self):
        for encoding in ("utf-9", "base64", "", "a\0b"):
            with pytest.raises(UsageError, match="which Python does not know"):
                CorpusConfig(encoding=encoding)


class TestTexts:
    def test_exact_bytes_and_counts(self, tmp_path):
        source = file(tmp_path, "\ufeffnaïve \r\n\r\n猫" + " word" * 300)
        corpus = prepare(source, valid=file(tmp_path, "v", "v.txt"), folder=tmp_path / "cache")
        expected = "naïve\n\n猫" + " word" * 300 + "\n"
        assert corpus.train.path.read_bytes() == expected.encode()
        facts = (corpus.train.bytes, corpus.train.chars, corpus.train.lines, corpus.train.document_count)
        assert facts == (len(expected.encode()), len(expected), 3, 1)
        assert (
            corpus.train.sha256
            == hashlib.sha256(
                hashlib.sha256(expected.encode()).digest() + hashlib.sha256(bytes(8)).digest()
            ).hexdigest()
        )

    def test_documents(self, tmp_path):
        source = file(tmp_path, "a b\nc\n\n" + "d\n" * 300 + "\ne\n")
        corpus = prepare(source, valid=source, config=BLOCK, folder=tmp_path / "cache")
        assert list(corpus.train.documents()) == [["a b", "c"], ["d"] * 300, ["e"]]
        assert corpus.train.document_sizes().tolist() == [6, 600, 2]

    def test_preparing_prepared_text_changes_nothing(self, tmp_path):
        source = file(tmp_path, "\ufeff\ufeffx\u0301 \r\n" + "cafe\u0301 \t\r" * 300)
        valid = file(tmp_path, "v", "v.txt")
        once = prepare(source, valid=valid, folder=tmp_path / "cache")
        again = prepare(once.train.path, valid=valid, folder=tmp_path / "other")
        assert again.hash == once.hash
        assert list(again.train) == list(once.train)

    def test_where_documents_start_is_part_of_the_hash(self, tmp_path):
        source = words(tmp_path, 100)
        hashes = {prepare(source, valid=source, config=c, folder=tmp_path / "c").hash for c in (LINE, BLOCK)}
        assert len(hashes) == 2


class TestSplit:
    def test_few_documents_give_the_end_of_each(self, tmp_path):
        a, b = words(tmp_path, 100, "a.txt"), file(tmp_path, "".join(f"b {n}\n" for n in range(45)), "b.txt")
        corpus = prepare([a, b], folder=tmp_path / "cache")
        assert corpus.valid is not None and corpus.test is not None
        first, second = lines_of(read_lines(a)), lines_of(read_lines(b))
        # A tenth of 45 lines is 5 (4.5, half up): 3 and 2.
        assert list(corpus.train.documents()) == [first[:90], second[:40]]
        assert list(corpus.valid.documents()) == [first[90:95], second[40:43]]
        assert list(corpus.test.documents()) == [first[95:], second[43:]]

    def test_nineteen_documents_are_few_and_twenty_are_not(self, tmp_path):
        for count, whole in ((19, False), (20, True)):
            text = "\n\n".join("\n".join(f"{d} {n} word word" for n in range(20)) for d in range(count))
            corpus = prepare(file(tmp_path, text), config=BLOCK, folder=tmp_path / "cache")
            assert corpus.valid is not None and corpus.test is not None
            assert (corpus.valid.document_count, corpus.test.document_count) == ((1, 1) if whole else (19, 19))
            assert corpus.train.document_count == (18 if whole else 19)

    def test_many_documents_go_by_their_hash(self, tmp_path):
        documents = [f"document {n:03}" for n in range(100)]
        corpus = prepare(file(tmp_path, "\n".join(documents)), config=LINE, folder=tmp_path / "cache")
        assert corpus.valid is not None and corpus.test is not None
        ranked = sorted(documents, key=lambda line: hashlib.sha256(f"{line}\n".encode()).digest())
        assert lines_of(corpus.valid) == sorted(ranked[:5])
        assert lines_of(corpus.test) == sorted(ranked[5:10])
        assert lines_of(corpus.train) == sorted(ranked[10:])

    def test_equal_documents_stay_together(self, tmp_path):
        lines = [f"a saying of number {n % 400}" for n in range(2000)]
        corpus = prepare(file(tmp_path, "\n".join(lines)), config=LINE, folder=tmp_path / "cache")
        assert corpus.valid is not None and corpus.test is not None
        parts = [set(lines_of(text)) for text in (corpus.train, corpus.valid, corpus.test)]
        assert not (parts[0] & parts[1] | parts[0] & parts[2] | parts[1] & parts[2])
        assert sum(text.lines for text in (corpus.train, corpus.valid, corpus.test)) == 2000
        assert 0.04 < corpus.valid.bytes / (2000 * 23) < 0.06 and 0.04 < corpus.test.bytes / (2000 * 23) < 0.06

    @pytest.mark.parametrize("giant", range(5))
    def test_a_giant_document_stays_in_training(self, tmp_path, giant):
        small = [f"document {n:03}" for n in range(300)]
        text = "\n".join([*small, f"giant {giant} " * 300])
        corpus = prepare(file(tmp_path, text), config=LINE, folder=tmp_path / "cache")
        assert corpus.valid is not None and corpus.test is not None
        assert max(map(len, lines_of(corpus.train))) > 1000
        assert abs(corpus.valid.bytes / len(text) - 0.05) < 0.01 > abs(corpus.test.bytes / len(text) - 0.05)

    def test_documents_too_uneven_give_the_end_of_each(self, tmp_path):
        small = "\n\n".join(f"small {n}" for n in range(30))
        giant = "\n".join(f"word word {n}" for n in range(1000))
        corpus = prepare(file(tmp_path, f"{small}\n\n{giant}"), config=BLOCK, folder=tmp_path / "cache")
        assert corpus.valid is not None and corpus.test is not None
        assert lines_of(corpus.valid) == [f"word word {n}" for n in range(900, 950)]
        assert lines_of(corpus.test) == [f"word word {n}" for n in range(950, 1000)]

    def test_given_texts(self, tmp_path):
        train, valid, test = words(tmp_path, 100), file(tmp_path, "v", "v.txt"), file(tmp_path, "t", "t.txt")
        folder = tmp_path / "cache"
        both = prepare(train, valid=valid, test=[test], folder=folder)
        assert everything(both)[1:] == [("valid", [("v", True)]), ("test", [("t", True)])]
        assert both.train.lines == 100
        only_valid = prepare(train, valid=[valid], folder=folder)
        assert (only_valid.train.lines, only_valid.test) == (100, None)
        only_test = prepare(train, test=[test], folder=folder)
        assert only_test.valid is not None and only_test.test is not None
        assert lines_of(only_test.valid) == [f"line number {n} here" for n in range(95, 100)]
        assert (only_test.train.lines, lines_of(only_test.test)) == (95, ["t"])

    def test_split_says_how_much(self, tmp_path):
        corpus = prepare(words(tmp_path, 100), folder=tmp_path / "cache", split=0.2)
        assert corpus.valid is not None and corpus.test is not None
        assert (corpus.train.lines, corpus.valid.lines, corpus.test.lines) == (60, 20, 20)
        for split in (0, 0.3, -1):
            with pytest.raises(UsageError, match="at most 0.25"):
                prepare(words(tmp_path), folder=tmp_path / "cache", split=split)

    def test_line_ends_beyond_the_first_block_are_found(self, tmp_path):
        lines = [f"{n} " + "é" * 5000 for n in range(300)]
        corpus = prepare(file(tmp_path, "\n".join(lines)), folder=tmp_path / "cache")
        assert corpus.valid is not None and corpus.test is not None
        assert lines_of(corpus.train) + lines_of(corpus.valid) + lines_of(corpus.test) == lines
        assert (corpus.valid.lines, corpus.test.lines) == (15, 15)
        assert corpus.valid.chars == sum(len(line) + 1 for line in lines[270:285])

    def test_a_text_on_one_line_is_cut_at_spaces(self, tmp_path):
        for words in ([f"w{n:04}" for n in range(2000)], [f"é{n:04}" for n in range(2000)]):
            corpus = prepare(file(tmp_path, " ".join(words)), folder=tmp_path / "cache")
            assert corpus.valid is not None and corpus.test is not None
            texts = [corpus.train, corpus.valid, corpus.test]
            assert [text.lines for text in texts] == [1, 1, 1]
            assert " ".join(line for text in texts for line in lines_of(text)) == " ".join(words)
            assert [len(lines_of(text)[0].split()) for text in texts[1:]] == pytest.approx([100, 100], abs=2)
            assert [text.bytes for text in texts] == [text.path.stat().st_size for text in texts]
            again = prepare(corpus.train.path, valid=corpus.valid.path, folder=tmp_path / "other")
            assert again.train.sha256 == corpus.train.sha256

    def test_without_spaces_a_line_is_cut_between_characters(self, tmp_path):
        line = "猫が座った。" * 500
        corpus = prepare(file(tmp_path, line), folder=tmp_path / "cache")
        assert corpus.valid is not None and corpus.test is not None
        assert "".join(line for text in (corpus.train, corpus.valid, corpus.test) for line in lines_of(text)) == line
        assert len(lines_of(corpus.valid)[0]) == pytest.approx(150, abs=1)
        assert [text.chars for text in (corpus.valid, corpus.test)] == [
            len(lines_of(text)[0]) + 1 for text in (corpus.valid, corpus.test)
        ]

    def test_a_long_line_among_short_ones_is_cut_too(self, tmp_path):
        long = " ".join(f"w{n}" for n in range(3000))
        for lines in (["a", "b", long], [long, "a", "b"], ["a"] * 11 + [long]):
            corpus = prepare(file(tmp_path, "\n".join(lines)), folder=tmp_path / "cache")
            assert corpus.valid is not None and corpus.test is not None
            total = sum(text.bytes for text in (corpus.train, corpus.valid, corpus.test))
            assert corpus.valid.bytes / total == pytest.approx(0.05, abs=0.015)

    def test_too_little(self, tmp_path):
        folder = tmp_path / "cache"
        with pytest.raises(TextError, match="3 words, at least 200 are needed"):
            prepare(file(tmp_path, "one two three"), folder=folder)
        with pytest.raises(TextError, match=r"too little text to hold some out for valid \(lines: 200, .*--valid FILE"):
            prepare(file(tmp_path, "one two\n" * 200), config=LINE, folder=folder)
        with pytest.raises(TextError, match="198 words"):
            prepare(file(tmp_path, "a b\n" * 110), folder=folder)
        assert prepare(file(tmp_path, "a b\n" * 112), folder=folder).train.lines == 101
        assert prepare(file(tmp_path, "word " * 1000), valid=file(tmp_path, "v", "v"), folder=folder).train.lines == 1


class TestFolder:
    def test_the_same_text_is_the_same_folder(self, tmp_path):
        folder = tmp_path / "cache"
        first = prepare(words(tmp_path), folder=folder)
        before = first.train.path.stat()
        again = prepare(words(tmp_path, name="other.txt"), folder=folder)
        assert again == first == Corpus.open(first.folder)
        assert again.train.path.stat().st_ino == before.st_ino
        other = prepare(words(tmp_path, 999), folder=folder)
        assert {path.name for path in folder.iterdir()} == {first.hash, other.hash}
        names = {
            "elman-corpus.json",
            *(f"{part}.{end}" for part in ("train", "valid", "test") for end in ("txt", "starts")),
        }
        assert {path.name for path in first.folder.iterdir()} == names

    @pytest.mark.parametrize("damage", ["cut", "missing", "manifest", "garbage"])
    def test_a_damaged_folder_is_made_again(self, tmp_path, damage):
        first = prepare(words(tmp_path), folder=tmp_path / "cache")
        expected = everything(first)
        manifest = first.folder / "elman-corpus.json"
        if damage == "cut":
            first.train.path.write_bytes(first.train.path.read_bytes()[:-1])
        elif damage == "missing":
            (first.folder / "test.starts").unlink()
        elif damage == "manifest":
            manifest.write_text(manifest.read_text()[:100])
        else:
            manifest.write_text('{"format": 1, "hash": "x", "texts": {"train": [], "rain": {}}}')
        with pytest.raises(FolderError, match="prepare it again"):
            Corpus.open(first.folder)
        assert everything(prepare(words(tmp_path), folder=tmp_path / "cache")) == expected

    def test_nothing_is_left_of_what_failed(self, tmp_path, monkeypatch):
        folder = tmp_path / "cache"
        with pytest.raises(TextError):
            prepare([words(tmp_path), file(tmp_path, b"\xff", "b.txt")], folder=folder)
        assert list(folder.iterdir()) == []

        def interrupt(self, line, *, starts):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(spool.TextWriter, "write", interrupt)
            with pytest.raises(KeyboardInterrupt):
                prepare(words(tmp_path), folder=folder)
        assert list(folder.iterdir()) == []

    def test_a_full_disk(self, tmp_path, monkeypatch):
        def full(self):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(spool.TextWriter, "_flush", full)
        with pytest.raises(StorageError, match="the disk is full"):
            prepare(words(tmp_path), folder=tmp_path / "cache")
        assert list((tmp_path / "cache").iterdir()) == []

    def test_a_file_in_the_way(self, tmp_path):
        with pytest.raises(StorageError, match="not a folder"):
            prepare(words(tmp_path), folder=file(tmp_path, "x", "cache"))

    def test_standard_input_cannot_be_both(self, tmp_path):
        with pytest.raises(UsageError, match="given twice"):
            prepare("-", valid="-", folder=tmp_path / "cache")

    def test_progress(self, tmp_path):
        stages = []

        class Recorded(Progress):
            @contextmanager
            def stage(self, name, *, total=None, unit=""):
                amounts = []
                yield amounts.append
                stages.append((name, total, unit, sum(amounts)))

        source, valid = words(tmp_path), file(tmp_path, gzip.compress(b"packed\n"), "v.gz")
        size, packed = source.stat().st_size, valid.stat().st_size
        prepare(source, folder=tmp_path / "cache", progress=Recorded())
        prepare(source, valid=valid, folder=tmp_path / "cache", progress=Recorded())
        assert stages == [
            ("reading", size, "bytes", size),
            ("splitting", size, "bytes", size),
            ("reading", size + packed, "bytes", size + packed),
        ]

    @pytest.mark.slow
    def test_memory_does_not_follow_the_text(self, tmp_path):
        source = file(tmp_path, "".join(f"{n} " + "some words of a line " * 50 + "\n\n" for n in range(12_000)))
        tracemalloc.start()
        prepare(source, config=BLOCK, folder=tmp_path / "cache")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        # What a hash of 20 bits needs is 9 MB, whatever the text.
        assert source.stat().st_size > 12_000_000 and peak < 11_000_000
