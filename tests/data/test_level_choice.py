import itertools
import random

import pytest

from elman.data import level_choice
from elman.data.level_choice import level_of_text
from elman.progress import Progress
from elman.text.sample import sample_windows
from elman.text.store import TextWriter


def text_of(folder, documents):
    with TextWriter(folder, "all") as writer:
        for document in documents:
            for place, line in enumerate(document):
                writer.write(line, starts=place == 0)
    return writer.text()


class Talk(Progress):
    def __init__(self):
        self.said = []

    def say(self, message):
        self.said.append(message)


def syllables(chance, count):
    return ["".join(chance.choice("ptkmnslr") + chance.choice("aeiou") for _ in range(count)) for _ in range(40)]


def few_words(chance, lines):
    """A language of few words, as they stand: the next depends on the one before."""
    words = [first + second for first, second in itertools.product(syllables(chance, 1)[:8], syllables(chance, 2)[:30])]
    after = {word: chance.sample(words, 4) for word in words}
    for _ in range(lines):
        word, line = chance.choice(words), []
        for _ in range(8):
            line.append(word)
            word = chance.choice(after[word])
        yield " ".join(line)


def many_endings(chance, lines):
    """A language of stems with four endings each, so that most words are new."""
    stems, endings = syllables(chance, 2), [syllables(chance, 1)[:9] for _ in range(4)]
    for _ in range(lines):
        yield " ".join(chance.choice(stems) + "".join(map(chance.choice, endings)) for _ in range(5))


@pytest.mark.slow
def test_words_where_they_are_few_and_characters_where_they_have_many_endings(tmp_path):
    for language, level in ((few_words, "word"), (many_endings, "char")):
        talk = Talk()
        text = text_of(tmp_path, [[*language(random.Random(1), 800)]])
        assert level_of_text(text, progress=talk) == level
        (line,) = talk.said
        assert line.startswith(f"level: {level}; bits per byte by a quick count of 0.0")
        assert "words " in line and "subwords " in line and "characters " in line


def test_scripts_without_spaces_and_short_texts_need_no_count(tmp_path):
    talk = Talk()
    assert level_of_text(text_of(tmp_path, [["猫が窓に座って、通りを見ていました。"] * 9]), progress=talk) == "char"
    assert level_of_text(text_of(tmp_path, [[*many_endings(random.Random(1), 20)]]), progress=talk) == "word"
    assert talk.said == []


def test_the_end_of_a_text_counts_as_much_as_its_beginning(tmp_path, monkeypatch):
    monkeypatch.setattr(level_choice, "_SAMPLE_BYTES", 20_000)
    chance = random.Random(1)
    many = [*many_endings(chance, 3000)]
    few = [*few_words(chance, 300)]
    assert level_of_text(text_of(tmp_path, [few + many])) == "char"


@pytest.mark.parametrize("size", [8_000, 10**6])
def test_the_order_of_documents_changes_nothing(tmp_path, size):
    documents = [[f"{n} {line}" for line in few_words(random.Random(n), 5 + n % 70)] for n in range(30)]
    first = sample_windows(text_of(tmp_path, documents), size)
    random.Random(0).shuffle(documents)
    assert sample_windows(text_of(tmp_path, documents), size) == first
    assert sum(len(line) + 1 for lines in first for line in lines) <= size + 1024


def test_a_sample_is_from_all_over_a_text_and_of_whole_words(tmp_path):
    words = [f"w{n:06}" for n in range(40_000)]
    for lines in ([" ".join(words)], words, [" ".join(words[at : at + 7]) for at in range(0, 40_000, 7)]):
        windows = sample_windows(text_of(tmp_path, [lines]), 100_000)
        found = [word for lines in windows for line in lines for word in line.split()]
        assert set(found) <= set(words) and 11_000 < len(found) < 13_000
        parts = [sum(begin <= int(word[1:]) < begin + 10_000 for word in found) for begin in range(0, 40_000, 10_000)]
        assert min(parts) > 2000
    whole = [
        line for lines in sample_windows(text_of(tmp_path, [["naïve", "", "cat"], ["dog"]]), 1000) for line in lines
    ]
    assert sorted(whole) == ["cat", "dog", "naïve"]
