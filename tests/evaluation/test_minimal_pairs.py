"""Minimal pairs: each kind of file, figures by hand, and the same answers as scoring line by
line."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import elman
from elman.errors import TextError
from elman.evaluation.minimal_pairs import MinimalPair, PairFigures, pair_scores, read_pairs
from elman.metrics.intervals import proportion_interval

Call = Callable[..., Any]
PAIRS = [
    MinimalPair("Anna sees the old house.", "Anna sees old the house.", "order", "adjective"),
    MinimalPair("Ben hears a small bird.", "hears Ben a small bird.", "order", "verb"),
    MinimalPair("Ben hears a small bird.", "Ben hears a small bird.", "order", "verb"),
    MinimalPair("house Anna old sees.", "Anna sees the old house.", "nonsense", "all"),
]


def blimp(pair: MinimalPair) -> str:
    names = ("sentence_good", "sentence_bad", "linguistics_term", "UID")
    return json.dumps({**dict(zip(names, pair, strict=True)), "pairID": "0", "one_prefix_method": False})


@pytest.fixture
def blimp_file(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.jsonl"
    path.write_text("\n".join(map(blimp, PAIRS)) + "\n")
    return path


def test_blimp_and_tables_are_read(blimp_file: Path, tmp_path: Path) -> None:
    assert read_pairs(blimp_file) == PAIRS
    rows = ["sentence_good\tsentence_bad\tphenomenon", "a b\tb a\torder", "", "c d\td c"]
    with gzip.open(tmp_path / "pairs.tsv.gz", "wt") as file:
        file.write("\n".join(rows))
    assert read_pairs(tmp_path / "pairs.tsv.gz") == [MinimalPair("a b", "b a", "order"), MinimalPair("c d", "d c")]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.tsv", "Bad\tGood\tUID\nb a\ta b\torder\nd c\tc d\t\n"),
        ("a.tsv", "id\tsentence_bad\tx\tphenomenon\tsentence_good\n1\tb a\t\torder\ta b\n2\td c\t\t\tc d\n"),
        ("a.csv", 'good,bad,phenomenon\n"a b",b a,order\nc d,d c,\n'),
        ("a.jsonl", '{"good": "a b", "bad": "b a", "phenomenon": "order"}\n{"good": "c d", "bad": "d c"}\n'),
    ],
)
def test_names_say_which_is_the_good_one(name: str, content: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    assert read_pairs(tmp_path / name) == [MinimalPair("a b", "b a", "order"), MinimalPair("c d", "d c")]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.tsv", "good\tbad\nonly one\n", "a.tsv, line 2: field 'bad' "),
        ("a.tsv", "x\t\n", "a.tsv, line 1: 'x\\t' is no pair"),
        ("a.tsv", "a\tb\tc\td\n", "a.tsv, line 1: "),
        ("a.jsonl", '{"sentence_good": "a"}\n', "a.jsonl, line 1: no field 'sentence_bad'"),
        (
            "a.jsonl",
            '{"sentence_good": "a", "sentence_bad": 3}\n',
            "a.jsonl, line 1: field 'sentence_bad' is a JSON num",
        ),
        ("a.tsv", "\n", "a.tsv: empty, there is no pair in it"),
    ],
)
def test_what_is_no_pair_is_named_with_its_line(name: str, content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(TextError) as error:
        read_pairs(tmp_path / name)
    assert message in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("kind", ["ngram", "lstm"])
def test_accuracy_is_that_of_single_lines(kind: str, request: pytest.FixtureRequest) -> None:
    model = elman.load(request.getfixturevalue(f"{kind}_folder"))
    found = pair_scores(model.lm, model.speller, PAIRS)
    one_by_one = [model.score(pair.good).log_prob > model.score(pair.bad).log_prob for pair in PAIRS]
    assert found.total == PairFigures("total", 4, sum(one_by_one), 1)
    assert one_by_one == [True, True, False, False]
    assert [(each.name, each.pairs, each.right) for each in found.phenomena] == [("order", 3, 2), ("nonsense", 1, 0)]
    assert [(name, each.name, each.right) for name, each in found.paradigms] == [
        ("order", "adjective", 1), ("order", "verb", 1), ("nonsense", "all", 0),
    ]  # fmt: skip
    assert found.mean == pytest.approx((1 + 0.5 + 0) / 3)


def test_wilson_s_interval_at_the_ends() -> None:
    # Newcombe (1998), Statistics in Medicine 17, table I, method 3: 15 of 148, 0 of 20, 1 of 29.
    for right, total, low, high in ((15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)):
        found = proportion_interval(right, total)
        assert (round(found.low, 4), round(found.high, 4)) == (low, high)
    assert proportion_interval(20, 20).low == pytest.approx(1 - 0.1611, abs=1e-4)


def test_the_command_prints_a_table_or_json(cli: Call, ngram_folder: Path, blimp_file: Path) -> None:
    shown = cli("score", ngram_folder, "--pairs", blimp_file)
    assert shown.code == 0
    assert [line.split()[:3] for line in shown.out.splitlines()[:4]] == [
        ["phenomenon", "pairs", "accuracy"], ["order", "3", "66.7%"],
        ["adjective", "1", "100.0%"], ["verb", "2", "50.0%"],
    ]  # fmt: skip
    assert shown.out.splitlines()[-1] == "equally probable, counted as wrong: 1 pair"
    found = json.loads(cli("score", ngram_folder, "--pairs", blimp_file, "--json").out)
    assert found["total"]["right"] == 2 and found["paradigms"][1]["phenomenon"] == "order"
    refused = cli("score", ngram_folder, "--pairs", blimp_file, "--per-token")
    assert refused.code == 2 and "--pairs gives figures of pairs" in refused.err


def test_an_encoding_that_python_does_not_know_is_one_line(cli: Call, ngram_folder: Path, blimp_file: Path) -> None:
    shown = cli("score", ngram_folder, "--pairs", blimp_file, "--encoding", "utf-9")
    assert shown.code == 2 and shown.err.startswith("elman: --encoding is 'utf-9'") and shown.err.count("\n") == 1
