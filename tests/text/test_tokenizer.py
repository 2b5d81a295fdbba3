"""Tokenizer: ids and spans by hand, lossless round trips, equality with the library, growth, the
choice of a level.
"""

import unicodedata
from typing import Any

import numpy as np
import pytest
import tokenizers
from hypothesis import example, given, settings
from hypothesis import strategies as st

from elman.errors import TextError, UsageError
from elman.text import splitting
from elman.text.level import choose_level
from elman.text.splitting import Level
from elman.text.tokenizer import EOS_ID, UNK_ID, Tokenizer, TokenizerConfig

PROSE = [
    "The cat sat on the mat; the cat didn't sit, it sat.",
    "",
    "\tIndented by a tab, and  two spaces ... 12 345 = 3rd!",
    "नमस्ते दुनिया, می\u200cخواهم, café, \U0001f469\U0001f3fd\u200d\U0001f4bb ❤\ufe0f",
]
CONFIGS: dict[Level, TokenizerConfig] = {
    "word": TokenizerConfig(min_count=1),
    "subword": TokenizerConfig(level="subword", vocab_size=300),
    "char": TokenizerConfig(level="char", min_count=1),
    "byte": TokenizerConfig(level="byte"),
}
FITTED = {level: Tokenizer.fit(PROSE * 3, config=config) for level, config in CONFIGS.items()}


def from_file(fitted: Tokenizer) -> tokenizers.Tokenizer:
    """The same tokenizer as another tool loads it."""
    return tokenizers.Tokenizer.from_str(fitted.to_files()["tokenizer.json"].decode())


LIBRARY = {level: from_file(fitted) for level, fitted in FITTED.items()}


def normalised(text: str) -> str:
    return unicodedata.normalize("NFC", text).replace("\r", "").replace("\n", "").rstrip()


LINES = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    st.text("ab  \t'’.,-=<>/unks1é\u0301\u0947\u200d\u200c\ufe0f❤\U0001f469\U0001f3fd猫。_\x1c\u00a0", max_size=40),
).map(normalised)


