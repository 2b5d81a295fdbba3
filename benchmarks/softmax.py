"""What an adaptive and a sampled softmax save against the full one, in whole updates: time, memory,
quality.

    python benchmarks/softmax.py [--quick] [--batch 20] [--threads 2] [--precision bf16] [--own-weights]
    python benchmarks/softmax.py --corpus TEXT --epochs 3 [--embedding 256] [--hidden 512]

Prediction, made before the first run, for 100,000 types, E = 256, H = 512, 20 rows of 35 tokens.
The full softmax meets 25.6 M weights at each token beside the 2.4 M of two LSTM layers; the
adaptive one some 1 to 3 M, the sampled one 0.6 M (4,096 draws, about 2,300 different types). By
products alone updates would be 5 to 9 times as fast. Gradient, clipping and AdamW walk through 25.6
M weights several times (full), through 2 to 4 M (adaptive), or through the rows touched, 1 M
(sampled); so the saving should hold for the whole update: 5 times or more. Memory: the full softmax
holds a gradient of 102 MB at least three times over and a chunk of 25 M scores at ten bytes each,
600 MB and more; the others a twentieth of that, beside the recurrence's 50 MB: at least 5 times
less. At equal epochs the adaptive network should be within 5% of the full one's perplexity, at
equal minutes better.

First form: random text by Zipf's law, ids in no order. One JSON line for each softmax with the
updates per second of updates made in turn in one process (the best one and the median) and their
ratio to the full softmax's, then one for each with its memory in a process of its own: what an
update needs beyond weights and optimiser state (``increment``), and all of the process (``peak``).
The last line is what the recurrence alone needs, below which no softmax can come: a full one over
500 types.

Second form: trains full and adaptive on a text for equal epochs, then adaptive for as many minutes
as full took. Three JSON lines with perplexities and their ratio to the full softmax's.
"""

import argparse
import ctypes
import gc
import json
import statistics
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from ceilings import precision_for

SOFTMAXES = ("full", "adaptive", "sampled")
NONE = "none"
TOKENS = 1_000_000


def make_training(softmax: str, given: argparse.Namespace, *, vocab: int) -> Any:
    """A training over random text."""
    from elman.models.network_config import NeuralConfig
    from elman.tasks.language.objective import LanguageObjective
    from elman.tasks.language.plan import LanguagePlan
    from elman.training.training import Training

    draw = np.random.default_rng(1)
    share = np.cumsum(1 / np.arange(1, vocab + 1))
    ranks = np.searchsorted(share, draw.random(TOKENS) * share[-1])
    ids = draw.permutation(vocab).astype(np.uint32)[ranks]
    store: Any = SimpleNamespace(ids=ids, documents=np.array([0, TOKENS]))
    nothing: Any = None
    plan = LanguagePlan(
        updates=1_000_000, batch=given.batch, bptt=given.bptt, precision=given.precision, threads=given.threads,
        dropout=0.1, input_dropout=0.1, weight_decay=0.05,
    )  # fmt: skip
    shape = {"embedding_size": given.embedding, "hidden_size": given.hidden, "tied": not given.own_weights}
    config = NeuralConfig.from_json({**shape, "softmax": softmax})
    objective = LanguageObjective(config, plan, vocab=vocab, speller=nothing, train=store, valid=store)
    return Training(objective, plan)


def measure_time(given: argparse.Namespace) -> list[dict[str, Any]]:
    """Updates in turn, so that whatever else the machine does falls on all of them."""
    trainings = {softmax: make_training(softmax, given, vocab=given.vocab) for softmax in SOFTMAXES}
    seconds: dict[str, list[float]] = {softmax: [] for softmax in SOFTMAXES}
    for training in trainings.values():
        for _ in range(3):  # the first ones set up kernels and the optimiser's memory
            training.update()
    for _ in range(given.rounds):
        for softmax, training in trainings.items():
            begin = time.perf_counter()
            training.update()
            seconds[softmax].append(time.perf_counter() - begin)
    lines = []
    for softmax, taken in seconds.items():
        each = [full / own for full, own in zip(seconds["full"], taken, strict=True)]
        lines.append(
            {
                "softmax": softmax,
                "updates_per_second": round(1 / min(taken), 3),
                "updates_per_second_median": round(1 / statistics.median(taken), 3),
                "ratio": round(min(seconds["full"]) / min(taken), 2),
                "ratio_median": round(statistics.median(each), 2),
            }
        )
    return lines


