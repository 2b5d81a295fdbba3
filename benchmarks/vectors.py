# ruff: noqa: E402 (the number of threads is set before numpy is loaded)
"""Word vectors against gensim in the same run: words a second, quality, ratios.

    python benchmarks/vectors.py TEXT --similarity wordsim353.tsv men.txt --analogies questions-words.txt \
        [--models skipgram cbow fasttext glove ppmi] [--threads 2] [--epochs 5] [--dimensions 100] [--seeds 1]\
        [--peer PYTHON]
    python benchmarks/vectors.py --neighbours 400000 100

Both read the same words: elman's, one sentence a line, in a file. Seconds are of training alone, without reading the
text, building the vocabulary or compiling. gensim runs where it can be imported, in a process of its own: in this
Python, or in the one that --peer names. --neighbours asks random vectors, so many words of so many dimensions, for
the neighbours of words: all compared in full, and by 8 bits first.
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

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np

from elman.cli.screen import table
from elman.data.vocabulary import Vocabulary
from elman.data.word_text import WordsConfig, WordText, read_words
from elman.evaluation.word_vectors import evaluate
from elman.models.vectors.config import VectorsConfig
from elman.models.vectors.counting import Glove, Ppmi
from elman.models.vectors.eight_bits import EightBits
from elman.models.vectors.negative_sampling import NegativeSampling
from elman.models.word_vectors import WordVectors
from elman.progress import Progress, ScreenProgress
from elman.system.machine import fingerprint
from elman.tasks.vectors.model import load_any

GENSIM = """
import json, sys, time
from gensim.models import FastText, Word2Vec
asked = json.loads(sys.argv[1])
kind = FastText if asked["model"] == "fasttext" else Word2Vec
settings = {"vector_size": asked["dimensions"], "window": 5, "negative": 5, "min_count": 1, "sample": asked["sample"],
            "sg": int(asked["model"] != "cbow"), "workers": asked["threads"], "seed": asked["seed"],
            "alpha": asked["rate"], "epochs": asked["epochs"]}
model = kind(**settings)
model.build_vocab(corpus_file=asked["text"])
begin, cpu = time.perf_counter(), time.process_time()
model.train(corpus_file=asked["text"], total_words=model.corpus_total_words, total_examples=model.corpus_count,
            epochs=asked["epochs"])
