from elman.data.pairs import Pairs
from elman.evaluation.translation_rivals import rival_translations, translation_rivals

PAIRS = Pairs(
    ["ein Haus.", "ein Buch!", "das Buch", "das rote Haus"], ["a house.", "a book!", "the book", "the red house"]
)


def test_each_rival_keeps_what_it_does_not_know() -> None:
    rivals = [rival.fit(PAIRS) for rival in translation_rivals()]
    assert rival_translations(rivals, ["das rote  Buch, Anna!", ""]) == {
        "a copy of the source": ["das rote  Buch, Anna!", ""],
        "a word-by-word dictionary": ["the red  book, Anna!", ""],
    }