def measure_memory(softmax: str, given: argparse.Namespace) -> dict[str, Any]:
    """The most memory that updates of one softmax need, in this process."""
    from elman.training.optimizers import optimizer_arrays

    vocab = 500 if softmax == NONE else given.vocab
    kind = "full" if softmax == NONE else softmax
    small = make_training(kind, given, vocab=500)
    for _ in range(2):  # libraries and kernels are no part of it
        small.update()
    del small
    training = make_training(kind, given, vocab=vocab)
    gc.collect()
    _forget()
    before = _memory("VmRSS")
    for _ in range(given.rounds + 3):
        training.update()
    peak = _memory("VmHWM")
    state = sum(part.numel() * part.element_size() for part in optimizer_arrays(training.optimizers).values())
    weights = sum(part.numel() * part.element_size() for part in training.network.parameters())
    return {
        "softmax": softmax,
        "increment_mb": round((peak - before - state) / 2**20, 1),
        "weights_mb": round(weights / 2**20, 1),
        "optimizer_mb": round(state / 2**20, 1),
        "peak_mb": round(peak / 2**20, 1),
    }


def _forget() -> None:
    """Where the system can: give back what is free, and count the peak from here on, without
    imports and building."""
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _memory(name: str) -> int:
    """Bytes that this process holds now (VmRSS) or held at most (VmHWM); the latter for both where
    Linux is not.

    The system's other count of the peak, ru_maxrss, would begin with the parent's.
    """
    from elman.system.machine import peak_memory

    with suppress(OSError):
        status = Path("/proc/self/status").read_text()
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith(name))
    return peak_memory() or 0


def memory_lines(words: list[str]) -> list[dict[str, Any]]:
    """One process for each softmax."""
    lines = []
    for softmax in (*SOFTMAXES, NONE):
        command = [sys.executable, __file__, *words, "--memory-of", softmax]
        lines.append(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
    for line in lines:
        line["increment_ratio"] = round(lines[0]["increment_mb"] / line["increment_mb"], 2)
        line["peak_ratio"] = round(lines[0]["peak_mb"] / line["peak_mb"], 2)
    return lines


def compare_quality(given: argparse.Namespace) -> list[dict[str, Any]]:
    """Trainings of full and adaptive networks of one size on one text."""
    import elman

    sizes = {"embedding_size": given.embedding, "hidden_size": given.hidden, "tied": not given.own_weights}
    sizes["projection"] = False
    settings: dict[str, Any] = {
        **sizes, "batch": given.batch, "bptt": given.bptt, "threads": given.threads, "precision": given.precision,
    }  # fmt: skip
    lines: list[dict[str, Any]] = []

    def train(softmax: str, **length: float) -> dict[str, Any]:
        model = elman.train(given.corpus, softmax=softmax, **settings, **length)
        figures = {name: round(found["perplexity"], 3) for name, found in model.card["figures"].items()}
        line = {"softmax": softmax, **length, "seconds": round(model.card["seconds"], 1), "perplexity": figures}
        first = lines[0]["perplexity"] if lines else figures
        line["ratio"] = {name: round(found / first[name], 4) for name, found in figures.items()}
        line["vocabulary"] = model.lm.tokenizer.size
        lines.append(line)
        print(json.dumps(line), flush=True)
        return line

    full = train("full", epochs=given.epochs)
    train("adaptive", epochs=given.epochs)
    train("adaptive", minutes=max(full["seconds"] / 60, 0.01))
    return lines


def main() -> None:
    from elman.system.machine import available_cores, cpu_facts

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small sizes, few rounds: does it run?")
    parser.add_argument("--vocab", type=int, default=100_000)
    parser.add_argument("--embedding", type=int, default=256)
    parser.add_argument("--hidden", type=int, default=512)
    parser.add_argument("--batch", type=int, default=20)
    parser.add_argument("--bptt", type=int, default=35)
    parser.add_argument("--threads", type=int, default=available_cores())
    parser.add_argument("--precision", default="auto", choices=("auto", "bf16", "fp32"))
    parser.add_argument("--own-weights", action="store_true", help="an output that is not tied to the embedding")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--corpus", help="a text to train on, instead")
    parser.add_argument("--epochs", type=float, default=1.0)
    parser.add_argument("--memory-of", choices=(*SOFTMAXES, NONE), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.quick:
        given.vocab, given.embedding, given.hidden, given.rounds = min(given.vocab, 20_000), 64, 128, 3
    given.precision = precision_for(parser, given.precision)
    if given.memory_of:
        print(json.dumps(measure_memory(given.memory_of, given)))
        return
    facts = {name: getattr(given, name) for name in ("embedding", "hidden", "batch", "bptt", "threads", "precision")}
    print(json.dumps({**facts, "own_weights": given.own_weights, "cpu": cpu_facts()["name"]}), flush=True)
    if given.corpus:
        compare_quality(given)
        return
    for line in measure_time(given):
        print(json.dumps({"vocabulary": given.vocab, **line}), flush=True)
    for line in memory_lines(sys.argv[1:]):
        print(json.dumps({"vocabulary": given.vocab, **line}), flush=True)


if __name__ == "__main__":
    main()
