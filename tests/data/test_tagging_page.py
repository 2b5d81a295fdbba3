"""What docs/tagging.md says about formats is so."""

import doctest
import re
from pathlib import Path

from elman.data.tag_formats.table import FORMATS
from elman.data.tagged import read_tagged

PAGE = (Path(__file__).parents[2] / "docs" / "tagging.md").read_text(encoding="utf-8")
FORMATS_PART = PAGE.partition("## Formats\n")[2].partition("\n## ")[0]


def test_the_table_of_formats_is_the_one_in_code():
    rows = re.findall(r"^\| .*? \| `(\w+)` \| (.*?) \| .*? \| (yes|no) \|$", FORMATS_PART, re.MULTILINE)
    assert sorted(name for name, _, _ in rows) == sorted(FORMATS)
    for name, files, written in rows:
        suffixes = re.findall(r"`(?:NAME)?(\.\w+)`", files)
        assert {*suffixes} <= {*FORMATS[name].suffixes} or name == "brat", name
        assert (written == "yes") == (FORMATS[name].write is not None), name


def test_every_spelling_of_spans_on_the_page_is_read(tmp_path):
    block = FORMATS_PART.partition("```json\n")[2].partition("```")[0]
    path = tmp_path / "a.jsonl"
    path.write_text(block)
    sentences = list(read_tagged(path))
    assert len(sentences) == 5
    assert {(each.words, each.tags) for each in sentences} == {(("Ann", "slept"), ("B-person", "O"))}


def test_the_examples_of_the_page():
    examples = doctest.DocTestParser().get_doctest(FORMATS_PART, {}, "docs/tagging.md", None, None)
    found = doctest.DocTestRunner().run(examples)
    assert found.failed == 0 and found.attempted > 10
