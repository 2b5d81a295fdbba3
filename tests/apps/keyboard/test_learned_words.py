"""The user's own words: what is counted and what never is, by hand, and their file."""

import os
from pathlib import Path

import pytest

from elman.apps.keyboard.learned_words import LearnedWords
from elman.errors import TextError

KNOWN = {"I", "met", "Mr", "said", "to", "the", "call"}


def known(word: str) -> bool:
    return word in KNOWN


def taught(*lines: str, **settings: int) -> LearnedWords:
    words = LearnedWords(**settings)
    for line in lines:
        words.learn(line, known=known)
    return words


def test_counts_and_what_stands_beside() -> None:
    words = taught("I met Mr Zaphod.", "Mr Zaphod said", "to Zaphod, the 🦜")
    (zaphod, parrot) = words
    assert zaphod == ("Zaphod", 3, {"Mr": 2, "to": 1}, {"said": 1})
    assert parrot == ("🦜", 1, {"the": 1}, {})
    assert words.has("zaphod") and words.has("Zaphod\u2019") and not words.has("🦜")


def test_probabilities_by_hand() -> None:
    words = taught("Mr Abel Cain", "Mr Abel said", "to Cain", "to Cain")
    # Abel 2, Cain 3: 5 of 7 (two kinds). After "Mr" Abel twice: (2 + 1 * 2/7) / 3, and (0 + 1 *
    # 3/7) / 3.
    assert dict(words.beginning("")) == {"Abel": pytest.approx(2 / 7), "Cain": pytest.approx(3 / 7)}
    here = dict(words.beginning("", before="Mr"))
    assert here == {"Abel": pytest.approx(16 / 21), "Cain": pytest.approx(1 / 7)}
    assert [word for word, _ in words.beginning("aB")] == ["Abel"]
    # After Abel, of 2 with two kinds of followers: each 1 of 4.
    assert dict(words.following("Abel")) == {"Cain": 0.25, "said": 0.25}
    assert words.following("Abel\u2019") == words.following("Abel")
    assert words.following("Mr") == []
    # A file may say that more came after a word than there were of it: 1000 of 1000 and one kind.
    more = LearnedWords.from_lines('{"word": "Zaphod", "count": 2, "before": {"said": 1000}}', name="own")
    assert more.following("Zaphod") == [("said", pytest.approx(1000 / 1001))]


@pytest.mark.parametrize(
    "private",
    ["hunter2", "aXkQzLpWvR", "ada@example.org", "https://example.org/secret", "C:\\Users\\zaphod", "4711",
     "www.example.org", "my_pass_word", "..."],
)  # fmt: skip
def test_what_looks_private_is_never_learned(private: str) -> None:
    assert len(taught(f"call {private} said {private}", f"the {private}")) == 0
    words = taught(f"Zaphod {private} Zaphod")
    assert not any(text in private for each in words for text in (*each.after, *each.before))


def test_parts_of_a_secret_stand_beside_no_word(tmp_path: Path) -> None:
    words = taught("Zaphod QaWsEdRfTg-x", "'Qa'WsEdRfTg' Zaphod (aXkQzLpWvR)", f"Zaphod {'a' * 41}", "x@\tZaphod")
    assert list(words) == [("Zaphod", 4, {}, {})]
    words.write(tmp_path / "own.jsonl")
    assert list(LearnedWords.read(tmp_path / "own.jsonl")) == list(words)


def test_quotes_are_no_part_of_a_word() -> None:
    for line in ("said 'Zaphod'", "said \u2019Zaphod\u2019", "to 'Zaphod' to"):
        assert [each.word for each in taught(line)] == ["Zaphod"]
    assert [each.word for each in taught("to O'Hara")] == ["O'Hara"]


