"""Upper and lower case in several languages: expected values are written out by hand."""

import pytest

from elman.text.casing import fold, recase, upper
from elman.text.letter_case import CaseLocale, lower


@pytest.mark.parametrize(
    ("text", "locale", "small", "large"),
    [
        ("ISPARTA", None, "isparta", "ISPARTA"),
        ("ISPARTA", "tr", "ısparta", "ISPARTA"),
        ("İzmir", "az", "izmir", "İZMİR"),
        ("ΟΔΥΣΣΕΥΣ ΣΑΣ", None, "οδυσσευς σας", "ΟΔΥΣΣΕΥΣ ΣΑΣ"),
        ("Straße", None, "straße", "STRASSE"),
    ],
)
def test_case(text: str, locale: CaseLocale | None, small: str, large: str) -> None:
    assert (lower(text, locale), upper(text, locale)) == (small, large)


def test_folds() -> None:
    assert fold("DON\u2019T") == fold("don'T") == fold("Don\u02bct") != fold("dont")
    assert fold("σοφός") == fold("ΣΟΦΌΣ") and fold("İstanbul") == fold("istanbul")
    assert fold("ISI", "tr") != fold("isi", "tr") and fold("ISI") == fold("isi")


@pytest.mark.parametrize(
    ("word", "typed", "shown"),
    [
        ("bring", "BRI", "BRING"),
        ("bring", "Bri", "Bring"),
        ("bring", "B", "Bring"),
        ("Bring", "bri", "bring"),
        ("Bring", "bRi", "Bring"),
        ("I", "i", "I"),
        ("I'll", "i", "I'll"),
        ("iPhone", "IPh", "iPhone"),
        ("iPhone", "IPH", "IPHONE"),
        ("don't", "DON\u2019", "DON\u2019T"),
        ("Can", "can", "Can"),
        ("Can", "CAN", "CAN"),
        ("can", "Can", "Can"),
        ("straße", "STR", "STRASSE"),
        ("3rd", "3R", "3rd"),
    ],
)
def test_words_in_the_typed_case(word: str, typed: str, shown: str) -> None:
    assert recase(word, typed) == shown


def test_the_typed_case_in_turkish() -> None:
    assert (recase("ilk", "İL", "tr"), recase("ılık", "IL", "tr")) == ("İLK", "ILIK")
