"""Word vectors of any source as a model folder, in fewer bits or of a given size, and what that
costs."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from elman.data.vocabulary import VOCABULARY_FILE, Vocabulary
from elman.errors import ModelError, UsageError
from elman.evaluation.vectors_loss import cosines_of, loss
from elman.evaluation.word_vectors import evaluate
from elman.models.vectors.stored import StoredVectorsConfig, pack, stored_size
from elman.models.word_vectors import WordVectors
from elman.progress import Progress
from elman.storage import folder as model_folder
from elman.storage.archive import arrays_digest, json_bytes
from elman.system.machine import fingerprint
from elman.tasks.vectors.model import TrainedVectors, load
from elman.training.lock import alone

KIND = "stored-vectors"
PRECISIONS = ("fp32", "int8")
_NUMBERS_A_BYTE = (2, 3, 4, 6, 8)
"""With more numbers to a byte, too few neighbours stay; rather fewer words are kept."""
_HEADS = 6_000
"""Bytes that configuration, the header of the weights, and a model card without lists may have."""
_LIST = 1_000
"""Bytes that the figures of a list take there."""


def store(
    vectors: WordVectors,
    out: Path,
    *,
    source: Path,
    precision: str = "int8",
    most: int | None = None,
    similarity: Sequence[str] = (),
    analogies: Sequence[str] = (),
    progress: Progress,
) -> dict[str, Any]:
    """Write a model folder of word vectors; returns what it has and what was lost.

    Args:
        source: where the vectors lie.
        precision: ``fp32`` or ``int8``.
        most: bytes that the folder may have; then the finest precision that fits is taken, down to
            product codes, and after that the most frequent words.
        similarity, analogies: lists on which both are judged, as by ``evaluate``.

    Raises:
        FolderError: ``out`` exists and is not empty.
        ModelError: fewer than two words fit.
    """
    if precision not in PRECISIONS:
        raise UsageError(f"--precision is {precision!r}; of word vectors it must be {' or '.join(PRECISIONS)}")
    lists = {"similarity": similarity, "analogies": analogies}
    before = _totals(vectors, lists)
    model = vectors.config.model if isinstance(vectors, TrainedVectors) else "file"
    if most is None:
        words, how = len(vectors), {"precision": precision}
    else:
        heads = _HEADS + sum(_LIST + 2 * len(str(name)) for each in lists.values() for name in each)
        heads += len(json_bytes(vectors.card)) if isinstance(vectors, TrainedVectors) else len(str(source))
        words, how = _fitted(vectors, most, model, heads=heads)
    config = StoredVectorsConfig.of(vectors, model=model, **how)
    kept = _first(vectors, words)
    with alone(out):
        model_folder.create(out)
        files = {VOCABULARY_FILE: kept.vocabulary.to_bytes()}
        model_folder.write_static_files(out, kind=KIND, config=config.to_json(), files=files)
        model_folder.write_weights(out, pack(kept, config, progress))
        stored = load(out)
        # Of dropped words nothing is left; what the others lose is measured.
        lost = loss(kept.vectors, cosines_of(stored.vectors))
        quantised = {
            "precision": config.precision,
            "numbers_per_byte": None if config.parts is None else round(config.dimensions / config.parts, 2),
            "words": words,
            "of": len(vectors),
            "loss": {"neighbours": lost.neighbours, "cosine": lost.cosine, "words": lost.words},
        }
        if before is not None:
            quantised |= {"before": before, "after": _totals(stored, lists)}
        model_folder.write_card(out, _card(vectors, stored, source, quantised, out))
    size = model_folder.folder_bytes(out)
    assert most is None or size <= most
    return {"bytes": size, **quantised}


def _totals(vectors: WordVectors, lists: Mapping[str, Sequence[str]]) -> dict[str, Any] | None:
    """The figures on lists, without sections; None without lists."""
    if not any(lists.values()):
        return None
    figures = evaluate(vectors, **lists)
    totals = [{"file": each["file"], "total": each["total"]} for each in figures["analogies"]]
    return {"similarity": figures["similarity"], "analogies": totals}


def _fitted(vectors: WordVectors, most: int, model: str, *, heads: int) -> tuple[int, dict[str, Any]]:
    """How many words, and in which way, fit into so many bytes, ``heads`` of which are not of the
    words."""
    room = most - heads
    letters = np.cumsum([len(f"{word}\t{count}\n".encode()) for word, count in zip(
        vectors.words, vectors.vocabulary.counts.tolist(), strict=True)])  # fmt: skip
    ways: list[dict[str, Any]] = [{"precision": "int8"}]
    parts = dict.fromkeys(-(-vectors.dimensions // numbers) for numbers in _NUMBERS_A_BYTE)
    ways += [{"precision": "product", "parts": each} for each in parts]
    config = None
    for how in ways:
        config = StoredVectorsConfig.of(vectors, model=model, **how)
        if stored_size(vectors, config, words=len(vectors)) + letters[-1] <= room:
            return len(vectors), how
    assert config is not None
    sizes = stored_size(vectors, config, words=0) + config.row_bytes * np.arange(1, len(vectors) + 1) + letters
    words = int(np.searchsorted(sizes, room, "right"))
    if words < 2:
        least = int(sizes[min(1, len(sizes) - 1)]) + heads
        raise ModelError(f"two words need {least:,} bytes, and --target-size allows {most:,}; allow more")
    return words, ways[-1]


def _first(vectors: WordVectors, words: int) -> WordVectors:
    """The most frequent words alone."""
    if words == len(vectors):
        return vectors
    vocabulary = Vocabulary(vectors.words[:words], vectors.vocabulary.counts[:words].tolist())
    return WordVectors(vocabulary, vectors.vectors[:words], subwords=vectors.subwords, lowercase=vectors.lowercase)


def _card(
    vectors: WordVectors, stored: TrainedVectors, source: Path, quantised: dict[str, Any], out: Path
) -> dict[str, Any]:
    trained = vectors.card if isinstance(vectors, TrainedVectors) else {}
    data = {"sources": [str(source)], "hash": arrays_digest({"vectors": vectors.vectors})[:16]}
    model = {**stored.describe(), "hash": model_folder.weights_digest(out)}
    return {
        "model": model,
        "data": trained.get("data", data),
        "task": "vectors",
        "recipe": trained.get("recipe", {"config": stored.config.to_json(), "plan": None}),
        "quantisation": quantised,
        "figures": {},
        "seconds": trained.get("seconds", 0.0),
        "trained": trained.get("trained", datetime.now(UTC).isoformat(timespec="seconds")),
        "machine": fingerprint(threads=1, precision="fp32"),
        "from": {"folder": str(source)},
    }
