"""Tokens from the end of a line to its start."""

from pathlib import Path

import numpy as np
import pytest

from elman.data.oov import unknown_tokens
from elman.data.store import build_store
from elman.decode.line_ids import line_ids
from elman.text.store import TextWriter
from elman.text.tokenizer import EOS_ID, Tokenizer, TokenizerConfig

LINES = ["the cat sat", "", "a dog, the  cat", "naïve owls sat"]
KINDS = [
    {"level": "word", "min_count": 1},
    {"level": "word", "min_count": 1, "rules": 2},
    {"level": "word", "pretokenized": True},
    {"level": "word", "pretokenized": True, "lowercase": True},
    {"level": "subword", "min_count": 1},
    {"level": "char", "min_count": 1},
    {"level": "byte"},
]


def _both(settings) -> tuple[Tokenizer, Tokenizer]:
    lines = LINES[:3]
    forward = Tokenizer.fit(lines, config=TokenizerConfig(**settings))
    return forward, Tokenizer.fit(lines, config=TokenizerConfig(**settings, direction="backward"))


@pytest.mark.parametrize("settings", KINDS, ids=str)
def test_each_line_comes_from_its_end_and_its_end_mark_stays_last(settings) -> None:
    forward, backward = _both(settings)
    expected = [forward.encode(line).ids[::-1].tolist() for line in LINES]
    assert backward.tokens == forward.tokens
    assert [backward.encode(line).ids.tolist() for line in LINES] == expected
    assert [ids.tolist() for ids in backward.encode_lines(LINES)] == expected
    assert [ids.tolist() for ids in line_ids(backward, LINES).split()] == [[*ids, EOS_ID] for ids in expected]
    stream = backward.encode_stream(LINES)
    assert np.where(stream < 0, 0, stream).tolist() == [token for ids in expected for token in [*ids, EOS_ID]]
    assert (stream < 0).sum() == (forward.encode_stream(LINES) < 0).sum()
    for line in LINES:
        ids = backward.encode(line).ids
        spans = backward.encode(line).spans
        assert spans.tolist() == forward.encode(line).spans[::-1].tolist()
        mirrored = [each._replace(place=len(ids) - 1 - each.place) for each in reversed(_unknown(forward, line))]
        assert _unknown(backward, line) == mirrored == line_ids(backward, [line]).unknown.get(0, [])


def _unknown(tokenizer: Tokenizer, line: str):
    return unknown_tokens(tokenizer, line, tokenizer.encode(line))


@pytest.mark.parametrize("settings", KINDS, ids=str)
def test_decoding_gives_the_text_back(settings) -> None:
    forward, backward = _both(settings)
    ids = backward.encode_stream(LINES)
    ids = np.where(ids < 0, 0, ids)
    there = np.where(forward.encode_stream(LINES) < 0, 0, forward.encode_stream(LINES))
    assert backward.decode(ids.tolist()) == forward.decode(there.tolist())
    open_line = [*backward.encode("the cat").ids, EOS_ID, *backward.encode("the cat sat").ids]
    assert backward.decode(open_line) == "the cat\nthe cat sat"


def test_only_backward_tokenizers_say_so_in_their_files_and_hashes() -> None:
    forward, backward = _both(KINDS[1])
    assert b"direction" not in forward.to_files()["tokenizer_config.json"]
    assert forward.hash != backward.hash
    again = Tokenizer.from_files(backward.to_files())
    assert again.config.direction == "backward" and again.hash == backward.hash
    assert again.grow(["owl owl"]).config.is_backward
    # Under rules 1 the settings do not count, but the direction does.
    assert len({tokenizer.hash for tokenizer in _both(KINDS[0])}) == 2


def test_the_parts_of_a_long_line_are_read_from_the_last(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("elman.data.store._BATCH_CHARS", 20)
    lines = ["the cat sat the dog sat the owl sat", *LINES, "a dog", "the cat  sat the dog sat the  owl sat"]
    with TextWriter(tmp_path, "text") as writer:
        for number, line in enumerate(lines):
            writer.write(line, starts=number % 3 == 0)
    for settings in (KINDS[0], KINDS[5]):
        stores = [
            build_store(writer.text(), Tokenizer.fit(lines, config=config), folder=tmp_path / "tokens")
            for config in (TokenizerConfig(**settings), TokenizerConfig(**settings, direction="backward"))
        ]
        there, back = (np.split(store.ids, np.flatnonzero(store.ids == EOS_ID) + 1)[:-1] for store in stores)
        assert [own.tolist() for own in back] == [[*own[:-1][::-1].tolist(), EOS_ID] for own in there]
        assert stores[0].documents.tolist() == stores[1].documents.tolist()
