"""`elman score`: its flags, and answers that do not wait for the next line."""

import io
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import elman

Call = Callable[..., Any]
LINES = ["Anna sees the old house at night.", "", "Ben zyzzyvas.", "the old house"]


class Talk(io.RawIOBase):
    """A pipe whose writer reads each answer before it writes the next line."""

    def __init__(self, lines: list[str], read_answers: Callable[[], str]) -> None:
        self.lines, self.read_answers, self.answers = list(lines), read_answers, ""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self.answers += self.read_answers()
        if not self.lines:
            return 0
        data = (self.lines.pop(0) + "\n").encode()
        buffer[: len(data)] = data
        return len(data)


@pytest.mark.parametrize("kind", ["lstm", "ngram"])
@pytest.mark.parametrize("flags", [[], ["--json"], ["--save-state"]], ids=["text", "json", "one-text"])
def test_each_line_is_answered_before_the_next_is_read(
    kind: str, flags: list[str], request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from elman.cli.main import main

    out = io.BytesIO()
    # As into a pipe: what is not flushed has not been written.
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BufferedWriter(Kept(out), 1 << 20), encoding="utf-8"))
    counts: list[int] = []
    talk = Talk(LINES, lambda: counts.append(out.getvalue().count(b"\n")) or "")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(talk, 1 << 18)))
    flags = [*flags, str(tmp_path / "state")] if flags == ["--save-state"] else flags
    with pytest.raises(SystemExit) as stopped:
        main(["score", str(request.getfixturevalue(f"{kind}_folder")), *flags])
    assert not stopped.value.code
    assert counts[:5] == [0, 1, 2, 3, 4]


class Kept(io.RawIOBase):
    def __init__(self, into: io.BytesIO) -> None:
        self.into = into

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return self.into.write(data)


@pytest.mark.parametrize("kind", ["lstm", "ngram"])
def test_one_text_costs_the_same_in_python(
    kind: str, cli: Call, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    folder = request.getfixturevalue(f"{kind}_folder")
    (tmp_path / "lines.txt").write_text("\n".join(LINES) + "\n")
    model = elman.load(folder)
    cases: list[tuple[list[str], dict[str, Any]]] = [
        ([], {}),
        (["--no-spelling"], {"spelling": False}),
        (["--no-eos"], {"eos": False}),
        (["--prefix", "Anna sees"], {"prefix": "Anna sees"}),
        (["--prefix", "Ben.\nAnna ", "--no-eos", "--no-spelling"],
         {"prefix": "Ben.\nAnna ", "eos": False, "spelling": False}),
    ]  # fmt: skip
    for flags, options in cases:
        shown = cli("score", folder, tmp_path / "lines.txt", "--json", *flags)
        assert shown.code == 0, shown.err
        found = [json.loads(line) for line in shown.out.splitlines()]
        # Every bit: batches change nothing.
        wanted = [model.score(line, **options) for line in LINES]
        assert [each["log_prob"] for each in found] == [each.log_prob for each in wanted], flags
        assert [each["tokens"] for each in found] == [each.tokens for each in wanted]
        together = model.score_texts(LINES, **options)
        assert together.log_probs.tolist() == [each.log_prob for each in wanted]


def test_without_spelling_all_apostrophes_are_one(ngram_folder: Path) -> None:
    model = elman.load(ngram_folder)
    usual, other = "Anna doesn't see", "Anna doesn\u2019t see"
    # The training text has no apostrophe: P(the usual one) is 1/2, that of each other one 1/4.
    assert model.score(other).log_prob == pytest.approx(model.score(usual).log_prob - math.log(2))
    scored = model.score(other, spelling=False)
    assert scored.text == other and scored.log_prob == model.score(usual, spelling=False).log_prob
    followed = [next(model.follow_lines([line], spelling=False))[0].log_prob for line in (usual, other)]
    assert followed == [scored.log_prob] * 2


def test_lines_that_begin_alike_share_work_and_cost_what_they_cost_alone(lstm_folder: Path) -> None:
    model = elman.load(lstm_folder)
    starts = ["Anna sees the old", "Anna sees", "Anna", "Ben", ""]
    lines = [f"{start} {word}".strip() for word in ("house", "tree", "the", "zyzzyva", "") for start in starts] * 2
    found = [scored.token_log_probs.tolist() for scored in model.score_lines(lines)]
    assert found == [model.score(line).token_log_probs.tolist() for line in lines]
    pairs = {"prefix": [line[: len(line) // 2] for line in lines], "eos": False}
    alone = [model.score(line, prefix=prefix, eos=False) for line, prefix in zip(lines, pairs["prefix"], strict=True)]
    assert model.score_texts(lines, **pairs).log_probs.tolist() == [each.log_prob for each in alone]


def test_base_10_has_a_name_of_its_own(cli: Call, ngram_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "lines.txt").write_text("the old house\n")
    nats = json.loads(cli("score", ngram_folder, tmp_path / "lines.txt", "--json").out)["log_prob"]
    shown = json.loads(cli("score", ngram_folder, tmp_path / "lines.txt", "--json", "--log10", "--per-token").out)
    assert shown["log10_prob"] == pytest.approx(nats / math.log(10), rel=1e-12) and "log_prob" not in shown
    assert sum(each["log10_prob"] for each in shown["per_token"]) == pytest.approx(shown["log10_prob"])
    assert float(cli("score", ngram_folder, tmp_path / "lines.txt", "--log10").out.split("\t")[0]) == pytest.approx(
        nats / math.log(10), abs=1e-4
    )


def test_a_prefix_and_a_state_are_two_things(cli: Call, ngram_folder: Path, tmp_path: Path) -> None:
    shown = cli("score", ngram_folder, "--prefix", "Anna", "--save-state", tmp_path / "state")
    assert shown.code == 2 and "--prefix" in shown.err and shown.err.count("\n") == 1
