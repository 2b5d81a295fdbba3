"""Stretches of a text make up the text, and counts and tokens of all of them are those of the
whole."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.data.store import TokenStore, build_store
from elman.text import store
from elman.text.learning import Tally, add_tally
from elman.text.store import Text, TextWriter
from elman.text.tokenizer import Tokenizer, TokenizerConfig
from elman.text.tokenizer_json import SPECIALS

LINES = [
    "It\u2019s a test.",
    "",
    "It's the  end",
    "caf\u00e9 caf\u00e9\u00a0noir",
    "o\u02bcclock it",
    "a " * 40,
    "Don't!",
]


def text_of(folder: Path, lines: list[tuple[str, bool]]) -> Text:
    with TextWriter(folder, "text") as writer:
        for number, (line, starts) in enumerate(lines):
            writer.write(line, starts=starts or not number)
    return writer.text()


@given(st.lists(st.tuples(st.text("a\u00e9\n ".replace("\n", ""), max_size=9), st.booleans())), st.integers(1, 40))
@settings(max_examples=60, deadline=None)
def test_stretches_make_up_the_text(tmp_path_factory: pytest.TempPathFactory, lines: Any, size: int) -> None:
    text = text_of(tmp_path_factory.mktemp("text"), lines)
    stretches = text.stretches(size)
    assert [line for stretch in stretches for line in text.lines_of(*stretch)] == list(text)
    assert all(stop - first >= size for first, stop in stretches[:-1])
    whole = [(line, begins or not number) for number, (line, begins) in enumerate(lines)]
    assert list(text) == whole


@pytest.mark.parametrize(
    "config",
    [
        {"rules": 2},
        {"rules": 2, "lowercase": True, "compatibility": True},
        {"level": "char"},
        {"pretokenized": True, "rules": 2},
    ],
)
def test_tallies_of_parts_give_the_vocabulary_of_the_whole(config: dict[str, Any]) -> None:
    wanted, total = TokenizerConfig(min_count=1, **config), Tally()
    assert wanted.counts_types
    for part in (LINES[4:], LINES[:2], LINES[2:4]):  # in any order
        add_tally(total, Tokenizer(SPECIALS, config=wanted).tally(part))
    assert Tokenizer.of_tally(total, config=wanted).to_files() == Tokenizer.fit(LINES, config=wanted).to_files()


def test_stores_of_stretches_are_one_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = text_of(tmp_path, [(line, number % 5 == 2) for number, line in enumerate(LINES * 9)])
    tokenizer = Tokenizer.fit(LINES[:3], config=TokenizerConfig(rules=2, min_count=1))
    found: list[TokenStore] = []
    for size in (1 << 20, 50):
        monkeypatch.setattr(store, "STRETCH", size)
        found.append(build_store(text, tokenizer, folder=tmp_path / str(size), collect_oov=True))
    files = [{path.name: path.read_bytes() for path in each.folder.iterdir()} for each in found]
    assert len(text.stretches()) > 9 and files[0] == files[1]
