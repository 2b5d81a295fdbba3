"""What is fitted is the best that a search by hand finds, and a model that adapts is what its parts
say."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import elman
from elman.errors import ModelError, UsageError
from elman.evaluation import adaptation as tuning
from elman.evaluation.adaptation import Tuning, tempered_nats
from elman.models.cache import NeuralCache, cache_log_probs
from elman.models.combine import Mixture
from elman.models.dynamic import gradient_rms
from elman.models.temperature import Tempered
from elman.progress import Progress
from elman.text.corpus import read_text

Loaded = tuple[elman.Model, elman.Model]


@pytest.fixture(scope="module")
def favourites(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Documents in which one name and one place come again and again, so that a cache has something
    to say."""
    draw = np.random.default_rng(4)
    names, places = (
        ("Anna", "Ben", "Clara", "David", "Emma"),
        ("in the morning", "after lunch", "on Sunday", "at night"),
    )
    lines = []
    for _ in range(14):
        name, place = draw.choice(names), draw.choice(places)
        lines += [f"{name} sees the old house {place}." for _ in range(6)] + [""]
    path = tmp_path_factory.mktemp("text") / "favourites.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few segments show whether a rate is too large."""
    monkeypatch.setattr(tuning, "_LEARNING_PIECE", 500)
    monkeypatch.setattr(tuning, "_TEMPERATURE_PIECE", 300)


@pytest.fixture(scope="module")
def loaded(lstm_folder: Path, ngram_folder: Path) -> Loaded:
    return elman.load(lstm_folder, torch=True), elman.load(ngram_folder)


def tuned(loaded: Loaded, path: Path, tmp_path: Path, *, context: str = "carry", **switches: bool) -> Any:
    model, other = loaded
    with read_text(path, folder=tmp_path) as text:
        found = Tuning(model.lm, [other.lm], text, context=context, progress=Progress())
        return found, *found.adapted(**switches)


@pytest.mark.slow
def test_shares_of_all_parts_are_fitted_together(loaded: Loaded, favourites: Path, tmp_path: Path) -> None:
    fitted, lm, facts = tuned(loaded, favourites, tmp_path, mix=True, cache=True)
    assert isinstance(lm, NeuralCache) and isinstance(lm.model, Mixture)
    ids = np.concatenate(fitted.stretches)
    static, other = (each.lm for each in loaded)
    parts, vectors, state = [], [], static.start()
    for token in ids:
        vectors.append(static.features(state)[0])
        state = static.advance(np.array([token]), state)
    lengths = np.array([len(ids)])
    for model in (static, other):
        parts.append(model.score(ids[None], lengths, model.start())[0][0])
    cached = cache_log_probs(np.array(vectors), ids, first=0, theta=lm.theta, recency=lm.recency, window=lm.window)[1:]
    parts = [np.exp(part[1:].astype(np.float64)) for part in parts] + [np.exp(cached)]

    def gain(shares: list[float]) -> float:
        with np.errstate(divide="ignore"):
            return float(np.log(np.array(shares) @ np.array(parts)).mean())

    shares = [(1 - lm.share) * weight for weight in lm.model.weights] + [lm.share]
    steps = np.linspace(0, 1, 41)
    grid = [[a, b, 1 - a - b] for a in steps for b in steps if a + b <= 1]
    best = max(grid, key=gain)
    # The fit saw the vectors of whole stretches, here they come step by step: equal to float32
    # only.
    assert gain(shares) >= gain(best) - 5e-5
    np.testing.assert_allclose(shares, best, atol=0.04)
    assert lm.share > 0.1
    assert facts["mixture"]["weights"] == list(lm.model.weights) and facts["cache"]["share"] == lm.share
    assert facts["tuned_tokens"] == len(ids) and facts["context"] == "carry"


