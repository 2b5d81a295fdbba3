"""What a training says of itself."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.networks import make, words

import elman
from elman.data.store import build_store
from elman.decode.line_nats import LineNats
from elman.evaluation import counted_rival
from elman.evaluation.counted_rival import against_ngram, sample
from elman.evaluation.language import evaluate_text
from elman.progress import Progress
from elman.tasks.language.advice import advice, minutes_to_gain
from elman.text.speller import Speller
from elman.text.store import Text, TextWriter
from elman.text.tokenizer import EOS_ID, Tokenizer, TokenizerConfig

RIVAL = {
    "order": 5, "tokens": 900, "of": 900, "bits_per_byte": 1.5, "units": "50 blocks of lines", "text": "test",
    "minutes": 12.34, "worse_by": {"value": 0.25, "low": 0.2, "high": 0.3},
}  # fmt: skip


def said(**rival: Any) -> str:
    figures = {"test": {"bits_per_byte": 1.75}}
    card = {"epochs": 0.3, "rival": {**RIVAL, **rival}, "figures": figures, "data": {"sources": ["my notes.txt"]}}
    return "\n".join(advice(card, "net"))


def test_a_network_that_lost_is_told_what_to_do() -> None:
    assert said() == (
        "read 30% of the text once; a 5-gram of the same text scores 1.5000 bits per byte on the test text, this "
        "network 1.7500\n"
        "the 5-gram is better by 0.2500 bits per byte (95%: 0.2000 to 0.3000): use it (elman train 'my notes.txt' "
        "--model ngram --order 5 --out ngram), mix both (elman evaluate net TEXT --mix ngram), or train for at least "
        "12 minutes, judging by the validation curve"
    )
    assert said(minutes=None).endswith("or train several times as long")
    assert "a 5-gram of a sample of the same text (1.0 of 31.5 M tokens) scores" in said(tokens=10**6, of=31_500_000)


@pytest.mark.parametrize(
    ("worse_by", "ending"),
    [
        ({"value": -0.2, "low": -0.3, "high": -0.1}, "this network 1.7500"),
        (
            {"value": 0.1, "low": -0.1, "high": 0.3},
            "the difference is not significant (95%: -0.1000 to +0.3000 bits per byte)",
        ),
        (None, "too short to tell which of them is better (50 blocks of lines)"),
    ],
)
def test_nothing_is_advised_where_the_ngram_does_not_win(worse_by: Any, ending: str) -> None:
    text = said(worse_by=worse_by)
    assert ending in text.splitlines()[-1] and "use it" not in text


def test_minutes_follow_from_the_last_slope() -> None:
    halving = [(60.0 * 2**step, 3.0 - 0.1 * step) for step in range(4)]
    assert minutes_to_gain(halving, 0.1) == pytest.approx(16.0)
    assert minutes_to_gain(halving, 0.21) is None  # more than two doublings
    assert minutes_to_gain(halving[:2], 0.1) is None
    assert minutes_to_gain([(60.0, 2.0), (120.0, 2.1), (240.0, 2.2)], 0.1) is None  # it rises


def stored(folder: Path, lines: list[str]) -> Text:
    with TextWriter(folder, "text") as writer:
        for number, line in enumerate(lines):
            writer.write(line, starts=number == 0)
    return writer.text()


def test_the_difference_is_that_of_both_figures(tmp_path: Path) -> None:
    text = stored(tmp_path, ["the cat sat on the mat", "a zebra saw the dog", ""] * 20)
    network, speller, by_line = make("gru"), Speller.fit({"zebra": 3, "log": 1}), LineNats()
    about = {"speller": speller, "text": text, "progress": Progress()}
    figures = evaluate_text(network, **about, context="document", by_line=by_line)
    store = build_store(text, words(), folder=tmp_path, collect_oov=True)
    found = against_ngram(by_line.values, train=store, tokenizer=words(), **about)
    assert by_line.values.sum() / np.log(2) / text.bytes == pytest.approx(figures["bits_per_byte"])
    assert by_line.values[1] > speller.nats("zebra")
    worse_by = found["worse_by"]
    assert worse_by["value"] == pytest.approx(figures["bits_per_byte"] - found["bits_per_byte"])
    # It was counted on the very lines that it is tested on.
    assert 0 < worse_by["low"] <= worse_by["value"] <= worse_by["high"]


def test_a_sample_has_whole_lines_of_the_whole_text(tmp_path: Path) -> None:
    lines = [f"line {number % 7} of {number}" for number in range(4000)]
    tokenizer = Tokenizer.fit(lines, config=TokenizerConfig(min_count=1))
    store = build_store(stored(tmp_path, lines), tokenizer, folder=tmp_path)
    ids, starts = sample(store, 1600)
    assert 800 < len(ids) <= 1600 and starts[-1] == len(ids)
    kept = [tokenizer.decode(piece[:-1].tolist()).strip() for piece in np.split(ids, np.flatnonzero(ids == EOS_ID) + 1)]
    places = [lines.index(line) for line in kept if line]
    assert places == sorted(places) and places[0] < 200 and places[-1] > 3800
    assert set(starts[:-1].tolist()) <= {0, *(np.flatnonzero(ids == EOS_ID) + 1).tolist()}
    whole, documents = sample(store, len(store.ids))
    assert np.array_equal(whole, store.ids) and documents.tolist() == [0, len(store.ids)]


@pytest.mark.slow
def test_a_training_keeps_it_and_may_leave_it_out(
    tmp_path: Path, text_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counted_rival, "MOST_TOKENS", 500)
    sizes: dict[str, Any] = {"embedding_size": 8, "hidden_size": 8, "batch": 4, "bptt": 5, "threads": 1, "updates": 2}
    card = elman.train(text_file, out=tmp_path / "with", **sizes).card
    lines = list(advice(card, "x"))
    assert card["rival"]["tokens"] <= 500 < card["rival"]["of"] and 0 < card["epochs"] < 1
    assert "of the text once; a 5-gram of a sample of the same text" in lines[0]
    card = elman.train(text_file, out=tmp_path / "without", rival=False, **sizes).card
    assert card["rival"] is None and [line.split()[-1] for line in advice(card, "x")] == ["once"]
    with pytest.raises(elman.errors.UsageError, match="--no-rival does not apply to an n-gram"):
        elman.train(text_file, out=tmp_path / "ngram", model="ngram", rival=False)
