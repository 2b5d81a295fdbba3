"""Compiled code reads many lines as the splitter reads one."""

from collections import Counter
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.text.test_word_types import LINES

from elman.errors import TextError
from elman.text import word_splitter
from elman.text.chunk_table import ChunkTable
from elman.text.token_writer import EOS_ID
from elman.text.word_splitter import WordSplitter
from elman.text.word_types import Spelling, split_line


@given(
    st.lists(LINES | st.sampled_from(["", " ", "  a b", "a  b ", "a   ", "x'’ y"])),
    st.builds(Spelling, st.booleans(), rules=st.sampled_from([2, 3]), apostrophe=st.sampled_from("'’")),
    st.sampled_from([2, 64]),
)
@example(["\tx'’ y"], Spelling(rules=3), 64)
@example(["’'’ y"], Spelling(rules=3, apostrophe="’"), 64)
@settings(deadline=None)
def test_compiled_code_reads_as_python_does(lines: list[str], spelling: Spelling, most: int) -> None:
    types = Counter(part.type for line in lines for part in split_line(line, spelling))
    known = {name: number for number, name in enumerate([*types][::2], 2)}
    plain, fast = WordSplitter(spelling, known, unknown=0), WordSplitter(spelling, known, unknown=0, most=most)
    wanted = [number or -1 for line in lines for number in (*plain.ids(line), EOS_ID)]
    # As a vocabulary is learned: which apostrophe is usual is known after all are counted.
    first = spelling._replace(apostrophe="'")
    tally = WordSplitter(first, {}, unknown=0).tally(lines)
    assert plain.types_of(tally) == types
    with patch.object(word_splitter, "_MUCH", 0):
        for _ in range(2):  # chunks met, and chunks known
            assert fast.stream(lines).tolist() == wanted
            assert [ids.tolist() for ids in fast.lines(lines)] == [plain.ids(line) for line in lines]
        assert WordSplitter(first, {}, unknown=0, most=most).tally(lines) == tally
    assert [ids.tolist() for ids in fast.lines(lines)] == [plain.ids(line) for line in lines]


def test_texts_of_more_chunks_than_are_kept() -> None:
    splitter = WordSplitter(Spelling(), {}, unknown=0)
    lines = [" ".join(f"w{number}" for number in range(start, start + 20)) for start in range(0, 3000, 10)]
    tally = splitter.tally(lines)
    with patch.object(word_splitter, "_MUCH", 0):
        assert splitter.tally(lines) == tally
    table = ChunkTable(lambda chunk, after: ([int(chunk[1:])] * 2, 2), most=7)
    found = np.concatenate([table.ids(numbers, end_id=-1) for numbers in table.numbers(lines)])
    wanted = [[*np.repeat([int(word[1:]) for word in line.split()], 2), -1] for line in lines]
    assert found.tolist() == [each for row in wanted for each in row]


def test_half_of_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(TextError, match="half of a surrogate pair"):
        WordSplitter(Spelling(), {}, unknown=0).stream(["a", "\ud800"])
