import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.in_process import run_code, run_here

import elman
from elman.apps.rank import RankConfig, Ranker
from elman.apps.rank_report import rank_queries, ranking_figures
from elman.apps.ranking.build import IndexedDocument, temporary_index
from elman.apps.ranking.rerankers import query_likelihood, vector_similarity
from elman.apps.ranking.scoring import METHODS
from elman.decode.scoring import score_lines
from elman.errors import ModelError, TextError, UsageError

ROOT = Path(__file__).parents[2]
TEXTS = ["the cat sleeps", "a dog barks at the cat", "dogs and cats", "rain on the river", "the river and the rain"]
QUERIES = ["cat", "river rain", "dog barks", "sleeps"]
QRELS = {"1": {"1": 1}, "2": {"5": 2, "4": 1}, "3": {"2": 1}, "4": {"1": 1}}


def _queries() -> list[IndexedDocument]:
    return [IndexedDocument(str(number), text) for number, text in enumerate(QUERIES, start=1)]


@pytest.fixture(scope="module")
def index():
    with temporary_index(IndexedDocument(str(n), text) for n, text in enumerate(TEXTS, start=1)) as made:
        yield made


def test_a_sum_of_one_is_the_score_itself(index) -> None:
    for method in METHODS:
        alone = Ranker(index, methods=[method])
        scores = METHODS[method](index, {index.number("cat"): 1.0}, alone.config)
        expected = sorted((-score, number) for number, score in enumerate(scores.tolist()) if np.isfinite(score))
        hits = alone.rank("cat", n=5)
        assert [(-hit.score, hit.number) for hit in hits] == expected, method
        fused = Ranker(index, methods=[method, "dirichlet"], weights={method: 2.0, "dirichlet": 0.0})
        assert [hit.number for hit in fused.rank("cat", n=5)][: len(hits)] == [hit.number for hit in hits]


def test_documents_that_no_method_found_are_not_there(index) -> None:
    assert Ranker(index).rank("elephant") == []
    assert Ranker(index, methods=list(METHODS)).rank("elephant rain", n=9)[0].id == "4"
    assert {hit.id for hit in Ranker(index).rank("elephant rain", n=9)} == {"4", "5"}


def test_models_score_the_first_documents_only(index) -> None:
    asked = []

    def reranker(query: str, texts) -> np.ndarray:
        asked.append((query, list(texts)))
        return np.array([len(text) for text in texts], float)

    ranker = Ranker(index, rerankers={"length": reranker}, config=RankConfig(rerank=1), weights={"length": 1.0})
    found = ranker.candidates("the cat")
    assert asked == [("the cat", ["the cat sleeps"])]
    assert found.scores["length"].tolist() == [14, -np.inf, -np.inf, -np.inf]
    (first, *_) = ranker.rank("the cat")
    assert first.scores.keys() == {"bm25", "length"} and first.id == "1"


def test_a_network_says_how_likely_the_query_is_after_a_document(lstm_folder: Path) -> None:
    model = elman.load(lstm_folder)
    texts = ["Anna sees a small bird.", "Ben hears\nthe quiet town"]
    expected = [
        next(iter(score_lines(model.lm, model.speller, ["Anna likes"], prefix=prefix))).log_prob
        for prefix in ("Anna sees a small bird.\n", "Ben hears the quiet town\n")
    ]
    found = query_likelihood(model)(" Anna\nlikes", texts).tolist()
    assert found == pytest.approx(expected) and found[0] != found[1]


def test_models_that_forget_lines_are_refused(ngram_folder: Path) -> None:
    with pytest.raises(ModelError, match="knows nothing of a document"):
        query_likelihood(elman.load(ngram_folder))


def test_vectors_are_compared_as_means_of_words(index) -> None:
    from elman.data.vocabulary import Vocabulary
    from elman.data.word_text import split_words
    from elman.models.documents import SifDocuments
    from elman.models.word_vectors import WordVectors

    words = sorted({word for text in TEXTS for word in split_words(text)})
    matrix = np.random.default_rng(1).normal(size=(len(words), 3)).astype(np.float32)
    vectors = WordVectors(Vocabulary(words, [0] * len(words)), matrix, lowercase=True)
    score = vector_similarity(vectors, index)
    documents = SifDocuments(vectors, [split_words(text) for text in TEXTS])
    np.testing.assert_allclose(score("cat", TEXTS), documents.similarities(["cat"]), atol=1e-6)
    assert score("cat", ["unknown"]).tolist() == [-np.inf]
    assert score("elephant", ["the cat"]).tolist() == [-np.inf]


def test_figures_of_runs_and_their_differences(index) -> None:
    found = rank_queries(Ranker(index, methods=["bm25", "dirichlet"]), _queries(), QRELS, folds=2)
    assert list(found.runs) == ["bm25", "dirichlet", "fusion"] and set(found.weights or {}) == {"bm25", "dirichlet"}
    backwards = {
        query: {document: -score for document, score in each.items()} for query, each in found.runs["bm25"].items()
    }
    figures = ranking_figures({**found.runs, "backwards": backwards}, QRELS, baseline="dirichlet")
    assert figures["queries"] == 4 and "difference" not in figures["runs"]["dirichlet"]
    # cat: document 1 before 2, in every method; backwards it is second.
    assert figures["runs"]["bm25"]["map"]["value"] == 1
    assert figures["runs"]["backwards"]["map"]["value"] == pytest.approx((1 / 2 + 1 + 1 + 1) / 4)
    # Of 1/2, 1, 1, 1: 0.875 and 3.182 times 0.25 / 2 on both sides, but no more than 1.
    interval = figures["runs"]["backwards"]["map"]
    assert (interval["low"], interval["high"]) == (pytest.approx(0.4772, abs=1e-4), 1.0)
    difference = figures["runs"]["backwards"]["difference"]["map"]
    assert difference["value"] == pytest.approx(-1 / 8) and difference["p"] > 0.9
    with pytest.raises(UsageError, match="baseline is 'x'"):
        ranking_figures(found.runs, QRELS, baseline="x")