class TestByHand:
    def test_words(self) -> None:
        fitted = Tokenizer.fit(["the cat, the"], config=TokenizerConfig(min_count=1))
        assert fitted.tokens == ["<unk>", "</s>", " the", " cat", ","]
        assert fitted.pieces == [b"\xef\xbf\xbd", b"\n", b" the", b" cat", b","]
        assert (fitted.size, fitted.leading_space) == (5, True)
        ids, spans, _ = fitted.encode("the dog, cat")
        assert ids.dtype == spans.dtype == np.int64
        assert ids.tolist() == [2, UNK_ID, 4, 3]
        assert spans.tolist() == [[0, 3], [3, 7], [7, 8], [8, 12]]

    def test_the_space_before_a_line_claims_no_character(self) -> None:
        fitted = Tokenizer.fit(["\ta"], config=TokenizerConfig(min_count=1))
        ids, spans, _ = fitted.encode("\ta")
        assert [fitted.tokens[token_id] for token_id in ids] == [" ", "\t", "a"]
        assert spans.tolist() == [[0, 0], [0, 1], [1, 2]]

    def test_empty_line(self) -> None:
        for fitted in FITTED.values():
            ids, spans, _ = fitted.encode("")
            assert (ids.shape, spans.shape, ids.dtype) == ((0,), (0, 2), np.int64)
            assert [found.tolist() for found in fitted.encode_lines(["", "a", ""])][::2] == [[], []]
            assert fitted.encode_lines([]) == []

    def test_pretokenized(self) -> None:
        fitted = Tokenizer.fit([" no it was n't", " <unk> </s> no"], config=TokenizerConfig(pretokenized=True))
        assert fitted.tokens == ["<unk>", "</s>", " no", " it", " n't", " was"]
        ids, spans, _ = fitted.encode(" no  <unk> </s> new it")
        assert ids.tolist() == [2, UNK_ID, UNK_ID, UNK_ID, 3]
        assert spans.tolist() == [[0, 3], [3, 10], [10, 15], [15, 19], [19, 22]]
        assert fitted.decode([2, 3, EOS_ID, 4]) == "no it\nn't"
        assert fitted.encode("   ").ids.tolist() == []

    def test_bytes(self) -> None:
        fitted = FITTED["byte"]
        assert (fitted.size, fitted.leading_space) == (258, False)
        assert fitted.encode("aé\0").ids.tolist() == [97 + 2, 0xC3 + 2, 0xA9 + 2, 2]
        assert fitted.encode("aé\0").spans.tolist() == [[0, 1], [1, 2], [1, 2], [2, 3]]
        assert fitted.pieces[2:] == [bytes([byte]) for byte in range(256)]

    def test_characters(self) -> None:
        fitted = Tokenizer.fit(["a\U0001f469 a"], config=TokenizerConfig(level="char", min_count=1))
        assert fitted.tokens == ["<unk>", "</s>", "a", " ", "\U0001f469"]
        # One code point below, between and above the known ones.
        ids, spans, _ = fitted.encode("\0a é\U0010ffff\U0001f469")
        assert ids.tolist() == [0, 2, 3, 0, 0, 4]
        assert spans.tolist() == [[place, place + 1] for place in range(6)]

    def test_lower_case(self) -> None:
        fitted = Tokenizer.fit(["The the İ", "THE"], config=TokenizerConfig(lowercase=True))
        assert fitted.tokens == ["<unk>", "</s>", " the"]
        assert fitted.decode(fitted.encode("The THE").ids) == "the the"
        assert fitted.encode("İx The").spans.tolist() == [[0, 2], [2, 6]]

    @pytest.mark.parametrize("level", ["char", "byte", "subword"])
    def test_lower_case_elsewhere(self, level: Level) -> None:
        fitted = Tokenizer.fit(["ABC É", "abc é"], config=TokenizerConfig(level=level, lowercase=True))
        assert fitted.decode(fitted.encode("ABC É").ids) == "abc é"
        assert fitted.encode_lines(["ABC É"])[0].tolist() == fitted.encode("abc é").ids.tolist()
        assert fitted.encode("ABC É").spans.tolist() == fitted.encode("abc é").spans.tolist()

    @pytest.mark.parametrize("level", CONFIGS)
    def test_written_specials_are_ordinary_text(self, level: Level) -> None:
        line = "<unk></s> <unk> </s>"
        fitted = Tokenizer.fit([line], config=CONFIGS[level])
        ids = fitted.encode(line).ids
        assert not {UNK_ID, EOS_ID} & {*ids.tolist()}
        assert fitted.decode(ids) == line


class TestVocabulary:
    def test_default_counts(self) -> None:
        lines = ["a a b"]
        assert Tokenizer.fit(lines, config=TokenizerConfig()).tokens[2:] == [" a"]
        assert Tokenizer.fit(lines, config=TokenizerConfig(pretokenized=True)).tokens[2:] == [" a", " b"]
        assert Tokenizer.fit(lines, config=TokenizerConfig(level="char")).tokens[2:] == [" ", "a"]
        assert Tokenizer.fit([], config=TokenizerConfig()).tokens == ["<unk>", "</s>"]

    def test_size_limit_counts_the_specials(self) -> None:
        fitted = Tokenizer.fit(["a a a b b c c"], config=TokenizerConfig(vocab_size=4))
        assert fitted.tokens == ["<unk>", "</s>", " a", " b"]
        assert FITTED["subword"].size == 300

    def test_grow_keeps_old_ids(self) -> None:
        old = Tokenizer.fit(["b b a a"], config=TokenizerConfig())
        grown = old.grow(["z z z a c c a a a once", "d d"])
        assert grown.tokens == ["<unk>", "</s>", " a", " b", " z", " c", " d"]
        assert (grown.config, old.size) == (old.config, 4)
        assert grown.encode("d a").ids.tolist() == [6, 2]
        assert old.grow(["a b once"]) is old
        chars = Tokenizer.fit(["aa"], config=TokenizerConfig(level="char"))
        assert chars.grow(["xxayy"]).encode("yxa").ids.tolist() == [4, 3, 2]

    def test_grow_stays_within_the_size_limit(self) -> None:
        old = Tokenizer.fit(["a a"], config=TokenizerConfig(vocab_size=4))
        assert old.grow(["x x x y y"]).tokens == ["<unk>", "</s>", " a", " x"]

    @pytest.mark.parametrize("level", ["byte", "subword"])
    def test_bytes_and_subwords_know_all_text(self, level: Level) -> None:
        assert FITTED[level].grow(["new words, new words"]) is FITTED[level]


