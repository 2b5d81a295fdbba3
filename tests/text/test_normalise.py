import time
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from elman.text.normalise import normalise_line, split_lines

MARKS = st.text(alphabet="ae\u0301\u0323\u0344\u0f71\u0f73\u1e69가ㄱ \u00a0\ufeff", max_size=30)


def test_nfc_by_the_unicode_standards_own_examples():
    # UAX #15, table "singletons, composites and multiple marks".
    assert normalise_line("\u212b") == "\u00c5"
    assert normalise_line("s\u0323\u0307") == "\u1e69"
    assert normalise_line("s\u0307\u0323") == "\u1e69"
    assert normalise_line("ﬁ") == "ﬁ"


def test_white_space_goes_at_the_end_only():
    assert normalise_line(" \ta  b \t\u00a0\u3000\x0b\x0c") == " \ta  b"


def test_in_pretokenized_text_only_ascii_blanks_part_words():
    assert normalise_line(" \ta  km\u00a0 \t\x0b\x0c", pretokenized=True) == " \ta  km\u00a0"


def test_control_characters_are_text():
    assert normalise_line("a\x01\x07\x1b[0m\x85b") == "a\x01\x07\x1b[0m\x85b"


def test_byte_order_mark_at_a_line_start_goes_and_inside_stays():
    assert normalise_line("\ufeff\ufeffa\ufeffb") == "a\ufeffb"


def test_lines_are_ended_by_three_line_ends_and_by_nothing_else():
    assert split_lines("a\nb\rc\r\nd\u2028e\x0bf\x85g\x1ch") == ["a", "b", "c", "d\u2028e\x0bf\x85g\x1ch"]
    assert split_lines("a\n\n") == ["a", ""]
    assert split_lines("") == []
    assert split_lines("\n") == [""]


@given(st.text(alphabet=st.characters(exclude_characters="\n\r"), max_size=40) | MARKS)
def test_normal_form_is_normal(line):
    once = normalise_line(line)
    assert normalise_line(once) == once
    assert unicodedata.is_normalized("NFC", once)


@given(MARKS)
def test_long_lines_are_normalised_like_short_ones(line):
    padding = "x" * 1001
    assert normalise_line(padding + line) == unicodedata.normalize("NFC", padding + line).rstrip()


def test_a_long_run_of_marks_is_not_quadratic():
    line = "a" + "\u0301\u0323" * 200_000
    begin = time.process_time()
    assert normalise_line(line) == "\u1ea1" + "\u0323" * 199_999 + "\u0301" * 200_000
    # A tenth of a second; by insertion more than a minute.
    assert time.process_time() - begin < 10