def test_queries_that_come_twice_or_are_not_judged_are_refused(index) -> None:
    with pytest.raises(TextError, match="query 1 comes twice"):
        rank_queries(Ranker(index), [*_queries(), *_queries()])
    with pytest.raises(
        TextError, match="judged queries: 1; 2 folds need 4; give more, or name one method: --method bm25"
    ):
        rank_queries(Ranker(index, methods=["bm25", "feedback"]), _queries(), {"1": {"1": 1}}, folds=2)
    with pytest.raises(TextError, match="queries: .*1.*; judged: other; the names must agree"):
        rank_queries(Ranker(index, methods=["bm25", "feedback"]), _queries(), {"other": {"1": 1}}, folds=2)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "bm26"}, "method is 'bm26'; it must be one of: bm25, dirichlet"),
        ({"method": ()}, "no method is given"),
        ({"n": 0}, "n is 0"),
        ({"b": 2}, "b is 2; it must be 0 to 1"),
        ({"rerank": 0}, "rerank is 0"),
        ({"weights": {"model": 1.0}}, "a weight of 'model'"),
        ({"kk": 1}, "unknown key 'kk'"),
    ],
)
def test_values_that_are_not_allowed(settings, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        elman.rank(TEXTS, "cat", **settings)


def _files(folder: Path) -> None:
    (folder / "docs.txt").write_text("\n".join(TEXTS) + "\n")
    (folder / "queries.txt").write_text("\n".join(QUERIES) + "\n")
    (folder / "qrels.txt").write_text("".join(f"{q} 0 {d} {g}\n" for q, e in QRELS.items() for d, g in e.items()))


def test_the_verb(tmp_path: Path) -> None:
    _files(tmp_path)
    shown = run_here(["elman", "rank", "docs.txt", "--query", "the cat"], tmp_path)
    assert shown.splitlines()[0].split(maxsplit=2)[1:] == ["1", "**the** **cat** sleeps"]
    run_here(["elman", "rank", "docs.txt", "--save-index", "index"], tmp_path)
    asked = json.loads(run_here(["elman", "rank", "index", "--query", "cat", "--json", "-n", "1"], tmp_path))
    assert asked["documents"][0]["snippet"] == {"text": "the cat sleeps", "marks": [[4, 7]]}
    assert elman.load(tmp_path / "index").rank("cat", n=1)[0].id == "1"
    run = run_here(["elman", "rank", "index", "--queries", "queries.txt", "-n", "1"], tmp_path)
    assert [line.split()[:4] for line in run.splitlines()] == [
        ["1", "Q0", "1", "1"], ["2", "Q0", "4", "1"], ["3", "Q0", "2", "1"], ["4", "Q0", "1", "1"],
    ]  # fmt: skip
    command = (
        "elman rank index --queries queries.txt --qrels qrels.txt --folds 2 --save-weights w.json --out run --json"
    )
    figures = json.loads(run_here(command.split(), tmp_path))
    assert set(figures["runs"]) == {*METHODS, "fusion"} and set(figures["weights"]) == set(METHODS)
    assert json.loads((tmp_path / "w.json").read_text()) == figures["weights"]
    command = "elman rank index --queries queries.txt --qrels qrels.txt --method bm25 --run run --baseline run"
    assert "differences to run" in run_here(command.split(), tmp_path)
    about = json.loads(run_here(["elman", "info", "index", "--json"], tmp_path))
    assert about["model"]["documents"] == 5 and about["data"]["sources"] == ["docs.txt"]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("", "nothing to look for"),
        ("--query a --queries queries.txt", "both say what to look for"),
        ("--query a --qrels qrels.txt", "--qrels is for many queries"),
        ("--query a --grades 1", "--grades needs judgements"),
        ("--query a --method x", "method is 'x'"),
        ("--query a --weights docs.txt", "docs.txt holds no weights"),
    ],
)
def test_flags_that_do_not_fit(flags: str, message: str, tmp_path: Path) -> None:
    _files(tmp_path)
    with pytest.raises(Exception, match=message):
        run_here(["elman", "rank", "docs.txt", *flags.split()], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("page", "printed"),
    [
        ("rank.md", "d0 The **cat** **sleeps** on the warm mat.\n"),
        ("answer.md", "London notes.txt He was born in London on 23 June 1912.\n"),
    ],
)
def test_the_pages(page: str, printed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    console = "".join(re.findall(r"```console\n(.*?)```", text, re.DOTALL))
    shorter = {"questions.py 300": "questions.py 40", "--epochs 6": "--epochs 1", "examples/": f"{ROOT}/examples/"}
    for part, other in shorter.items():
        console = console.replace(part, other)
    for line in console.splitlines():
        command = line.removeprefix("$ ")
        if command.startswith("elman "):
            assert run_here(shlex.split(command), tmp_path) or "--save-index" in command or "--out" in command
        else:
            subprocess.run(["bash", "-c", command.replace("python", shlex.quote(sys.executable), 1)], check=True)
    (block,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert run_code(block, tmp_path) == printed
