# ruff: noqa: E402 (the number of threads is set before numpy is loaded)
"""Word vectors against gensim and fastText's program in the same run: words a second, quality,
ratios.

    python benchmarks/vectors.py TEXT --similarity wordsim353.tsv men.txt --analogies questions-words.txt \
        [--models default skipgram cbow fasttext glove ppmi] [--threads 2] [--epochs 5] [--dimensions 100] \
        [--seeds 1 2 3] [--peers gensim fasttext] [--peer PYTHON]
    python benchmarks/vectors.py --neighbours 400000 100

All read the same words: elman's, one sentence a line, in a file. Seconds are of training alone,
without reading the text, building the vocabulary or compiling. gensim and fastText
(`pip install gensim fasttext`) run where they can be imported, in processes of their own: in this
Python, or in the one that --peer names. skipgram and cbow are compared with fastText without
subwords; it takes 10 threads, so compare its CPU seconds. Of several seeds, the mean of each figure
is shown with half of the distance between the least and the most, and how many of the ten nearest
words of the 1,000 most frequent ones are the same with another seed. --neighbours asks random
vectors, so many words of so many dimensions, for the neighbours of words: all compared in full, and
by 8 bits first.
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
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
from elman.tasks.vectors.recipe import choose

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
# No epoch first: what takes time then is reading the text and making the vectors. With less than 10
# threads, the program trains vectors that it did not set. It takes no seed.
FASTTEXT = """
import json, sys, time
import fasttext
asked = json.loads(sys.argv[1])
subwords = asked["model"] == "fasttext"
seconds, cpu = [], []
for epochs in (0, asked["epochs"]):
    begin, before = time.perf_counter(), time.process_time()
    model = fasttext.train_unsupervised(
        asked["text"], model="cbow" if asked["model"] == "cbow" else "skipgram", lr=asked["rate"],
        dim=asked["dimensions"], ws=5, epoch=epochs, minCount=1, minn=3 if subwords else 0, maxn=6 if subwords else 0,
        bucket=2_000_000 if subwords else 0, neg=5, thread=10, t=asked["sample"], verbose=0)
    seconds.append(time.perf_counter() - begin)
    cpu.append(time.process_time() - before)
print(json.dumps({"seconds": seconds[1] - seconds[0], "cpu": cpu[1] - cpu[0]}))
words = [word for word in model.words if word != "</s>"]
with open(asked["out"], "w", encoding="utf-8") as out:
    print(len(words), asked["dimensions"], file=out)
    for word in words:
        print(word, *(f"{number:.7g}" for number in model.get_word_vector(word)), file=out)
