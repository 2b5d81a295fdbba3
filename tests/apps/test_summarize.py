"""Summaries: centrality by a linear system, redundancy, lengths, offsets, and the rivals by
hand."""

import json
import math
import re
import shlex
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from tests.in_process import run_here

from elman.apps.summarize import SummaryConfig, by_relevance, centrality, lead, likeness, summarize, text_rank
from elman.apps.summarizing import rouge_figures, vectors_of
from elman.errors import MissingExtra, TextError, UsageError

TEXT = """The mill

The mill stood by the river. The river drove the mill! Anna laughed aloud. Old was the mill, and old the river.
In winter the children skated. The river drove the old mill."""


def test_centrality_is_the_stationary_distribution() -> None:
    """pi = (1 - d) / N + d pi S as a linear system; a sentence like no other goes anywhere."""
    rng = np.random.default_rng(0)
    alike = rng.random((6, 6)) * (rng.random((6, 6)) > 0.5)
    alike = alike + alike.T
    alike[4] = alike[:, 4] = 0
    steps = np.array([row / row.sum() if row.sum() else np.full(6, 1 / 6) for row in alike])
    expected = np.linalg.solve(np.eye(6) - 0.85 * steps.T, np.full(6, 0.15 / 6))
    assert centrality(alike) == pytest.approx(expected, abs=1e-8)
    assert centrality(alike).sum() == pytest.approx(1)


@pytest.mark.slow
def test_likeness_is_tf_idf_as_scikit_learn_computes_it() -> None:
    text = pytest.importorskip("sklearn.feature_extraction.text")
    sentences = ["the mill stood by the river", "the river drove the mill", "children skated"]
    weights = text.TfidfVectorizer(token_pattern=r"\w+").fit_transform(sentences)
    assert likeness(sentences) == pytest.approx((weights @ weights.T).toarray(), abs=1e-9)
    given = likeness(sentences, lambda texts: np.array([[1.0, 0.0], [1.0, 1.0], [-1.0, 0.0]]))
    assert given == pytest.approx(np.array([[1, 0.5**0.5, 0], [0.5**0.5, 1, 0], [0, 0, 1]]))


def test_what_was_said_is_not_said_again() -> None:
    alike = np.array([[1.0, 0.95, 0.1], [0.95, 1.0, 0.1], [0.1, 0.1, 1.0]])
    central = np.array([0.4, 0.39, 0.21])
    assert by_relevance(central, alike, 0.0) == [0, 1, 2]
    assert by_relevance(central, alike, 0.5) == [0, 2, 1]


def test_sentences_stay_in_order_with_their_places() -> None:
    found = summarize(TEXT, sentences=3)
    assert [TEXT[each.start : each.end] for each in found] == [each.text for each in found]
    assert [each.start for each in found] == sorted(each.start for each in found) and len(found) == 3
    assert not {"The mill", "Anna laughed aloud."} & {each.text for each in found}  # too short
    assert len(summarize(TEXT, sentences=99)) == 5  # all but the title and what Anna did
    assert [each.text for each in summarize("Hello! Who?")] == ["Hello!", "Who?"]


def test_words_bound_the_length() -> None:
    for most in (6, 12, 30):
        found = summarize(TEXT, words=most)
        assert 0 < sum(len(each.text.split()) for each in found) <= most
    assert len(summarize(TEXT, words=1)) == 1  # no sentence fits


def test_the_rivals() -> None:
    sentences = ["a b c d", "a b x y", "p q r s", "a c x z"]
    assert lead(sentences, SummaryConfig(sentences=2)) == [0, 1]
    assert lead(sentences, SummaryConfig(words=9)) == [0, 1]
    shared = np.array([[0, 2, 0, 2], [2, 0, 0, 2], [0, 0, 0, 0], [2, 2, 0, 0]]) / (2 * math.log(4))
    best = int(centrality(shared).argmax())
    assert text_rank(sentences, SummaryConfig(sentences=1)) == [best]
    assert 2 not in text_rank(sentences, SummaryConfig(sentences=3))


def test_figures_are_those_of_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for rouge-score counts common words; all summaries are as long as each other."""

    class Scorer:
        def __init__(self, names: list[str], use_stemmer: bool) -> None:
            self.names = names

        def score(self, reference: str, summary: str) -> dict[str, SimpleNamespace]:
            return {name: SimpleNamespace(fmeasure=float(len(summary.split()))) for name in self.names}

    scoring = ModuleType("rouge_score.rouge_scorer")
    scoring.RougeScorer = Scorer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "rouge_score.rouge_scorer", scoring)
    monkeypatch.setitem(sys.modules, "rouge_score", ModuleType("rouge_score"))
    found = rouge_figures(TEXT, "the mill", vectors=None, config=SummaryConfig(sentences=1))
    assert found["first sentences"] == dict.fromkeys(("rouge1", "rouge2", "rougeL"), 2.0)
    assert found["summary"]["rouge1"] == len(summarize(TEXT, sentences=1)[0].text.split())
    monkeypatch.setitem(sys.modules, "rouge_score.rouge_scorer", None)
    with pytest.raises(MissingExtra, match="pip install rouge-score"):
        rouge_figures(TEXT, "the mill", vectors=None, config=SummaryConfig())


def test_mistakes_say_what_to_do() -> None:
    with pytest.raises(TextError, match="there is no sentence to take"):
        summarize(" ... ")
    with pytest.raises(TextError, match="at most 4,000 are compared; give a chapter"):
        summarize("One two three four. " * 4001)
    with pytest.raises(UsageError, match="give one of them"):
        summarize(TEXT, sentences=2, words=9)
    with pytest.raises(UsageError, match="words is 0"):
        summarize(TEXT, words=0)
    with pytest.raises(UsageError, match="has no vectors of texts"):
        vectors_of(object())


def test_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    page = (Path(__file__).parents[2] / "docs" / "summarize.md").read_text(encoding="utf-8")
    (console,) = re.findall(r"```console\n(.*?)```", page, re.DOTALL)
    first, *commands = [line.removeprefix("$ ") for line in console.splitlines()]
    subprocess.run(["bash", "-c", first], check=True)
    plain, as_json = [run_here(shlex.split(command), tmp_path) for command in commands]
    assert plain.splitlines()[0] == "The mill stood by the river." and len(plain.splitlines()) == 2
    found = json.loads(as_json)["sentences"]
    text = (tmp_path / "mill.txt").read_text()
    assert [text[each["start"] : each["end"]] for each in found] == [each["text"] for each in found]


def test_a_text_without_spaces_is_no_name_of_a_file(tmp_path: Path) -> None:
    text = "これは猫です。猫は魚が好きです。犬は骨が好きです。"
    for given in (text, text * 20):  # the longer one has more bytes than a name may have
        shown = run_here(["elman", "summarize", given, "--sentences", "1"], tmp_path)
        assert shown.strip() in text and shown.strip().endswith("。")
    with pytest.raises(AssertionError, match="there is no file 'これは猫です。'"):
        run_here(["elman", "summarize", "これは猫です。"], tmp_path)
