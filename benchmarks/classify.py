# ruff: noqa: E402 (the number of threads is set before numpy is loaded)
"""Text classification against TF-IDF with logistic regression: figures, seconds, texts a second, a
cold start.

    python benchmarks/classify.py TRAIN VALID TEST [--text 1 --label 2] [--epochs 6] [--from MODEL] [--seeds 1 2 3]

Training and the rival use all threads, prediction one. Prediction (measured November 2026): at
least 10,000 short texts a second by the engine on one thread, and a model of at most 2 MB.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import elman
from elman.data.examples import ExamplesConfig, read_examples
from elman.data.labels import LabelSet
from elman.evaluation.rivals import TfidfRegression
from elman.progress import ScreenProgress
from elman.system.machine import available_cores, fingerprint
from elman.tasks.classify.texts import encode_examples

TURNS = 3
FILES = ("inference.safetensors", "ngrams.safetensors")


def texts_a_second(predict: Any, texts: list[str]) -> float:
    """The best of a few turns."""
    seconds = []
    for _ in range(TURNS):
        begin = time.perf_counter()
        predict(texts)
        seconds.append(time.perf_counter() - begin)
    return len(texts) / min(seconds)


def without_ngrams(model: Any) -> Any:
    """Probabilities of the network alone."""

    def predict(texts: list[str]) -> Any:
        share, model.share = model.share, 0.0
        try:
            return model.predict_proba(texts)
        finally:
            model.share = share

    return predict


def cold_start(folder: Path) -> float:
    """Seconds of a whole process that predicts one text; the best of a few."""
    command = [sys.executable, "-m", "elman", "predict", str(folder), "a fine film"]
    seconds = []
    for _ in range(TURNS + 1):
        begin = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        seconds.append(time.perf_counter() - begin)
    return min(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("train")
    parser.add_argument("valid")
    parser.add_argument("test")
    parser.add_argument("--text")
    parser.add_argument("--label")
    parser.add_argument("--epochs", type=float, default=6)
    parser.add_argument("--from", dest="start")
    parser.add_argument("--vectors")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    given = parser.parse_args()
    fields = {name: getattr(given, name) for name in ("text", "label") if getattr(given, name) is not None}
    more = {name: getattr(given, name) for name in ("start", "vectors") if getattr(given, name) is not None}
    config, progress = ExamplesConfig(**fields), ScreenProgress()
    parts = {name: list(read_examples(getattr(given, name), config=config)) for name in ("train", "valid", "test")}
    for seed in given.seeds:
        with tempfile.TemporaryDirectory() as folder:
            out, begin = Path(folder) / "model", time.perf_counter()
            model = elman.train(
                given.train, task="classify", valid=given.valid, test=given.test, out=out, epochs=given.epochs,
                seed=seed, rival=seed == given.seeds[0], threads=available_cores(), progress=progress, **fields, **more,
            )  # fmt: skip
            figures = model.card["figures"]["test"]
            texts = [example.text for example in parts["test"]] * 5
            model.predict_proba(texts[:200])  # compiles
            line = {
                "seed": seed,
                "accuracy": figures["scores"]["accuracy"],
                "macro_f1": figures["scores"]["macro_f1"],
                "verdict": figures["verdict"],
                "rivals": {rival["name"]: rival["accuracy"]["value"] for rival in figures["rivals"]},
                "signature": figures["signature"],
                "training_seconds": model.card["seconds"],
                "seconds_in_all": round(time.perf_counter() - begin, 1),
                "texts_per_second": round(texts_a_second(model.predict_proba, texts)),
                "texts_per_second_without_ngrams": round(texts_a_second(without_ngrams(model), texts)),
                "engine_texts_per_second": round(texts_a_second(model.encoder.logits, model.encode(texts))),
                "megabytes": round(
                    sum((out / name).stat().st_size for name in FILES if (out / name).exists()) / 1e6, 2
                ),
                "cold_seconds": round(cold_start(out), 2),
            }
        if seed == given.seeds[0]:
            labels = LabelSet.fit(parts["train"])
            how: dict[str, Any] = {"labels": labels, "multi_label": False, "most": 400, "tokenizer": model.tokenizer}
            train = encode_examples(parts["train"], **how)
            rival = TfidfRegression(labels=len(labels)).fit(train.texts, train.targets)
            line["tfidf_texts_per_second"] = round(texts_a_second(rival.predict_proba, texts))
            line["over_tfidf"] = round(line["texts_per_second"] / line["tfidf_texts_per_second"], 2)
            line["machine"] = fingerprint(threads=1, precision="int8")
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