"""
PEERS = {"gensim": GENSIM, "fasttext": FASTTEXT}
SUFFIXES = {"gensim": ".bin", "fasttext": ".vec"}


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


def by_peer(python: str, peer: str, asked: dict[str, Any]) -> tuple[WordVectors, float, float] | None:
    """The same by another program; None where it is not installed."""
    found = subprocess.run([python, "-c", PEERS[peer], json.dumps(asked)], capture_output=True, text=True)
    if f"No module named '{peer}'" in found.stderr:
        return None
    found.check_returncode()
    figures = json.loads(found.stdout.splitlines()[-1])
    return load_any(Path(asked["out"])), figures["seconds"], figures["cpu"]


def nearest(vectors: WordVectors, words: Sequence[str]) -> list[set[str]]:
    """The ten nearest words of each word."""
    return [{near for near, _ in vectors.most_similar(word, topn=10)} for word in words]


def overlap(seeds: list[list[set[str]]]) -> float:
    """How many of the nearest words are the same with another seed: a share."""
    pairs = [
        len(a & b) / 10 for one, other in itertools.combinations(seeds, 2) for a, b in zip(one, other, strict=True)
    ]
    return statistics.fmean(pairs)


def spread(figures: list[float]) -> str:
    """The mean, and half of the distance between the least and the most."""
    return f"{statistics.fmean(figures):.3f} +-{(max(figures) - min(figures)) / 2:.3f}"


def neighbours(words: int, dimensions: int, questions: int = 10) -> None:
    """CPU milliseconds of a question (the median), before and after the copy in 8 bits is made, and
    seconds of making it."""
    rows = np.random.default_rng(1).normal(size=(words, dimensions)).astype(np.float32)
    vectors = WordVectors(Vocabulary([f"w{row}" for row in range(words)], [1] * words), rows)

    def seconds() -> tuple[float, list[Any]]:
        found, times = [], []
        for row in range(questions):
            begin = time.thread_time()
            found.append(vectors.most_similar(f"w{row}"))
            times.append(time.thread_time() - begin)
        return statistics.median(times), found

    full, wanted = seconds()
    EightBits(rows[:64], np.ones(64, np.float32))  # compiles
    begin = time.thread_time()
    vectors.prepare()
    making = time.thread_time() - begin
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
    parser.add_argument("--peers", nargs="*", default=list(PEERS), choices=list(PEERS))
    parser.add_argument("--peer", default=sys.executable, metavar="PYTHON")
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

        frequent = text.vocabulary.words[:1000]

        def row(who: str, model: str, found: tuple[WordVectors, float, float], epochs: int) -> dict[str, Any]:
            vectors, seconds, cpu = found
            judged = evaluate(vectors, analogies=asked.analogies, similarity=asked.similarity)
            figures = [each["spearman"] for each in judged["similarity"]]
            figures += [each["total"]["accuracy_add"]["of_known"] for each in judged["analogies"]]
            rate = text.words * epochs / seconds
            shown = [f"{figure:.3f}" for figure in figures]
            rows.append([f"{model}, {who}", f"{seconds:.1f}", f"{cpu:.1f}", f"{rate / 1e6:.2f}", *shown])
            progress.say(" ".join(rows[-1]))
            near = nearest(vectors, frequent) if len(asked.seeds) > 1 else []
            return {"seconds": seconds, "cpu": cpu, "figures": figures, "nearest": near}

        for model in asked.models:
            found: dict[str, list[dict[str, Any]]] = {}
            for seed in asked.seeds:
                settings = {"dimensions": asked.dimensions, "threads": asked.threads, "seed": seed}
                if model == "default":
                    config = choose(settings, words=text.words, progress=progress)
                else:
                    if model != "ppmi":
                        settings["epochs"] = asked.epochs
                    if model == "glove":
                        settings |= {"window": 5, "epochs": 3 * asked.epochs}
                    config = VectorsConfig.of(model, settings)
                found.setdefault("elman", []).append(row("elman", model, trained(text, config), config.epochs or 1))
                if model not in ("skipgram", "cbow", "fasttext"):
                    continue
                more = {"model": model, "sample": config.subsample, "rate": config.rate, "epochs": config.epochs}
                for peer in asked.peers:
                    settings |= {**more, "text": str(same), "out": str(folder / f"{peer}{SUFFIXES[peer]}")}
                    other = by_peer(asked.peer, peer, settings)
                    if other is not None:
                        found.setdefault(peer, []).append(row(peer, model, other, asked.epochs))
            for who, runs in found.items():
                if len(runs) > 1:
                    means = [spread(list(figures)) for figures in zip(*(run["figures"] for run in runs), strict=True)]
                    rows.append([f"{model}, {who}, {len(runs)} seeds", "", "", "", *means])
                    rows.append([f"  same nearest words: {overlap([run['nearest'] for run in runs]):.1%}"])
                if who != "elman":
                    times = [
                        sum(run[unit] for run in runs) / sum(run[unit] for run in found["elman"])
                        for unit in ("seconds", "cpu")
                    ]
                    rows.append([f"{model}, elman / {who}", *(f"{ratio:.2f}x" for ratio in times)])
    names = [Path(file).name for file in (*asked.similarity, *asked.analogies)]
    width = 4 + len(names)
    print(table(["", "s", "CPU s", "M words/s", *names], [[*row, *[""] * (width - len(row))] for row in rows]))
    print(json.dumps({"words": text.words, "machine": fingerprint(threads=asked.threads, precision="fp32")}))


if __name__ == "__main__":
    main()
