"""Lower case after Unicode's SpecialCasing.txt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman.text.letter_case import lower


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("ΟΔΥΣΣΕΥΣ", "οδυσσευς"),
        ("Σ ΑΣ. ΑΣ'Α", "σ ας. ασ'α"),
        ("σοφός ΣΟΦΌΣ", "σοφός σοφός"),
        ("İzmir IŞIK", "izmir işik"),
        ("ẞ Ǆ Ⓐ", "ß ǆ ⓐ"),
    ],
)
def test_letters_look_around(text: str, wanted: str) -> None:
    assert lower(text) == wanted


@pytest.mark.parametrize("locale", ["tr", "az"])
def test_turkish_i(locale) -> None:
    assert lower("IŞIK İZMİR", locale) == "ışık izmir"
    assert lower("TITLE", locale) == "tıtle"


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_no_character_is_added(text: str) -> None:
    assert len(lower(text)) == len(lower(text, "tr")) == len(text)