@pytest.mark.slow
def test_adapting_pays_and_each_step_more(loaded: Loaded, favourites: Path, tmp_path: Path) -> None:
    model, other = loaded
    found = [model.evaluate(favourites, context="carry")["perplexity"]]
    wanted = ("mix", "cache", "dynamic")
    for count in (1, 2, 3):
        switches: dict[str, Any] = dict.fromkeys(wanted[:count], True)
        switches["mix"] = [other]
        adapted = elman.adapt(model, tune=favourites, context="carry", **switches)
        found.append(adapted.evaluate(favourites, context="carry")["perplexity"])
    # What a processor rounds otherwise may cost the last step a trifle: it is fitted after the
    # others.
    assert found[1] < 1.0001 * found[0] and found[2] < 0.9 * found[1] and found[3] < 1.002 * found[2]


@pytest.mark.slow
def test_an_adapted_model_is_a_model(loaded: Loaded, favourites: Path, tmp_path: Path, cli: Callable[..., Any]) -> None:
    model, other = loaded
    adapted = elman.adapt(
        model, tune=favourites, mix=[other], cache=True, dynamic=True, temperature=True, context="carry"
    )
    assert isinstance(adapted.lm, Tempered)
    found = adapted.evaluate(favourites, context="carry")
    digest = adapted.card["adaptation"]["tuned_on"]
    assert f"|adapted:dynamic+mixture+cache+tempered-{digest[:12]}|" in found["signature"]
    assert set(adapted.card["adaptation"]) == {
        "dynamic", "mixture", "cache", "temperature", "tuned_on", "tuned_tokens", "context",
    }  # fmt: skip
    assert "house" in [word for word, _ in adapted.complete("Anna sees the old", n=3).words]
    assert adapted.generate("Anna sees", seed=1, max_tokens=5) == adapted.generate("Anna sees", seed=1, max_tokens=5)
    adapted.save(tmp_path / "kept")
    again = elman.load(tmp_path / "kept")
    assert again.evaluate(favourites, context="carry") == found
    shown = cli("info", tmp_path / "kept").out
    assert "share" in shown and "rate" in shown and digest[:12] in shown and "--resume" not in shown
    static = model.evaluate(favourites, context="carry")["signature"]
    assert "|adapted:none|" in static


def test_state_ends_where_the_context_says(loaded: Loaded, favourites: Path, tmp_path: Path) -> None:
    model, _ = loaded
    adapted = elman.adapt(model, tune=favourites, cache=True, context="carry")
    options = {"document": "block"}
    carried, fresh = (
        adapted.evaluate(favourites, context=context, **options)["perplexity"] for context in ("carry", "document")
    )
    alone = adapted.evaluate(favourites, context="independent")["perplexity"]
    # A document is seven lines about one favourite: alone, there is nothing to remember.
    assert carried != pytest.approx(fresh, rel=1e-4) and fresh < alone


@pytest.mark.slow
def test_stretches_follow_the_context(loaded: Loaded, favourites: Path, tmp_path: Path) -> None:
    counts = {}
    for context in ("carry", "document", "independent"):
        fitted, _, facts = tuned(loaded, favourites, tmp_path, context=context, mix=True)
        counts[context] = len(fitted.stretches)
        assert facts["tuned_tokens"] == sum(map(len, fitted.stretches))
    assert counts == {"carry": 1, "document": 1, "independent": 98}


def test_only_the_beginning_is_looked_at(
    loaded: Loaded, favourites: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuning, "PIECE", 100)
    fitted, lm, facts = tuned(loaded, favourites, tmp_path, mix=True, cache=True)
    assert 100 <= facts["tuned_tokens"] < 120
    assert sum(map(len, fitted.stretches)) == facts["tuned_tokens"]


def test_a_cache_for_an_ngram_goes_by_recency(loaded: Loaded, tmp_path: Path) -> None:
    _, ngram = loaded
    path = tmp_path / "chorus.txt"
    path.write_text("".join(f"{name} {name} {name} {name}\n" * 5 for name in ("Anna", "Ben", "Clara") * 6))
    adapted = elman.adapt(ngram, tune=path, cache=True, context="carry")
    assert isinstance(adapted.lm, NeuralCache) and adapted.lm.theta == 0 and adapted.lm.share > 0.3
    # The names change every 25 tokens: those before say little.
    assert adapted.lm.recency > 0.01
    before, after = (each.evaluate(path, context="carry")["perplexity"] for each in (ngram, adapted))
    assert after < 0.5 * before


