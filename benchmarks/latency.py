"""One token through a network on one thread: elman's engine in 8 bits against onnxruntime in
float32 and torch.

    python benchmarks/latency.py [--cell lstm] [--layers 2] [--hidden 650] [--vocab 10000] [--seconds 2] [--quick]

A step is what completion does for every token: the next state (``advance``), the log-probabilities
of all V types, and the five best of them. Prediction: one token reads every weight once, so that a
step can take no less than the weights' bytes by the speed at which the caches give them; with 8
bits that is a fourth of float32. The engine should need at most 1.3 times that floor, be 8 times as
fast as onnxruntime in float32 with AVX-512 VNNI and 4.5 times with AVX2, and 20 times as fast as
torch, which also pays for every operator. In float32 it reads as many bytes as onnxruntime and
should take at most 1.1 times as long. A batch shares one reading: tokens a second should grow with
it until the products are limited by arithmetic, with VNNI at 2.6 times those of one row, with AVX2
sooner.

All take turns of equal length in one process and the least time of each counts. Prints one JSON
line each for the step (milliseconds, ratios to the engine in 8 bits, the floors), for its parts,
for cold caches (a buffer larger than them is read before each step), for batches, for loading the
model, and for the whole process of `elman complete` (seconds; the least of a few). The kernel is
that of this processor; NUMBA_CPU_NAME and NUMBA_CPU_FEATURES choose a lesser one.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import numpy as np
import torch
from torch import nn

from elman.cells.registry import CELLS
from elman.decode.largest import largest
from elman.export.onnx import step_model
from elman.inference.dot_kernels import best_kernel
from elman.inference.model import InferenceModel, inference_model
from elman.inference.weights import groups_of
from elman.models.network_config import NeuralConfig
from elman.models.neural import Network, NeuralModel
from elman.models.protocol import LanguageModel
from elman.storage import folder as model_folder
from elman.storage import language as storage
from elman.text.speller import Speller
from elman.text.tokenizer import Tokenizer, TokenizerConfig

Call = Callable[[], object]
_TURN = 0.05
"""Seconds."""


class Plain(nn.Module):
    """What a user of torch.nn writes."""

    def __init__(self, vocab: int, hidden: int, layers: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocab + 1, hidden)
        self.lstm = nn.LSTM(hidden, hidden, layers, batch_first=True)
        self.output = nn.Linear(hidden, vocab)

    def step(self, ids: torch.Tensor, state: Any) -> Any:
        y, state = self.lstm(self.embedding(ids[:, None]), state)
        return self.output(y[:, 0]).log_softmax(dim=-1).topk(5), state


def least(calls: dict[str, Call], *, seconds: float, between: Call | None = None) -> dict[str, float]:
    """The least time of each call in seconds, all in turns; ``between`` is called before each, not
    timed."""
    best = dict.fromkeys(calls, float("inf"))
    end = time.perf_counter() + seconds * len(calls)
    while time.perf_counter() < end:
        for name, call in calls.items():
            # Everyone's turn is as long: its first calls find the caches as the others left them.
            turn = time.perf_counter() + (0 if between else _TURN)
            start = 0.0
            while not start or start < turn:
                if between:
                    between()
                start = time.perf_counter()
                call()
                best[name] = min(best[name], time.perf_counter() - start)
    return best


def five_best(log_probs: np.ndarray) -> list[np.ndarray]:
    """The ids of the five likeliest types of each row, as completion finds them: no V are put in
    order."""
    return [largest(row, 5) for row in log_probs]


def step_of(model: LanguageModel, batch: int) -> Call:
    """One step of a model as a language model; the state goes on."""
    state, ids = model.start(batch), np.arange(batch) % model.tokenizer.size

    def step() -> object:
        nonlocal state
        state = model.advance(ids, state)
        return five_best(model.log_probs(state))

    return step


def plain_step(plain: Plain, batch: int) -> Call:
    state, ids = None, torch.arange(batch)

    def step() -> object:
        nonlocal state
        with torch.inference_mode():
            found, state = plain.step(ids, state)
        return found

    return step


def onnxruntime_step(model: InferenceModel, batch: int) -> Call | None:
    """The same network in float32 as ``elman export --to onnx`` writes it; None where onnxruntime
    is not installed."""
    try:
        import onnxruntime
    except ModuleNotFoundError:
        return None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    graph = step_model(model.program, model.weights).SerializeToString()
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    ids = np.arange(batch) % model.tokenizer.size
    state = {name: np.zeros((batch, size), np.float32) for name, size in model.program.states.items()}

    def step() -> object:
        nonlocal state
        found, *after = session.run(["log_probs", *(f"next.{name}" for name in state)], {"ids": ids, **state})
        state = dict(zip(state, after, strict=True))
        return five_best(found)

    return step


def loading(model: NeuralModel, small: InferenceModel, repeats: int) -> float:
    """Seconds of reading the model from its folder, weights laid out for the kernels included."""
    with tempfile.TemporaryDirectory() as name:
        path = saved(model, small, Path(name) / "model")
        best = float("inf")
        for _ in range(repeats):
            start = time.perf_counter()
            loaded, _ = storage.load(path)
            loaded.compile()  # type: ignore[attr-defined]
            best = min(best, time.perf_counter() - start)
    return best


def saved(model: NeuralModel, small: InferenceModel, path: Path) -> Path:
    model_folder.create(path)
    storage.write_model(path, model, Speller.fit({}))
    model_folder.write_inference(path, small.to_arrays(), config=small.config.to_json(), parity={})
    return path


def floors(size: int, seconds: float) -> dict[str, float]:
    """Seconds that reading ``size`` bytes takes at the least: from the caches that hold them, and
    from memory."""
    # Where an array happens to lie decides whether all of it stays in the cache, so that one alone
    # may mislead.
    near, far = np.ones((4, size // 4), np.float32), np.ones(1 << 26, np.float32)
    calls: dict[str, Call] = {f"cache {number}": partial(np.dot, one, one) for number, one in enumerate(near)}
    found = least({**calls, "memory": lambda: far @ far}, seconds=seconds)
    return {"cache": min(found[name] for name in calls), "memory": found["memory"] * near[0].nbytes / far.nbytes}


def whole_process(model: NeuralModel, small: InferenceModel, repeats: int) -> dict[str, float]:
    """Seconds of `elman complete` from start to end: on the clock, and of the processor."""
    with tempfile.TemporaryDirectory() as name:
        path = saved(model, small, Path(name) / "model")
        words = [sys.executable, "-m", "elman", "complete", str(path), "w1 w2 w3 "]
        best = {"seconds": float("inf"), "processor": float("inf")}
        for _ in range(repeats):
            before, start = os.times(), time.perf_counter()
            subprocess.run(words, check=True, capture_output=True)
            after = os.times()
            spent = after.children_user + after.children_system - before.children_user - before.children_system
            best["seconds"] = min(best["seconds"], time.perf_counter() - start)
            best["processor"] = min(best["processor"], spent)
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cell", default="lstm")
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--hidden", type=int, default=650)
    parser.add_argument("--vocab", type=int, default=10000)
    parser.add_argument("--seconds", type=float, default=2.0, help="for each call that is timed")
    parser.add_argument("--quick", action="store_true", help="a tenth of the time")
    options = parser.parse_args()
    seconds = options.seconds / (10 if options.quick else 1)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    tokens = [f" w{number}" for number in range(options.vocab - 2)]
    tokenizer = Tokenizer(["<unk>", "</s>", *tokens], config=TokenizerConfig(pretokenized=True))
    shape = {"embedding_size": options.hidden, "hidden_size": options.hidden, "layers": options.layers}
    config = NeuralConfig(cell=options.cell, tied=False, skip=CELLS[options.cell].adds, **shape)
    model = NeuralModel(Network(config, tokenizer.size), tokenizer, config)
    arrays = model.to_arrays()
    facts: dict[str, Any] = {"model_hash": model.model_hash, "about": model.describe()}
    engines = {
        name: inference_model(arrays, config, tokenizer, int8=groups, **facts)
        for name, groups in (("int8", groups_of(arrays)), ("fp32", ()))
    }
    for engine in engines.values():
        engine.compile()
    read = sum(array.size for name, array in arrays.items() if not name.startswith("embedding"))
    about = {"cell": options.cell, "layers": options.layers, "hidden": options.hidden, "vocab": options.vocab}
    about |= {"weights": read, "threads": 1, "kernel": best_kernel().name}
    if onnxruntime_step(engines["fp32"], 1) is None:
        print("skipped: onnxruntime, which is not installed (pip install onnxruntime)", file=sys.stderr)

    def contestants(batch: int) -> dict[str, Call]:
        calls = {name: step_of(engine, batch) for name, engine in engines.items()}
        theirs = onnxruntime_step(engines["fp32"], batch)
        if theirs is not None:
            calls["onnxruntime, fp32"] = theirs
        calls["torch, this model"] = step_of(model, batch)
        if options.cell == "lstm":
            calls["torch, nn.LSTM"] = plain_step(Plain(options.vocab, options.hidden, options.layers).eval(), batch)
        return calls

    def report(what: str, best: dict[str, float], **more: Any) -> None:
        times = {name: round(1000 * value, 4) for name, value in best.items()}
        ratios = {name: round(value / best["int8"], 2) for name, value in best.items() if name != "int8"}
        print(json.dumps({"what": what, **about, "milliseconds": times, "ratio": ratios, **more}), flush=True)

    floor = floors(read, seconds)
    times = {f"{name}_floor_ms": round(1000 * value, 4) for name, value in floor.items()}
    best = least(contestants(1), seconds=seconds)
    report("step", best, **times, above_cache_floor=round(best["int8"] / floor["cache"], 2))
    parts = engines["int8"]
    state = parts.start()
    found = parts.log_probs(state)
    ids = np.array([5])
    split = {"advance": lambda: parts.advance(ids, state), "log_probs": lambda: parts.log_probs(state)}
    split["five best"] = lambda: five_best(found)
    pieces = {name: round(1000 * value, 4) for name, value in least(split, seconds=seconds).items()}
    print(json.dumps({"what": "parts of a step", **about, "milliseconds": pieces}), flush=True)
    wide = np.ones(1 << 25, np.float32)
    best = least(contestants(1), seconds=seconds, between=lambda: wide @ wide)
    report("step, cold caches", best, **times, above_memory_floor=round(best["int8"] / floor["memory"], 2))
    for batch in (1, 8, 64):
        best = least(contestants(batch), seconds=seconds)
        report("batch", best, batch=batch, tokens_per_second={name: round(batch / each) for name, each in best.items()})
    seconds_of_loading = loading(model, engines["int8"], 3 if options.quick else 10)
    print(json.dumps({"what": "loading", **about, "seconds": round(seconds_of_loading, 4)}), flush=True)
    whole = whole_process(model, engines["int8"], 2 if options.quick else 10)
    print(json.dumps({"what": "elman complete, whole process", **about, **{k: round(v, 3) for k, v in whole.items()}}))


if __name__ == "__main__":
    main()
