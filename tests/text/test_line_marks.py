"""Marks of sentences, as other tools put them around lines."""

import json

from tests.text.test_corpus import file, lines_of

from elman.progress import Progress
from elman.text.corpus import CorpusConfig, prepare, read_lines


class TestMarks:
    def test_marks_around_lines_are_no_words(self, tmp_path):
        plain = "the cat\n\nno <s> marks </s> here\n<s>old</s>\na b\n"
        marked = " <s> the cat </s>\n\nno <s> marks </s> here\n<s>old</s>\n<s>\ta b </s> \n"
        for document in ("file", "line", "block"):
            config = CorpusConfig(document=document)
            lines = [[*read_lines(file(tmp_path, text), config=config)] for text in (plain, marked)]
            assert lines[0] == lines[1]
        half = file(tmp_path, "<s> only the start\nonly the end </s>\n<s>\n</s>\nx\n")
        assert lines_of(read_lines(half)) == ["only the start", "only the end", "", "", "x"]

    def test_several_sentences_on_a_line(self, tmp_path):
        path = file(tmp_path, "<s> one </s> <s> two </s>\n<s> three </s>\n")
        assert lines_of(read_lines(path)) == ["one", "two", "three"]
        # What is scored line by line keeps its lines.
        assert lines_of(read_lines(path, blank=True)) == ["one two", "three"]

    def test_they_are_told(self, tmp_path):
        said = []

        class Talk(Progress):
            def say(self, message):
                said.append(message)

        source = file(tmp_path, "<s> a b c </s>\n\nd\n" * 100)
        prepare(source, folder=tmp_path / "cache", progress=Talk())
        assert said == [
            "note: 100 of 200 lines begin with <s> or end with </s>; these are read as marks of the line, not as words"
        ]

    def test_records_without_text_are_told(self, tmp_path):
        said = []

        class Talk(Progress):
            def say(self, message):
                said.append(message)

        records = [{"t": f"one two {n}"} if n % 10 else {"t": None} for n in range(200)]
        source = file(tmp_path, "\n".join(map(json.dumps, records)), "a.jsonl")
        prepare(source, folder=tmp_path / "cache", config=CorpusConfig(field="t"), progress=Talk())
        (note,) = said
        assert note.startswith("note: 20 of 200 records left out, as there is no text in them; ")
        assert note.endswith("a.jsonl, line 1: field 't' is a JSON null, not a string; choose one with text")
