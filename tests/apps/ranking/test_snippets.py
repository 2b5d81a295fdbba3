import random

from elman.apps.ranking.analysis import AnalysisConfig, Analyzer
from elman.apps.ranking.snippets import snippet

ANALYZER = Analyzer(AnalysisConfig())


def test_the_part_with_the_rarest_words_is_shown() -> None:
    text = "one two " * 20 + "a rare wing here and a common one. " + "three four " * 20
    found = snippet(text, {"one": 0.1, "rare": 3.0, "wing": 2.0}, ANALYZER, words=8)
    assert "rare wing" in found.text and len(found.text.split()) == 8 and found.cut == (True, True)
    assert {found.text[start:end] for start, end in found.marks} == {"one", "rare", "wing"}
    assert found.marked("[", "]").startswith("… ") and "a [rare] [wing] …" in found.marked("[", "]")


def test_offsets_count_characters_of_lines_joined() -> None:
    found = snippet("Ein Café,\r\nund die Katze 😀 Katze!", {"katze": 1.0, "café": 1.0}, ANALYZER)
    assert found.text == "Ein Café, und die Katze 😀 Katze!" and found.cut == (False, False)
    assert [found.text[start:end] for start, end in found.marks] == ["Café", "Katze", "Katze"]


def test_texts_without_matches_are_shown_from_their_beginning() -> None:
    assert snippet("one two three", {"four": 1.0}, ANALYZER, words=2).marked() == "one two …"
    assert snippet("", {}, ANALYZER).marked() == ""
    assert snippet("?!", {"a": 1.0}, ANALYZER).text == "?!"


def test_the_part_is_the_first_of_those_that_weigh_most() -> None:
    generator = random.Random(1)
    weights = {"a": 1.0, "b": 2.5, "c": 0.5}
    for size in (3, 8, 9, 60):
        words = generator.choices("abcxyz", k=size)
        parts = [max(0, min(place - 8 // 6, size - 8)) for place, word in enumerate(words) if word in weights]
        values = [sum(weights.get(word, 0) for word in set(words[begin : begin + 8])) for begin in parts]
        begin = parts[values.index(max(values))] if parts else 0
        assert snippet(" ".join(words), weights, ANALYZER, words=8).text == " ".join(words[begin : begin + 8])
