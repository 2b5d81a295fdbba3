"""Rescoring against sums by hand, its weights, context, figures, and the same from the command
line."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import NAMES, PLACES, THINGS, VERBS
from tests.in_process import run_here

import elman
from elman.apps.domain import domain_model, part_of
from elman.apps.list_scores import ScoringModel
from elman.apps.nbest.lists import Hypothesis, NbestList
from elman.apps.rescore import RescoreConfig, Weights, rescore_lists
from elman.apps.rescore_report import rescoring_figures
from elman.apps.text_rules import TextRules
from elman.errors import UsageError

Call = Callable[..., Any]


def spoken(seed: int, count: int, *, errors: int = 2) -> list[dict[str, Any]]:
    """Sentences of the tiny text as a recogniser gives them: some words wrong, and noisy scores."""
    rng = random.Random(seed)
    lists = []
    for number in range(count):
        words = " ".join(rng.choice(part) for part in (NAMES, VERBS, THINGS, PLACES)).split()
        words[-1] += "."
        hypotheses = []
        for rank in range(5):
            heard = list(words)
            for _ in range(rng.randint(0, errors) if rank else errors):
                heard[rng.randrange(len(heard))] = rng.choice(["the", "sees", "zebra", "a", "night."])
            hypotheses.append([" ".join(heard), -rank + rng.uniform(-1, 1)])
        lists.append({"id": f"u{number}", "hyps": hypotheses, "ref": " ".join(words)})
    return lists


def written(path: Path, lists: list[dict[str, Any]]) -> Path:
    path.write_text("\n".join(map(json.dumps, lists)))
    return path


@pytest.mark.parametrize("kind", ["ngram", "lstm"])
def test_the_choice_is_the_highest_sum(kind: str, request: pytest.FixtureRequest) -> None:
    model = elman.load(request.getfixturevalue(f"{kind}_folder"))
    lists = spoken(1, 6)
    weights = {"score": 0.7, "model": 0.4, "words": -0.3, "unk": -5.0}
    found = elman.rescore(model, lists, weights=weights)
    for given, each in zip(lists, found.lists, strict=True):
        totals = {}
        for text, score in given["hyps"]:
            total = 0.7 * score + 0.4 * model.score(text).log_prob - 0.3 * len(text.split())
            totals.setdefault(text, total)  # of equal ones the first counts
        wanted = sorted(totals, key=lambda text: -totals[text])
        assert [hypothesis.text for hypothesis in each.hypotheses] == wanted
        for hypothesis in each.hypotheses:
            assert hypothesis.scores["total"] == pytest.approx(totals[hypothesis.text], rel=1e-4)
            assert hypothesis.scores["model"] == pytest.approx(model.score(hypothesis.text).log_prob, rel=1e-5)
    assert found.fitted == "given"


def test_several_models_of_any_vocabulary(ngram_folder: Path, lstm_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Anna sees the quiet town at night.\n" * 30)
    small = elman.train(tmp_path / "a.txt", model="ngram", order=2, level="char", valid=tmp_path / "a.txt")
    models = [elman.load(ngram_folder), elman.load(lstm_folder), small]
    hyps = [["Anna sees the quiet town at night.", 0], ["Anna hears <unk> at night.", 0]]
    found = elman.rescore(
        models[0], [{"hyps": hyps}], others=models[1:], weights={"model": 1, "model2": 0, "model3": 0}
    )
    scores = {each.text: each.scores for each in found.lists[0].hypotheses}
    assert list(found.weights.values) == ["score", "model", "model2", "model3", "words", "unk"]
    for name, model in zip(("model", "model2", "model3"), models, strict=True):
        assert scores[hyps[0][0]][name] == pytest.approx(model.score(hyps[0][0]).log_prob, rel=1e-5)


@pytest.mark.slow
def test_fitted_weights_lower_the_error_of_new_lists(ngram_folder: Path) -> None:
    model = elman.load(ngram_folder)
    found = elman.rescore(model, spoken(2, 80), tune=spoken(3, 80))
    figures = rescoring_figures(found)
    assert figures is not None and found.fitted == "development part"
    assert figures["difference"]["high"] < 0 and figures["rescored"]["wer"] < figures["first"]["wer"] - 0.1
    assert figures["oracle"]["wer"] <= figures["rescored"]["wer"]
    assert figures["verdict"].startswith(
        f"Rescoring lowers WER by {-100 * figures['difference']['value']:.1f} points, beyond"
    )
    # What was fitted is used again from its JSON, with the n-gram of the references.
    assert len(found.weights.domain) >= 50
    again = elman.rescore(model, spoken(2, 80), weights=json.loads(json.dumps(found.weights.to_json())))
    assert again.fitted == "given" and rescoring_figures(again) == {**figures, "fitted": "given"}
    assert found.weights.values["score"] == 1.0


@pytest.mark.slow
def test_without_a_development_part_lists_are_cross_validated(
    ngram_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import elman.apps.rescore as module

    fitted_on: list[int] = []
    fit = module.fit_weights
    monkeypatch.setattr(
        module, "fit_weights", lambda table, *a, **k: fitted_on.append(len(table.errors)) or fit(table, *a, **k)
    )
    model = elman.load(ngram_folder)
    found = elman.rescore(model, spoken(2, 23))
    assert found.fitted == "cross-validation" and fitted_on == [18, 18, 19, 18, 19]
    # References that are nonsense in one fold change no weight of that fold: its choices stay.
    spoiled = spoken(2, 23)
    for each in spoiled[:5]:
        each["ref"] = "completely different words"
    again = elman.rescore(model, spoiled)
    assert [each.hypotheses for each in again.lists[:5]] == [each.hypotheses for each in found.lists[:5]]


@pytest.mark.slow
def test_the_domain_s_scores_of_a_development_part_come_from_other_references() -> None:
    """A reference that occurs once must be as strange to the held-out model as a new one."""
    import elman.apps.rescore as module

    lists = [
        NbestList(
            f"u{number}",
            (Hypothesis(f"w{number} end", {"score": 0.0}), Hypothesis("other", {"score": 0.0})),
            f"w{number} end",
        )
        for number in range(60)
    ]
    work = module._Rescoring(
        [ScoringModel(domain_model([["a"]]), None)], TextRules(), RescoreConfig(), elman.progress.Progress()
    )
    compared = work._compared(lists)
    scorer = work._scorer(["score"], [])
    held_out = work._held_out(scorer, compared, [each.reference or [] for each in compared])
    whole = work._scorer(["score"], [each.reference or [] for each in compared]).alone(compared)
    column = scorer.columns.index("words")
    for number, (own, all_of_them) in enumerate(zip(held_out, whole, strict=True)):
        assert own[0] < all_of_them[0, column], number
    assert part_of(["a", "b"]) == part_of(["a", "b"])


def test_a_conversation_is_carried_by_the_chosen_hypotheses(lstm_folder: Path) -> None:
    model = elman.load(lstm_folder)
    lists = [
        {"id": "a1", "group": "a", "hyps": [["Anna sees the old house", -1], ["Anna sees", 0]]},
        {"id": "b1", "group": "b", "hyps": [["Ben hears", 0]]},
        {"id": "a2", "group": "a", "hyps": [["in the morning.", 0], ["at night.", 0]]},
    ]
    weights = {"score": -1, "model": 0}  # the first of a1
    found = elman.rescore(model, lists, weights=weights, context="document")
    _, state = next(iter(model.follow_lines(["Anna sees the old house"])))
    for hypothesis in found.lists[2].hypotheses:
        followed, _ = next(iter(model.follow_lines([hypothesis.text], state)))
        assert hypothesis.scores["model"] == pytest.approx(followed.log_prob, rel=1e-5)
        alone = model.score(hypothesis.text).log_prob
        assert hypothesis.scores["model"] != pytest.approx(alone, rel=1e-4)
    assert found.lists[1].hypotheses[0].scores["model"] == pytest.approx(model.score("Ben hears").log_prob, rel=1e-5)


def test_rules_merge_what_is_the_same(ngram_folder: Path) -> None:
    model = elman.load(ngram_folder)
    lists = [{"hyps": [["Anna [noise] sees", -1], ["anna sees", -2], ["", -3]], "ref": "anna sees"}]
    assert len(elman.rescore(model, lists, weights={}).lists[0].hypotheses) == 3
    merged = elman.rescore(model, lists, weights={"score": 1, "model": 0}, lowercase=True)
    assert sorted(each.text for each in merged.lists[0].hypotheses) == ["", "Anna [noise] sees"]
    figures = rescoring_figures(merged)
    assert figures is not None and figures["rescored"]["errors"] == 0
    kept = elman.rescore(model, lists, weights={}, lowercase=True, merge=False)
    assert len(kept.lists[0].hypotheses) == 3


def test_the_verdict_names_the_list_as_the_limit(ngram_folder: Path) -> None:
    model = elman.load(ngram_folder)
    hopeless = [{"hyps": [["a b c", 0.0], ["a b d", -1.0]], "ref": "x y z"} for _ in range(5)]
    figures = rescoring_figures(elman.rescore(model, hopeless, weights={}))
    assert figures is not None
    assert figures["verdict"] == (
        "No gain beyond chance can be shown. "
        "The list, not the model, is your limit: even the best choice from it leaves 100.0% WER."
    )
    perfect = [{"hyps": [["a b c", 0.0], ["x y z", -1.0]], "ref": "x y z"} for _ in range(5)]
    figures = rescoring_figures(elman.rescore(model, perfect, weights={"score": 1, "model": 0}))
    assert figures is not None and figures["verdict"] == "No gain beyond chance can be shown."


def test_what_does_not_fit_is_refused(ngram_folder: Path) -> None:
    model = elman.load(ngram_folder)
    lists: list[Any] = [{"hyps": [["a", 0.0]]}]
    for options, message in (
        (
            {"weights": {"acoustic": 1}},
            "there is no score 'acoustic' to weigh; the scores are: score, model, words, unk",
        ),
        ({"weights": {"score": "high"}}, "weights must be an object of names and finite numbers"),
        ({"tune": lists}, "list 1: no reference for '1'; weights can only be fitted"),
        ({"cache": True}, "a cache remembers earlier utterances, so it needs context document"),
        ({"context": "all"}, "context is 'all'"),
        ({"loud": True}, "unknown key 'loud'"),
    ):
        with pytest.raises(UsageError, match=message):
            elman.rescore(model, lists, **options)
    with pytest.raises(UsageError, match="no n-best list was given"):
        elman.rescore(model, [])
    with pytest.raises(UsageError, match="no model to rescore with"):
        rescore_lists([NbestList("u", (Hypothesis("a"),))], [], weights=Weights({}))


@pytest.mark.slow
def test_a_cache_is_fitted_on_the_references_of_the_development_part(ngram_folder: Path) -> None:
    model = elman.load(ngram_folder)
    found = elman.rescore(model, spoken(2, 4), tune=spoken(3, 12), cache=True, context="document")
    plain = elman.rescore(model, spoken(2, 4), tune=spoken(3, 12), context="document")
    assert found.lists[0].hypotheses[0].scores["model"] != plain.lists[0].hypotheses[0].scores["model"]


@pytest.mark.slow
def test_the_command(ngram_folder: Path, cli: Call, tmp_path: Path) -> None:
    test, dev = written(tmp_path / "test.jsonl", spoken(2, 20)), written(tmp_path / "dev.jsonl", spoken(3, 20))
    shown = cli(
        "rescore", ngram_folder, test, "--tune", dev, "--save-weights", tmp_path / "w.json", "--out", tmp_path / "o"
    )
    assert shown.code == 0, shown.err
    rows = [line.split()[:4] for line in shown.out.splitlines()]
    assert rows[0] == ["WER", "substituted", "deleted", "inserted"]
    model = elman.load(ngram_folder)
    same = elman.rescore(model, test, tune=dev)
    assert (tmp_path / "o").read_text().splitlines() == [
        f"{each.utterance} {each.hypotheses[0].text}" for each in same.lists
    ]
    figures = rescoring_figures(same)
    assert figures is not None and rows[2][:2] == ["rescored", f"{figures['rescored']['wer']:.2%}"]
    assert figures["verdict"] in shown.out
    found = json.loads(cli("rescore", ngram_folder, test, "--weights", tmp_path / "w.json", "--json").out)
    assert found["weights"] == dict(same.weights.values) and found["figures"]["rescored"] == figures["rescored"]
    assert found["choices"][0]["text"] == same.lists[0].hypotheses[0].text


def test_kaldi_s_files_of_both_parts(ngram_folder: Path, cli: Call, tmp_path: Path) -> None:
    for part, seed in (("dev", 3), ("test", 2)):
        lists = [(each["id"], each["ref"], each["hyps"]) for each in spoken(seed, 20)]
        entries = [(f"{name}-{n}", *hyp) for name, _, hyps in lists for n, hyp in enumerate(hyps, start=1)]
        for name, lines in {
            "words": [f"{entry}\t{text}" for entry, text, _ in entries],
            "ac": [f"{entry} {-score}" for entry, _, score in entries],
            "ref": [f"{name} {reference}" for name, reference, _ in lists] + ["u999 more"],
        }.items():
            (tmp_path / f"{part}.{name}").write_text("".join(f"{line}\n" for line in lines))
        written(tmp_path / f"{part}.jsonl", [{"id": n, "ref": r, "hyps": h} for n, r, h in lists])
    dev, test = tmp_path / "dev", tmp_path / "test"
    given = ["--ref", f"{test}.ref", "--tune", f"{dev}.words", "--tune-ref", f"{dev}.ref"]
    costs = ["--acoustic", f"{test}.ac", "--tune-acoustic", f"{dev}.ac"]
    found = cli("rescore", ngram_folder, f"{test}.words", *given, *costs, "--json")
    assert found.code == 0 and "test.ref: 1 of 21 references belong to no list" in found.err, found.err
    same = cli("rescore", ngram_folder, f"{test}.jsonl", "--tune", f"{dev}.jsonl", "--json")
    one, other = (json.loads(each.out)["figures"]["rescored"] for each in (found, same))
    assert one["substitutions"] == other["substitutions"] and one["words"] == other["words"]


def test_the_command_without_references_prints_choices(ngram_folder: Path, cli: Call, tmp_path: Path) -> None:
    lists = [{"id": each["id"], "hyps": each["hyps"]} for each in spoken(2, 3)]
    shown = cli(
        "rescore", ngram_folder, written(tmp_path / "a.jsonl", lists), "--weight", "score=0", "--weight", "model=1"
    )
    assert [line.split()[0] for line in shown.out.splitlines()] == ["u0", "u1", "u2"]
    guessed = cli("rescore", ngram_folder, tmp_path / "a.jsonl", "--to", "words")
    assert "the weights are guesses" in guessed.err and "u0" not in guessed.out
    folder = tmp_path / "srilm"
    assert cli("rescore", ngram_folder, tmp_path / "a.jsonl", "--to", "srilm", "--out", folder).code == 0
    assert sorted(path.name for path in folder.iterdir()) == ["u0", "u1", "u2"]
    for flags, message in (
        (["--to", "xml"], "--to is 'xml'; it must be one of: jsonl, "),
        (["--to", "srilm"], "--to srilm writes a file for each utterance"),
        (["--weight", "model"], "--weight is 'model'; it must be SCORE=NUMBER"),
        (["-n", "0"], "-n is 0; it must be at least 1"),
        (["--tune-ref", "x"], "--tune-ref is for a development part; give its lists with --tune"),
        (["--tune-lm", "x"], "--tune-lm is for a development part"),
        (["--acoustic", "ac"], "lists in the format jsonl have their scores beside the words"),
        (["--weights", "no.json"], "no.json: No such file or directory; give a file of weights"),
        (["--tune", tmp_path / "a.jsonl", "--weight", "model=1"], "all say what the weights are"),
    ):
        refused = cli("rescore", ngram_folder, tmp_path / "a.jsonl", *flags)
        assert refused.code == 2 and message in refused.err, (flags, refused.err)


def test_lists_come_from_a_pipe(ngram_folder: Path, tmp_path: Path) -> None:
    lines = written(tmp_path / "a.jsonl", spoken(2, 3)).read_text()
    piped = run_here(
        ["elman", "rescore", str(ngram_folder), "-", "--weight", "model=1", "--json"], tmp_path, given=lines
    )
    named = run_here(["elman", "rescore", str(ngram_folder), "a.jsonl", "--weight", "model=1", "--json"], tmp_path)
    assert piped == named and len(json.loads(piped)["choices"]) == 3
