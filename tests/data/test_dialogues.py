"""Dialogues from plain text and from tables, their parts and their pairs."""

from pathlib import Path
from typing import Any

import pytest

from elman.data.dialogues import Dialogue, DialoguesConfig, Pair, hold_out, pairs_of, read_dialogues
from elman.errors import TextError, UsageError


def read(path: Path, text: str, **settings: Any) -> list[tuple[str, ...]]:
    path.write_text(text)
    return [each.turns for each in read_dialogues(path, config=DialoguesConfig(**settings))]


def test_a_blank_line_ends_a_dialogue(tmp_path: Path) -> None:
    text = "\nHello.\n  How  are you? \n\n\nAlone\n \nYes?\nNo.\nWhy?"
    assert read(tmp_path / "a.txt", text) == [("Hello.", "How  are you?"), ("Yes?", "No.", "Why?")]


@pytest.mark.parametrize(
    ("name", "text", "settings"),
    [
        ("a.tsv", "reply\tmessage\nfine\thow are you\n", {}),
        ("a.csv", 'who,message,reply\nme,"how are you",fine\n', {}),
        ("a.jsonl", '{"q": "how are you", "a": "fine"}\n', {"message": "q", "reply": "a"}),
        ("a.tsv", "how are you\tfine\n", {"message": "1", "reply": "2"}),
        ("a.log", '{"message": "how are you", "reply": "fine"}\n', {}),
        ("a.csv", "message,reply\nhow are you,\nhow are you,fine\n", {}),
    ],
)
def test_a_record_is_a_dialogue_of_two_turns(tmp_path: Path, name: str, text: str, settings: dict[str, str]) -> None:
    assert read(tmp_path / name, text, **settings) == [("how are you", "fine")]


def test_mistakes_are_named(tmp_path: Path) -> None:
    with pytest.raises(TextError, match=r"a\.txt: no message with a reply; write a turn a line"):
        read(tmp_path / "a.txt", "one\n\ntwo\n")
    with pytest.raises(TextError, match=r"no column 'reply'|no field 'reply'|'reply'"):
        read(tmp_path / "a.csv", "message,answer\na,b\n")
    with pytest.raises(UsageError, match="name two fields"):
        DialoguesConfig(message="text", reply="text")
    with pytest.raises(UsageError, match="reach is 0; it must be at least 1"):
        DialoguesConfig(reach=0)
    with pytest.raises(TextError, match="too few to hold some out"):
        hold_out([Dialogue(("a", "b"))])


def test_parts_follow_from_the_words_alone() -> None:
    dialogues = [Dialogue((f"a{number % 150}", "b")) for number in range(300)]
    train, valid = hold_out(dialogues)
    assert 4 <= len(valid) <= 60 and len(train) + len(valid) == 300
    assert not {*train} & {*valid}
    assert [sorted(part) for part in hold_out(dialogues[::-1])] == [sorted(train), sorted(valid)]


def test_pairs_by_words_and_reach() -> None:
    dialogues = [Dialogue(("so how are you", "yes", "fine and you", "very well thanks")), Dialogue(("a b", "c d"))]
    assert pairs_of(dialogues, min_words=2) == [Pair(0, 2, 3), Pair(1, 0, 1)]
    assert pairs_of(dialogues, min_words=2, reach=3) == [Pair(0, 2, 3), Pair(0, 0, 2), Pair(0, 0, 3), Pair(1, 0, 1)]