def test_dynamic_evaluation_needs_a_network(loaded: Loaded, favourites: Path) -> None:
    with pytest.raises(ModelError, match="needs a network; this model is of kind ngram"):
        elman.adapt(loaded[1], tune=favourites, dynamic=True)


def test_something_must_be_asked_for(loaded: Loaded, favourites: Path) -> None:
    with pytest.raises(UsageError, match="give at least one of: mix, cache, dynamic, temperature"):
        elman.adapt(loaded[0], tune=favourites)


@pytest.mark.slow
def test_the_rate_and_decay_are_better_than_their_neighbours(loaded: Loaded, favourites: Path, tmp_path: Path) -> None:
    fitted, lm, facts = tuned(loaded, favourites, tmp_path, dynamic=True)
    whole, cut = np.concatenate(fitted.stretches), fitted._cut
    assert 0 < cut < len(whole) <= cut + 500
    ids = whole[None, cut:]
    # How large gradients are must not be known of the text on which rates are tried ...
    before = gradient_rms(lm.models[1].model, whole[:cut], bptt=facts["dynamic"]["bptt"])
    # ... and is known of all of it in the end.
    every = gradient_rms(lm.models[1].model, whole, bptt=facts["dynamic"]["bptt"])
    np.testing.assert_allclose(lm.models[1].rms, every, rtol=1e-4, atol=1e-9)

    def cost(**changes: float) -> float:
        options = {**{name: facts["dynamic"][name] for name in ("rate", "decay", "floor", "bptt")}, **changes}
        learning = lm.models[1]
        model = type(learning)(learning.model, before, **options)
        return -float(model.score(ids, np.array([ids.shape[1]]), model.start())[0].sum())

    rate, decay, begun = facts["dynamic"]["rate"], facts["dynamic"]["decay"], tuning._DECAY
    # First the rate, then the decay that goes with it.
    best = 1.0005 * min(cost(rate=each, decay=begun) for each in (rate / 2, 2 * rate) if each <= tuning._RATES[1])
    assert cost(decay=begun) <= best
    assert cost() <= 1.0005 * min(cost(decay=each) for each in (decay / 3, 3 * decay) if each >= tuning._DECAYS[0])


@pytest.mark.slow
def test_the_default_text_is_the_passports(
    lstm_folder: Path, text_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = elman.load(lstm_folder)
    adapted = elman.adapt(model, cache=True)
    assert adapted.card["adaptation"]["tuned_on"] == model.card["data"]["valid"]["sha256"]
    monkeypatch.setenv("ELMAN_CACHE", str(tmp_path / "empty"))
    with pytest.raises(UsageError, match="no text to tune on.*--tune FILE"):
        elman.adapt(model, cache=True)
    valid = tmp_path / "valid.txt"
    valid.write_text(text_file.read_text()[:4000])
    elman.train(text_file, valid=valid, model="ngram", order=2, out=tmp_path / "m")
    monkeypatch.setenv("ELMAN_CACHE", str(tmp_path / "empty again"))
    other = elman.load(tmp_path / "m")
    assert elman.adapt(other, cache=True).card["adaptation"]["tuned_tokens"] > 100
    valid.write_text(text_file.read_text()[:5000])
    with pytest.raises(UsageError, match="cannot be tuned on .it has changed since.; give one with --tune FILE"):
        elman.adapt(other, cache=True)
    valid.unlink()
    with pytest.raises(UsageError, match="cannot be tuned on"):
        elman.adapt(other, cache=True)


def test_costs_at_temperatures_are_those_of_the_tempered_model(loaded: Loaded) -> None:
    model = loaded[1].lm
    ids = np.random.default_rng(2).integers(0, model.tokenizer.size, 30)
    whole, state = [], model.start()
    for token in ids:
        whole.append(model.log_probs(state)[0])
        state = model.advance(np.array([token]), state)
    temperatures = np.array([0.6, 1.0, 1.7])
    found = tempered_nats(np.array(whole), ids, temperatures)
    for temperature, nats in zip(temperatures, found, strict=True):
        tempered = Tempered(model, temperature=float(temperature))
        wanted = -tempered.score(ids[None], np.array([30]), tempered.start())[0].sum()
        assert nats == pytest.approx(wanted, rel=1e-5)