@pytest.mark.parametrize("part", ["x@", "ab,", "Ab'", "a!!"])
def test_no_part_of_a_text_is_read_for_each_of_its_words(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    read = 0

    def counted(word: str) -> bool:
        nonlocal read
        read += len(word)
        return False

    monkeypatch.setattr("elman.apps.keyboard.learned_words.is_secret", counted)
    text = part * 300 + "\t"
    taught(text)
    assert read <= 5 * len(text)


def test_a_word_is_offered_from_its_second_time_on() -> None:
    words = taught("Zaphod")
    assert words.beginning("Z") == [] and not words.has("Zaphod")
    assert taught("Zaphod", least=1).has("Zaphod")


def test_the_oldest_of_the_rarest_goes_first() -> None:
    words = taught("Anna Anna", "Bert", "Carl", "Dora", most=3)
    assert [each.word for each in words] == ["Anna", "Carl", "Dora"]
    words.add(taught("Carl Dora Dora", "Emil"))
    assert [each.word for each in words] == ["Carl", "Dora", "Emil"]
    words.forget("Emil")
    words.add(taught("Fred", "Gerd"))
    assert [each.word for each in words] == ["Carl", "Dora", "Gerd"]


def test_forgotten_words_are_gone_beside_others_too() -> None:
    words = taught("Abel Cain Abel")
    kept = words.copy()
    assert words.forget("Cain") and not words.forget("Cain")
    assert [each.to_json() for each in words] == [{"word": "Abel", "count": 2}]
    assert len(kept) == 2


def test_the_file(tmp_path: Path) -> None:
    file = tmp_path / "own.jsonl"
    words = taught("Mr Zaphod said", "Mr Zaphod", "🦜")
    words.write(file)
    assert file.read_text(encoding="utf-8").splitlines() == [
        '{"word": "Zaphod", "count": 2, "after": {"Mr": 2}, "before": {"said": 1}}', '{"word": "🦜", "count": 1}',
    ]  # fmt: skip
    assert list(LearnedWords.read(file)) == list(words)
    assert len(LearnedWords.read(tmp_path / "none.jsonl")) == 0
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o640)
    words.write(file)
    assert file.stat().st_mode & 0o777 == 0o640


def test_only_plain_files_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(TextError, match="give a plain file"):
            LearnedWords.read(path)
    with pytest.raises(TextError, match="give a file"):
        LearnedWords.read(tmp_path)
    (tmp_path / "large").write_bytes(b"\n" * 21)
    monkeypatch.setattr("elman.apps.keyboard.learned_words._MOST_BYTES", 20)
    with pytest.raises(TextError, match="more than 0 MB"):
        LearnedWords.read(tmp_path / "large")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("Zaphod 2", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ('["Zaphod", 2]', "a line is like"),
        ('{"word": "Zaphod", "count": 2, "more": 1}', "a line is like"),
        ('{"word": "hunter2", "count": 2}', "word is 'hunter2'"),
        ('{"count": 2}', "word is 'None'"),
        ('{"word": "Zaphod"}', "count must be"),
        ('{"word": "Zaphod", "count": true}', "count must be"),
        ('{"word": "Zaphod", "count": 0}', "count must be"),
        ('{"word": "Zaphod", "count": 2, "after": {"Mr": -1}}', "'Mr' is no word"),
        ('{"word": "Zaphod", "count": 2, "after": ["Mr"]}', "count must be"),
        ('{"word": "Zaphod", "count": 2, "before": {"ada@example.org": 1}}', "is no word"),
        ('{"word": "Zaphod", "count": 2, "before": {"QaWsEdRfTg": 1}}', "is no word"),
        ('{"word": "Zaphod", "count": 2, "before": {"\\ud800": 1}}', "is no word"),
        ('{"word": "Zaphod", "count": 2, "before": {"a\\u001b": 1}}', "is no word"),
        ('{"word": "\U0001f600\\ud800", "count": 2}', "must be letters or an emoji"),
        ('{"word": "Abel", "count": 2}', "stands there twice"),
    ],
)
def test_broken_lines_are_told(line: str, said: str) -> None:
    with pytest.raises(TextError, match=said) as caught:
        LearnedWords.from_lines('{"word": "Abel", "count": 2}\n' + line, name="own.jsonl")
    assert str(caught.value).startswith("own.jsonl:2: ") and "\n" not in str(caught.value)


def test_too_many_words_are_told() -> None:
    lines = "".join(f'{{"word": "{word}", "count": 1}}\n' for word in ("Abel", "Cain", "Seth"))
    with pytest.raises(TextError, match="3 words; keep 2"):
        LearnedWords.from_lines(lines, name="own", most=2)
