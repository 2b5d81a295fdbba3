"""Pairs counted and shuffled on disk are those in memory."""

from pathlib import Path

import numpy as np
import pytest

from elman.data.vocabulary import Vocabulary
from elman.data.word_text import WordText
from elman.errors import UsageError
from elman.models.ngram.counting_memory import BufferSizes
from elman.models.vectors import pairs_on_disk
from elman.models.vectors.config import VectorsConfig
from elman.models.vectors.cooccurrence import PairCounter, distance_weights
from elman.models.vectors.counting import Glove, Ppmi
from elman.models.vectors.glove import words_of
from elman.models.vectors.pairs_on_disk import Disk, add_up_pairs, remove_pairs, shuffled_on_disk, sort_pairs
from elman.progress import Progress

VOCAB = 60


def _blocks() -> list[np.ndarray]:
    """Words of falling frequency in sentences, and a block with nothing to count."""
    random = np.random.default_rng(3)
    ids = np.minimum(random.zipf(1.2, 9000) - 1, VOCAB - 1).astype(np.int32)
    ids[::11] = -1
    return [ids[:4000], np.array([-1, 5, -1], np.int32), ids[4000:]]


@pytest.mark.parametrize("distance", ["harmonic", "flat"])
def test_counts_on_disk_are_those_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, distance: str) -> None:
    # Runs of 200,000 numbers would hold all; these take several, which are merged in two rounds.
    small = BufferSizes(run=1 << 15, block=1 << 8, merge=1 << 10, part=1 << 9)
    monkeypatch.setattr(pairs_on_disk, "_sizes", lambda max_ram: small)
    monkeypatch.setattr(pairs_on_disk, "_BLOCK", 1 << 11)
    weights = distance_weights(distance, 7)
    counter = PairCounter(VOCAB, weights)
    for block in _blocks():
        counter.add(block)
    wanted = counter.pairs()
    runs = sort_pairs(_blocks(), 7, VOCAB, folder=tmp_path, max_ram=1 << 25)
    found = add_up_pairs(runs, weights, VOCAB, folder=tmp_path, max_ram=1 << 25)
    assert len(wanted.columns) > 1000 and wanted.columns.tolist() == found.columns.tolist()
    assert wanted.starts.tolist() == found.starts.tolist()
    np.testing.assert_allclose(found.counts, wanted.counts, rtol=1e-6)
    remove_pairs(tmp_path)
    assert not list(tmp_path.iterdir())


def test_shuffled_pairs_are_all_pairs_group_by_group(tmp_path: Path) -> None:
    counter = PairCounter(VOCAB, np.ones(4))
    for block in _blocks():
        counter.add(block)
    pairs = counter.pairs()
    all_pairs = sorted(zip(words_of(pairs).tolist(), pairs.columns.tolist(), pairs.counts.tolist(), strict=True))
    few = 4 * 12 * len(pairs.columns) // 5
    shuffled, edges = shuffled_on_disk(pairs, parts=2, seed=4, folder=tmp_path, max_ram=few)
    assert sorted(shuffled.tolist()) == all_pairs and edges[-1] == len(all_pairs)
    for group in range(4):
        part = shuffled[edges[group] : edges[group + 1]]
        assert (part["word"] % 2 == group // 2).all() and (part["context"] % 2 == group % 2).all()
        # In random order neighbours rise as often as they fall.
        assert (
            0.4 < (np.diff(part["word"].astype(int)) > 0).mean() / (np.diff(part["word"].astype(int)) != 0).mean() < 0.6
        )
    assert [path.name for path in tmp_path.iterdir()] == ["pairs.shuffled"]


def test_ppmi_and_glove_from_disk(tmp_path: Path) -> None:
    ids = np.concatenate([*_blocks(), [-1]]).astype(np.int32)
    counts = np.bincount(ids[ids >= 0], minlength=VOCAB)
    text = WordText(ids, Vocabulary([f"w{row}" for row in range(VOCAB)], counts.tolist()), int(counts.sum()), 0, "")
    disk, settings = Disk(tmp_path, 1 << 25), {"dimensions": 5, "seed": 2}
    config = VectorsConfig.of("ppmi", settings)
    wanted, found = Ppmi(text, config, Progress()), Ppmi(text, config, Progress(), disk)
    for trainer in (wanted, found):
        trainer.step(0)
    vectors, others = wanted.model_arrays()["vectors"], found.model_arrays()["vectors"]
    np.testing.assert_allclose(others @ others.T, vectors @ vectors.T, atol=1e-3)
    assert np.abs(vectors).max() > 0.1
    losses = []
    for where in (None, disk):
        glove, done = (
            Glove(text, VectorsConfig.of("glove", {**settings, "epochs": 4, "rate": 0.1}), Progress(), where),
            0,
        )
        while done < glove.total:
            done = glove.step(done)
        state = glove.state()
        score = state["left"][:, :8] @ state["right"][:, :8].T + state["left"][:, 8:9] + state["right"][:, 8]
        pairs = glove._pairs
        losses.append((pairs["count"] * (score[pairs["word"], pairs["context"]] - np.log(pairs["count"])) ** 2).mean())
    # Pairs come in another order, and are learned as well.
    assert losses[1] == pytest.approx(losses[0], rel=0.15)


def test_too_little_memory_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--max-ram is 1 MB; counting pairs takes at least 34 MB"):
        sort_pairs([], 2, 9, folder=tmp_path, max_ram=10**6)
