"""What vocabularies learn: counts by hand, the order of types, one streaming pass, the same on any
machine.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.errors import TextError
from elman.text import learning
from elman.text.learning import by_frequency, characters, frequent_words, spaced_words
from elman.text.splitting import Level
from elman.text.tokenizer import Tokenizer, TokenizerConfig

_HASHES = """
import json, sys
from elman.text.tokenizer import Tokenizer, TokenizerConfig
text = json.load(sys.stdin)
for level in "word", "subword", "char":
    print(Tokenizer.fit(text, config=TokenizerConfig(level=level)).hash)
"""


@pytest.mark.slow
@given(st.lists(st.lists(st.sampled_from(["a", "b", "é", "日", "aa", "", "<unk>", "A", "Z"])).map(" ".join)))
def test_words_between_spaces_are_what_the_library_finds(lines):
    parts = [f" {line}" for line in lines if line]
    for least in (1, 2):
        engine = Tokenizer(["<unk>", "</s>"], config=TokenizerConfig(pretokenized=True))._engine
        assert by_frequency(spaced_words(parts), min_count=least) == frequent_words(
            parts, engine=engine, min_count=least
        )


def test_falling_count_then_token_string() -> None:
    fitted = Tokenizer.fit(["b a c a", "c b d é e", "b é"], config=TokenizerConfig())
    assert fitted.tokens == ["<unk>", "</s>", " b", " a", " c", " é"]
    assert by_frequency(characters(["banana bé", "é~"]), min_count=2) == ["a", "b", "n", "é"]


@given(st.lists(st.lists(st.sampled_from(["a", "b", "ab", "B", "é", "猫", "z9"]), max_size=8), max_size=30))
@settings(max_examples=40, deadline=None)
def test_words_equal_plain_counting(words: list[list[str]]) -> None:
    counts = Counter(" " + word for line in words for word in line)
    expected = sorted((word for word in counts if counts[word] > 1), key=lambda word: (-counts[word], word))
    fitted = Tokenizer.fit(map(" ".join, words), config=TokenizerConfig(pretokenized=True, min_count=2))
    assert fitted.tokens == ["<unk>", "</s>", *expected]


def test_merges_by_hand() -> None:
    # " ab" three times, " ac" twice: first " a" (5 times), then " ab" (3), then " ac" (2).
    config = TokenizerConfig(level="subword", vocab_size=261)
    fitted = Tokenizer.fit(["ab ac ab ac ab"], config=config)
    assert fitted.pieces[258:] == [b" a", b" ab", b" ac"]
    assert fitted.encode("ab ad").ids.tolist() == [259, 258, fitted.pieces.index(b"d")]
    once_is_not_enough = Tokenizer.fit(["ab cd"], config=config)
    assert once_is_not_enough.size == 258
    assert Tokenizer.fit(["ab cd"], config=config.replace(min_count=1)).size == 261


def test_merges_stay_within_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning, "RUN_CHARS", 4)
    fitted = Tokenizer.fit(["abcdefgh"] * 3, config=TokenizerConfig(level="subword"))
    assert {b" abc", b"defg"} <= {*fitted.pieces}
    assert not [piece for piece in fitted.pieces if b"cd" in piece or b"gh" in piece]
    # What is learned in runs is used on whole lines.
    assert fitted.decode(fitted.encode("abcdefgh").ids) == "abcdefgh"


@pytest.mark.parametrize("level", ["word", "char", "subword"])
def test_one_streaming_pass(level: Level) -> None:
    def lines() -> Iterator[str]:
        for number in range(3000):
            yield f"word{number % 7} x"
        raise TextError("the source failed")

    with pytest.raises(TextError, match="the source failed"):
        Tokenizer.fit(lines(), config=TokenizerConfig(level=level))


def test_the_same_with_one_thread_in_another_process() -> None:
    text = [" ".join(f"w{(a * b) % 97}x{b}" for b in range(40)) for a in range(50)]
    here = [Tokenizer.fit(text, config=TokenizerConfig(level=level)).hash for level in ("word", "subword", "char")]
    there = subprocess.run(
        [sys.executable, "-c", _HASHES],
        input=json.dumps(text),
        capture_output=True,
        text=True,
        env={**os.environ, "RAYON_NUM_THREADS": "1", "PYTHONHASHSEED": "7"},
    )
    assert there.stdout.split() == here, there.stderr
