"""`elman learned`, and what `complete` and `evaluate --keystrokes` make of its file."""

import json
from pathlib import Path
from typing import Any

import pytest


def test_words_are_learned_listed_offered_and_forgotten(cli: Any, ngram_folder: Path, tmp_path: Path) -> None:
    file, text = tmp_path / "own.jsonl", tmp_path / "letters.txt"
    text.write_text("Anna sees Zaphod.\nBen hears Zaphod and Trillian\nmy pin is 4711\n", encoding="utf-8")
    assert "--from TEXT --model MODEL makes one" in cli("learned", file).err
    assert "belong together" in cli("learned", file, "--from", text).err
    shown = cli("learned", file, "--from", text, "--model", ngram_folder)
    assert shown.code == 0 and shown.out.splitlines()[0].split() == ["Zaphod", "2"]
    assert "new in" in shown.err and shown.err.rstrip().endswith(": Zaphod, and, Trillian, my, is")
    assert "offered from 2 on" in shown.out and "4711" not in file.read_text(encoding="utf-8")
    offered = json.loads(cli("complete", ngram_folder, "Anna sees Za", "--learned", file, "--json").out)
    assert offered["words"][0]["text"] == "Zaphod" and offered["words"][0]["kind"] == "learned"
    for sign in ("", "\u2019"):
        offered = json.loads(cli("complete", ngram_folder, f"Anna sees Zaphod{sign}", "--learned", file, "--json").out)
        assert "and" in [each["text"] for each in offered["words"] if each.get("kind") == "learned"]
    missing = cli("complete", ngram_folder, "Anna", "--learned", tmp_path / "nofile.jsonl")
    assert missing.code == 2 and "there is no such file" in missing.err
    for word, said in (("Ford", "lists them"), ("zaphod", "there is Zaphod")):
        refused = cli("learned", file, "--forget", "Trillian", "--forget", word)
        assert refused.code == 2 and f"{word!r} is not among" in refused.err and said in refused.err
    assert "Trillian" in cli("learned", file).out
    shown = cli("learned", file, "--forget", "Zaphod", "--json")
    assert "Zaphod" not in [each["word"] for each in json.loads(shown.out)["words"]]
    assert json.loads(cli("learned", file, "--clear", "--json").out)["words"] == [] and file.read_bytes() == b""


def test_corrections_and_other_models_on_the_command_line(cli: Any, ngram_folder: Path, tmp_path: Path) -> None:
    assert "(correction)" in cli("complete", ngram_folder, "Anna sese").out
    assert "(correction)" not in cli("complete", ngram_folder, "Anna sese", "--no-typos").out
    both = cli("complete", ngram_folder, "Anna ", "--also", ngram_folder, "--json")
    alone = cli("complete", ngram_folder, "Anna ", "--json")
    assert [each["text"] for each in json.loads(both.out)["words"]] == [
        each["text"] for each in json.loads(alone.out)["words"]
    ]
    assert (
        "--also is about single words" in cli("complete", ngram_folder, "Anna", "--phrase", "--also", ngram_folder).err
    )
    text = tmp_path / "text.txt"
    text.write_text("Anna sees the old house.\nBen likes the old house.\n", encoding="utf-8")
    evaluated = cli("evaluate", ngram_folder, text, "--keystrokes", "--mistype", "100%", "--json")
    assert "'100%'" in json.loads(evaluated.out)["error"]["message"]
    words = ("evaluate", ngram_folder, text, "--json", "--mistype", "50%")
    found = json.loads(cli(*words, "--keystrokes").out)["keystrokes"]
    assert "keyboard-typos-mistyped:0.5" in found["signature"] and found["without"] > len(text.read_text())
    # The same mistakes without corrections are the rival.
    assert found["plain"]["without"] == found["without"]
    assert found["gain"]["value"] == pytest.approx(found["saved"] - found["plain"]["saved"])
    assert "--mistype says how a text is typed" in json.loads(cli(*words).out)["error"]["message"]