print(json.dumps({"seconds": time.perf_counter() - begin, "cpu": time.process_time() - cpu}))
model.wv.save_word2vec_format(asked["out"], binary=True)
"""


def trained(text: WordText, config: VectorsConfig) -> tuple[WordVectors, float, float]:
    """The vectors, the seconds and the CPU seconds of a training."""

    def trainer() -> Any:
        if config.model == "ppmi":
            return Ppmi(text, config, Progress())
        return Glove(text, config, Progress()) if config.model == "glove" else NegativeSampling(text, config)

    if config.model not in ("ppmi", "glove"):
        trainer().step(0)  # compiles
    begin, cpu, done = time.perf_counter(), time.process_time(), 0
    training = trainer()
    while done < training.total:
        done = training.step(done)
    seconds = time.perf_counter() - begin
    vectors = WordVectors(text.vocabulary, training.model_arrays()["vectors"], lowercase=True)
    return vectors, seconds, time.process_time() - cpu


def by_gensim(python: str, asked: dict[str, Any]) -> tuple[WordVectors, float, float] | None:
    """The same by gensim; None where it is not installed."""
    found = subprocess.run([python, "-c", GENSIM, json.dumps(asked)], capture_output=True, text=True)
    if "No module named 'gensim'" in found.stderr:
        return None
    found.check_returncode()
    figures = json.loads(found.stdout.splitlines()[-1])
    return load_any(Path(asked["out"])), figures["seconds"], figures["cpu"]


def neighbours(words: int, dimensions: int, questions: int = 10) -> None:
    """Milliseconds of a question, before and after the copy in 8 bits is made, and seconds of making it."""
    rows = np.random.default_rng(1).normal(size=(words, dimensions)).astype(np.float32)
    vectors = WordVectors(Vocabulary([f"w{row}" for row in range(words)], [1] * words), rows)

    def seconds() -> tuple[float, list[Any]]:
        begin = time.perf_counter()
        found = [vectors.most_similar(f"w{row}") for row in range(questions)]
        return (time.perf_counter() - begin) / questions, found

    full, wanted = seconds()
    EightBits(rows[:64], np.ones(64, np.float32))  # compiles
    begin = time.perf_counter()
    vectors.prepare()
    making = time.perf_counter() - begin
    quick, found = seconds()
    assert found == wanted
    print(f"full {1000 * full:.2f} ms, 8 bits {1000 * quick:.2f} ms ({full / quick:.1f}x), made in {making:.2f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("text", nargs="*")
    parser.add_argument("--neighbours", type=int, nargs=2, metavar=("WORDS", "DIMENSIONS"))
    parser.add_argument("--similarity", nargs="*", default=[])
    parser.add_argument("--analogies", nargs="*", default=[])
    parser.add_argument("--models", nargs="+", default=["skipgram", "cbow", "fasttext", "glove", "ppmi"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--dimensions", type=int, default=100)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--peer", default=sys.executable)
    asked = parser.parse_args()
    if asked.neighbours:
        neighbours(*asked.neighbours)
    if not asked.text:
        return
    rows: list[list[str]] = []
    with tempfile.TemporaryDirectory() as name:
        folder, progress = Path(name), ScreenProgress()
        text = read_words(asked.text, config=WordsConfig(), folder=folder, progress=progress)
        words = [*text.vocabulary.words, "\n"]
        same = folder / "same.txt"
        same.write_text(" ".join(words[row] for row in text.ids.tolist()).replace(" \n ", "\n"), encoding="utf-8")

        def row(who: str, model: str, found: tuple[WordVectors, float, float], epochs: int) -> dict[str, Any]:
            vectors, seconds, cpu = found
            judged = evaluate(vectors, analogies=asked.analogies, similarity=asked.similarity)
            figures = [f"{each['spearman']:.3f}" for each in judged["similarity"]]
            figures += [f"{100 * each['total']['accuracy_add']['of_known']:.1f}" for each in judged["analogies"]]
            rate = text.words * epochs / seconds
            rows.append([f"{model}, {who}", f"{seconds:.1f}", f"{cpu:.1f}", f"{rate / 1e6:.2f}", *figures])
            progress.say(" ".join(rows[-1]))
            return {"who": who, "model": model, "seconds": seconds, "cpu": cpu, "rate": rate, **judged}

        every: list[dict[str, Any]] = []
        for model in asked.models:
            for seed in asked.seeds:
                settings = {"dimensions": asked.dimensions, "threads": asked.threads, "seed": seed}
                if model != "ppmi":
                    settings["epochs"] = asked.epochs
                if model == "glove":
                    settings |= {"window": 5, "epochs": 3 * asked.epochs}
                config = VectorsConfig.of(model, settings)
                every.append(row("elman", model, trained(text, config), config.epochs or 1))
                if model in ("glove", "ppmi"):
                    continue
                more = {"model": model, "sample": config.subsample, "rate": config.rate, "epochs": config.epochs}
                peer = by_gensim(asked.peer, {**settings, **more, "text": str(same), "out": str(folder / "peer.bin")})
                if peer is not None:
                    every.append(row("gensim", model, peer, asked.epochs))
                    ratio = every[-2]["rate"] / every[-1]["rate"]
                    rows.append([f"{model}, elman / gensim", "", "", f"{ratio:.2f}x"])
    names = [Path(file).name for file in (*asked.similarity, *asked.analogies)]
    width = 4 + len(names)
    print(table(["", "s", "CPU s", "M words/s", *names], [[*row, *[""] * (width - len(row))] for row in rows]))
    print(json.dumps({"words": text.words, "machine": fingerprint(threads=asked.threads, precision="fp32")}))


if __name__ == "__main__":
    main()