class TestRoundTrip:
    @pytest.mark.parametrize("level", ["word", "char"])
    @given(line=LINES)
    @example(line="  x \t y")
    @settings(max_examples=60, deadline=None)
    def test_lossless_where_all_types_are_known(self, level: Level, line: str) -> None:
        fitted = Tokenizer.fit([line], config=CONFIGS[level])
        ids, spans, _ = fitted.encode(line)
        assert not {UNK_ID, EOS_ID} & {*ids.tolist()}
        assert fitted.decode(ids) == line
        assert fitted.decode([*ids, EOS_ID, *ids]) == f"{line}\n{line}"
        # The spans follow on one another through the whole line, and each token is what its span
        # says.
        assert [0, *spans[:, 1].tolist()] == [*spans[:, 0].tolist(), len(line)]
        texts = [line[start:end] for start, end in spans]
        if level == "word" and texts:
            texts[0] = " " + texts[0]
        assert texts == [fitted.tokens[token_id] for token_id in ids]

    @pytest.mark.parametrize("level", ["subword", "byte"])
    @given(line=LINES)
    @settings(max_examples=60, deadline=None)
    def test_lossless_on_any_text(self, level: Level, line: str) -> None:
        fitted = FITTED[level]
        ids, spans, _ = fitted.encode(line)
        assert fitted.decode(ids) == line
        assert not {UNK_ID, EOS_ID} & {*ids.tolist()}
        assert (np.diff(spans, axis=0) >= 0).all() and (spans[:, 1] >= spans[:, 0]).all()
        assert {place for start, end in spans.tolist() for place in range(start, end)} == {*range(len(line))}

    @given(words=st.lists(st.text("ab<>\t'é\u00a0", min_size=1, max_size=4), max_size=8))
    @settings(max_examples=40, deadline=None)
    def test_pretokenized_up_to_the_number_of_spaces(self, words: list[str]) -> None:
        line = normalised(" ".join(words))
        fitted = Tokenizer.fit([line], config=TokenizerConfig(pretokenized=True))
        wide = f"  {line.replace(' ', '   ')}" if line else ""
        ids, spans, _ = fitted.encode(wide)
        assert fitted.decode(ids) == line.lstrip(" ")
        assert [0, *spans[:, 1].tolist()] == [*spans[:, 0].tolist(), len(wide)]
        assert from_file(fitted).encode(wide).ids == ids.tolist()

    @pytest.mark.parametrize("level", CONFIGS)
    @given(lines=st.lists(LINES, max_size=6))
    @settings(max_examples=30, deadline=None)
    def test_many_lines_one_by_one_and_the_library_agree(self, level: Level, lines: list[str]) -> None:
        fitted, library = FITTED[level], LIBRARY[level]
        for line, ids in zip(lines, fitted.encode_lines(lines), strict=True):
            assert ids.dtype == np.int64
            assert ids.tolist() == fitted.encode(line).ids.tolist() == library.encode(line).ids
            if UNK_ID not in ids:
                assert library.decode(ids.tolist()) == fitted.decode(ids) == line

    @pytest.mark.parametrize("level", ["word", "subword"])
    @pytest.mark.parametrize("motif", ["The cat, the mat... ", "don't-", "म\u0947  ा "])
    def test_long_lines_keep_their_ids_and_places(self, level: Level, motif: str) -> None:
        line = normalised("start " + motif * (70_000 // len(motif)))
        expected = LIBRARY[level].encode(line)
        ids, spans, _ = FITTED[level].encode(line)
        assert ids.tolist() == expected.ids
        assert FITTED[level].encode_lines(["a", line, ""])[1].tolist() == expected.ids
        assert spans[:, 1].tolist() == [end for _, end in expected.offsets]

    def test_batches_do_not_mix_lines(self, monkeypatch: pytest.MonkeyPatch) -> None:
        expected = [FITTED["word"].encode(line).ids.tolist() for line in PROSE * 3]
        monkeypatch.setattr(splitting, "_BATCH_CHARS", 60)
        assert [ids.tolist() for ids in FITTED["word"].encode_lines(PROSE * 3)] == expected


class TestDecode:
    def test_stream_of_words(self) -> None:
        fitted = Tokenizer.fit(["the cat, the"], config=TokenizerConfig(min_count=1))
        the, cat, comma = 2, 3, 4
        assert fitted.decode([the, cat, comma, the, EOS_ID, EOS_ID, the]) == "the cat, the\n\nthe"
        assert fitted.decode_bytes([cat, EOS_ID, the], line_start=False) == b" cat\nthe"
        assert fitted.decode([the, UNK_ID, cat]) == "the\ufffd cat"
        assert fitted.decode(np.array([comma, the])) == ", the"
        assert fitted.decode([]) == ""

    @pytest.mark.parametrize("level", ["char", "byte"])
    def test_a_first_space_is_kept_where_none_was_added(self, level: Level) -> None:
        fitted = FITTED[level]
        assert fitted.decode(fitted.encode(" a").ids) == " a"

    def test_broken_utf8(self) -> None:
        fitted = FITTED["byte"]
        assert fitted.decode_bytes([0xC3 + 2]) + fitted.decode_bytes([0xA9 + 2]) == "é".encode()
        assert fitted.decode([0xC3 + 2, 97 + 2]) == "\ufffda"


@pytest.mark.parametrize("level", CONFIGS)
def test_half_a_surrogate_pair(level: Level) -> None:
    message = r"^character 1 of a line is U\+D83D, half of a surrogate pair; that is not Unicode text"
    with pytest.raises(TextError, match=message):
        FITTED[level].encode("a\ud83d")
    with pytest.raises(TextError, match=message):
        FITTED[level].encode_lines(["b", "a\ud83d"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"level": "letter"}, "level is 'letter'; it must be 'word' or 'subword' or 'char' or 'byte'"),
        ({"level": "char", "pretokenized": True}, "use level 'word'"),
        ({"level": "byte", "min_count": 1}, "min_count does not apply to it"),
        ({"level": "byte", "vocab_size": 258}, "vocab_size does not apply to it"),
        ({"min_count": 0}, "min_count is 0; it must be 1 or more"),
        ({"vocab_size": 2}, "level 'word' needs 3 or more"),
        ({"level": "subword", "vocab_size": 257}, "level 'subword' needs 258 or more"),
    ],
)
def test_settings_that_do_not_go_together(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        TokenizerConfig(**options)


@pytest.mark.parametrize(
    ("sample", "level"),
    [
        ("", "word"),
        ("... 123 !!!", "word"),
        ("The cat sat on the mat.", "word"),
        ("नमस्ते दुनिया", "word"),
        ("안녕하세요 세계", "word"),
        ("مرحبا بالعالم", "word"),
        ("我们今天去公园。", "char"),
        ("すもももももももものうち", "char"),
        ("สวัสดีชาวโลก", "char"),
        ("ສະບາຍດີຊາວໂລກ", "char"),
        ("សួស្តីពិភពលោក", "char"),
        ("မင်္ဂလာပါကမ္ဘာလောက", "char"),
        ("The word 猫 means cat, and 犬 means dog.", "word"),
        ("用 Python 写一个 for 循环，然后打印结果。", "char"),
    ],
)
def test_level_for_a_script(sample: str, level: Level) -> None:
    assert choose_level(sample) == level
