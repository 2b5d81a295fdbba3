"""Influence by lag on models whose memory is known."""

import math
from pathlib import Path

import numpy as np
import pytest

import elman
from elman.errors import TextError
from elman.models.combine import Mixture
from elman.studies.xray_influence import influence_by_lag, spread_lags, text_windows


def ids_of(model: elman.Model, file: Path) -> np.ndarray:
    encode = model.lm.tokenizer.encode
    return np.concatenate([np.append(encode(line).ids, 1) for line in file.read_text().splitlines() if line])


@pytest.mark.slow
@pytest.mark.parametrize("order", [2, 3, 5])
def test_an_ngram_remembers_its_order_minus_one(order: int, text_file: Path, tmp_path: Path) -> None:
    model = elman.train(text_file, model="ngram", order=order, pretokenized=True)
    found = influence_by_lag(model.lm, ids_of(model, text_file), lags=range(1, 12), positions=60)
    assert found.reach == order - 1
    assert (found.bits[order - 1 :] == 0).all()  # exactly nothing, not nearly
    assert found.memory <= order - 1
    model.export(tmp_path / "lm.arpa")
    read = elman.load(tmp_path / "lm.arpa")
    assert influence_by_lag(read.lm, ids_of(read, text_file), lags=[order - 1, order], positions=60).reach == order - 1


def test_the_bits_are_those_of_the_definition(ngram_folder: Path, text_file: Path) -> None:
    lm = elman.load(ngram_folder).lm
    ids = ids_of(elman.load(ngram_folder), text_file)[:300]
    found = influence_by_lag(lm, ids, lags=[2], positions=1, draws=1, warm=3, seed=4)
    window = text_windows(ids, length=5, count=1)[0]
    words = ids[ids > 1]
    rng = np.random.default_rng(4)
    drawn = rng.choice(words, 1)
    while drawn[0] == window[3]:
        drawn = rng.choice(words, 1)
    predictions = []
    for third in (window[3], drawn[0]):
        state = lm.start()
        for token in (*window[:3], third, window[4]):
            state = lm.advance(np.array([token]), state)
        predictions.append(lm.log_probs(state)[0].astype(float))
    before, after = predictions
    by_hand = math.fsum(math.exp(p) * (p - q) for p, q in zip(before, after, strict=True)) / math.log(2)
    assert found.bits[0, 0] == pytest.approx(by_hand, abs=1e-6) and by_hand > 0.01


def test_networks_and_mixtures_go_through_the_same_door(lstm_folder: Path, ngram_folder: Path, text_file: Path) -> None:
    network, counted = elman.load(lstm_folder, torch=True), elman.load(ngram_folder)
    ids = ids_of(network, text_file)
    found = influence_by_lag(network.lm, ids, lags=spread_lags(30), positions=20)
    # In this grammar each slot is drawn by itself: what matters is where in the sentence one is, a
    # few words back.
    assert 1 <= found.memory < 20 and np.median(found.bits[0]) > 20 * np.median(found.bits[-1])
    mixed = Mixture([network.lm, counted.lm], weights=[0.5, 0.5])
    both = influence_by_lag(mixed, ids, lags=[1, 5], positions=20)
    assert both.reach == 5 and both.bits[0].mean() > both.bits[1].mean()


def test_too_little_text(ngram_folder: Path) -> None:
    lm = elman.load(ngram_folder).lm
    with pytest.raises(TextError, match="the text has 5 tokens; looking 31 back needs 32"):
        influence_by_lag(lm, np.arange(5), lags=[12], positions=3)
    with pytest.raises(TextError, match="fewer than two different words"):
        influence_by_lag(lm, np.full(50, 7), lags=[2], positions=3)
