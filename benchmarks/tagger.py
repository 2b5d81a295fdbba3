# ruff: noqa: E402 (the number of threads is set before numpy is loaded)
"""Taggers: words a second in training and in prediction by the engine, and the figure on held-out
sentences.

    python benchmarks/tagger.py TRAIN VALID [--field upos] [--threads 1] [--updates 100] [--model MODEL]

Both are measured with one thread, prediction once with words that are new and once with
words that were read before. CPU seconds are counted, since other programs may run. Floors (November
2026): 7,000 words a second on two cores in training, 15,000 on one thread in prediction.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import elman
from elman.data.tagged import read_tagged
from elman.progress import Progress
from elman.system.machine import fingerprint
from elman.tasks.request import Fixed
from elman.tasks.tag.job import new_job
from elman.tasks.tag.model import Tagger
from elman.tasks.tag.request import TagDataConfig, TagRequest
from elman.training.training import Training

FLOORS = {"training": 7_000, "prediction": 15_000}
TURNS = 3


def training_speed(request: TagRequest, updates: int) -> float:
    """Words per CPU second and thread, times the threads, of some updates."""
    with tempfile.TemporaryDirectory() as folder:
        job = new_job(request, folder=Path(folder), progress=Progress())
        plan = job.plan.replace(updates=1 << 40, device="cpu")
        training = Training(job.objective(plan, job.first_weights()), plan)
        for _ in range(3):
            training.update()
        begin, words = time.process_time(), 0.0
        for _ in range(updates):
            words += training.update().count
    return words * plan.threads / (time.process_time() - begin)


def prediction_speeds(folder: Path, sentences: list[tuple[str, ...]]) -> tuple[float, float]:
    """Words per CPU second with new words, and with known ones; the best of a few turns."""
    elman.load(folder).tags(sentences[:200])  # compiles the kernels
    words, new, known = sum(map(len, sentences)), 0.0, 0.0
    for _ in range(TURNS):
        tagger: Tagger = elman.load(folder)
        tagger.tagger.compile()
        begin = time.process_time()
        tagger.tags(sentences)
        middle = time.process_time()
        tagger.tags(sentences)
        new, known = max(new, words / (middle - begin)), max(known, words / (time.process_time() - middle))
    return new, known


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("train")
    parser.add_argument("valid")
    parser.add_argument("--field")
    parser.add_argument("--format", default="auto")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--updates", type=int, default=100)
    parser.add_argument("--model", help="a trained tagger; by default one is trained with these updates")
    given = parser.parse_args()
    data = {"field": given.field, "format": given.format}
    request = TagRequest(
        kind="tagger",
        sources=(given.train,),
        valid=(given.valid,),
        updates=given.updates,
        threads=given.threads,
        data=TagDataConfig(**data),
        fixed=Fixed({"cell": "lstm"}),
    )
    found: dict[str, object] = {"training": training_speed(request, given.updates), "floors": FLOORS}
    sentences = [each.words for each in read_tagged(given.valid, **data)]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(given.model or Path(folder) / "model")
        if given.model is None:
            options = {"valid": given.valid, "updates": given.updates, "threads": given.threads, **data}
            elman.train(given.train, task="tag", out=out, **options)
        found["prediction"], found["prediction_known_words"] = prediction_speeds(out, sentences)
        found["card"] = {key: elman.load(out).card[key] for key in ("model", "inference", "figures")}
    print(
        json.dumps({**found, "machine": fingerprint(threads=given.threads, precision="auto", device="cpu")}, indent=1)
    )


if __name__ == "__main__":
    main()
