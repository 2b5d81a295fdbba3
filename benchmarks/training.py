"""Whole updates of training: tokens per second, share of the best matrix product, and against plain
PyTorch.

    python benchmarks/training.py [--quick] [--cells lstm gru ...] [--shapes 2x650 recipe] [--threads N]
                                  [--precision auto|bf16|fp32] [--turns N]

An update is what ``Training.update`` does: data, forward, loss, backward, clipping, optimiser. It
takes turns, in one process, with

    plain       a float32 loop as the PyTorch examples teach it: nn.Embedding, nn.LSTM (or the cell's own module),
                nn.Linear tied to the embedding, nn.CrossEntropyLoss on all logits, clip_grad_norm_, SGD; at the
                batch of 20 usual there and at our batch
    autocast    torch.nn's own modules under bfloat16 autocast with our optimiser, at our batch; without bf16 on this
                processor it is left out, as a line with ``skipped`` says

Cells that torch.nn lacks are set against its LSTM. Prediction, made before the first run on 2 Zen 5
cores (bf16 product 860 GFLOP/s): LSTM 2 x 650 at 64 rows 600 GFLOP/s, 0.7 of the peak, 3.5 times
the plain loop at 20 rows; the recipe's shape at 20 rows 520 GFLOP/s, where 440 were measured before
the steps were compiled. Bars: 0.55 of the peak for 2 x 650 at 64 rows; 3 times the plain loop at
its usual 20 rows, ours taking 128 (at 20 rows each it is less, and stated).

One JSON line for each cell and shape: tokens per second by the least and by the median time,
GFLOP/s as 6 for each weight in a product and each token, its share of the best product of the same
precision, ratios of tokens per second (least times), ``over_plain`` at equal batch. Elapsed time;
on one thread processor time, which neighbours disturb less.
"""

import argparse
import json
import os
import statistics
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # as the command does it

import numpy as np
import torch
from ceilings import NO_BF16, clock_for, gemm_peak, precision_for, skip
from torch import Tensor, nn

VOCABULARY, TOKENS, STEPS, USUAL = 10_000, 400_000, 35, 20
DROPOUT, CLIP = 0.2, 0.25
SHAPES = {"2x650": (650, 650, (128, 64, 20)), "recipe": (256, 512, (20,))}
"""Embedding, hidden size, batches."""
BARS = {("lstm", "2x650", 64): ("share", 0.55), ("lstm", "2x650", 128): ("over_plain_20", 3.0)}
MODULES: dict[str, Callable[..., nn.Module]] = {
    "lstm": nn.LSTM,
    "gru": nn.GRU,
    "rnn": nn.RNN,
    "rnn-relu": lambda *sizes: nn.RNN(*sizes, nonlinearity="relu"),
}
PRECISIONS = {"bf16": torch.bfloat16, "fp32": torch.float32}


def make_ids() -> np.ndarray:
    """Tokens as frequent as Zipf's law says."""
    share = np.cumsum(1 / np.arange(1, VOCABULARY + 1))
    return np.searchsorted(share, np.random.default_rng(1).random(TOKENS) * share[-1]).astype(np.uint16)


def make_training(cell: str, shape: str, batch: int, options: argparse.Namespace) -> Any:
    """Ours."""
    from elman.cells.registry import CELLS
    from elman.models.registry import entry, resolve
    from elman.tasks.language.objective import LanguageObjective
    from elman.tasks.language.plan import LanguagePlan
    from elman.training.training import Training

    embedding, hidden, _ = SHAPES[shape]
    found = entry(cell)
    # Without the product around the lower layer, which nn.LSTM has not.
    config = {
        "embedding_size": embedding,
        "hidden_size": hidden,
        "layers": 2,
        "skip": CELLS[cell].adds,
        **dict(found.preset),
    }
    store: Any = SimpleNamespace(ids=make_ids(), documents=np.array([0]))
    nothing: Any = None
    plan = LanguagePlan(
        updates=1 << 40, batch=batch, bptt=STEPS, precision=options.precision, threads=options.threads, device="cpu",
        dropout=DROPOUT, input_dropout=DROPOUT, clip=CLIP, weight_decay=0.05, line_resets=False,
    )  # fmt: skip
    config = resolve(found.config)(**config)
    return Training(LanguageObjective(config, plan, vocab=VOCABULARY, speller=nothing, train=store, valid=store), plan)


class PlainModel(nn.Module):
    """A language model of torch.nn's modules."""

    def __init__(self, cell: str, shape: str) -> None:
        super().__init__()
        embedding, hidden, _ = SHAPES[shape]
        module = MODULES.get(cell, nn.LSTM)
        self.dropout = nn.Dropout(DROPOUT)
        self.embedding = nn.Embedding(VOCABULARY, embedding)
        self.layers = nn.ModuleList([module(embedding, hidden), module(hidden, embedding)])
        self.decoder = nn.Linear(embedding, VOCABULARY)
        self.decoder.weight = self.embedding.weight

    def forward(self, ids: Tensor, states: list[Any]) -> tuple[Tensor, list[Any]]:
        x, after = self.embedding(ids), []
        for layer, state in zip(self.layers, states, strict=True):
            x, state = layer(self.dropout(x), state)
            after.append(state)
        return self.decoder(self.dropout(x)), after


class PlainTraining:
    """The loop of the PyTorch examples, or the same with autocast and AdamW."""

    def __init__(self, cell: str, shape: str, batch: int, *, autocast: bool) -> None:
        self.model = PlainModel(cell, shape)
        self.loss = nn.CrossEntropyLoss()
        self.autocast = autocast
        ids = torch.from_numpy(make_ids().astype(np.int64))
        self.data = ids[: len(ids) // batch * batch].view(batch, -1).t().contiguous()
        self.states: list[Any] = [None, None]
        self.place = 0
        if autocast:
            parameters = self.model.parameters()
            self.optimizer: torch.optim.Optimizer = torch.optim.AdamW(
                parameters, lr=1e-3, betas=(0.9, 0.99), fused=True
            )
        else:
            self.optimizer = torch.optim.SGD(self.model.parameters(), lr=1.0)

    def update(self) -> None:
        if self.place + STEPS + 1 > len(self.data):
            self.place = 0
        inputs, targets = (self.data[self.place + shift : self.place + shift + STEPS] for shift in (0, 1))
        self.place += STEPS
        self.states = [_detached(state) for state in self.states]
        self.model.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=self.autocast):
            logits, self.states = self.model(inputs, self.states)
            loss = self.loss(logits.view(-1, VOCABULARY), targets.reshape(-1))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)
        self.optimizer.step()
        loss.item()


def _detached(state: Any) -> Any:
    if isinstance(state, tuple):
        return tuple(part.detach() for part in state)
    return None if state is None else state.detach()


def take_turns(contestants: dict[str, Any], *, turns: int, threads: int) -> dict[str, list[float]]:
    """Seconds of each one's updates."""
    clock = clock_for(threads)
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(turns + 2):
        for name, training in contestants.items():
            begin = clock()
            training.update()
            if turn >= 2:  # the first ones set up what the others use
                seconds[name].append(clock() - begin)
    return seconds


def compare(cell: str, shape: str, batch: int, options: argparse.Namespace) -> dict[str, Any]:
    """One line of results."""
    from elman.system.machine import bf16_works
    from elman.tasks.language.recipe import flop_per_token

    own = make_training(cell, shape, batch, options)
    contestants = {"own": own, "plain_20": PlainTraining(cell, shape, USUAL, autocast=False)}
    if batch != USUAL:
        contestants["plain"] = PlainTraining(cell, shape, batch, autocast=False)
    if bf16_works():
        contestants["autocast"] = PlainTraining(cell, shape, batch, autocast=True)
    seconds = take_turns(contestants, turns=options.turns, threads=options.threads)
    peak = gemm_peak(PRECISIONS[options.precision], options.threads)
    rates = {name: (USUAL if name == "plain_20" else batch) * STEPS / min(found) for name, found in seconds.items()}
    flop = flop_per_token(own.network.config, VOCABULARY)
    line: dict[str, Any] = {
        "cell": cell, "against": cell if cell in MODULES else "lstm", "shape": shape, "batch": batch, "steps": STEPS,
        "precision": options.precision, "threads": options.threads, "tokens_per_second": round(rates["own"]),
        "median_tokens_per_second": round(batch * STEPS / statistics.median(seconds["own"])),
        "gflops": round(rates["own"] * flop / 1e9, 1), f"{options.precision}_peak_gflops": round(peak / 1e9, 1),
        "share": round(rates["own"] * flop / peak, 3),
    }  # fmt: skip
    line |= {f"over_{name}": round(rates["own"] / rate, 2) for name, rate in rates.items() if name != "own"}
    line.setdefault("over_plain", line["over_plain_20"])
    bar = BARS.get((cell, shape, batch))
    if bar and options.precision == "bf16":
        line |= {"bar": f"{bar[0]} >= {bar[1]}", "holds": line[bar[0]] >= bar[1]}
    return line


def main() -> None:
    from elman.cells.registry import CELLS
    from elman.system.machine import available_cores, bf16_works, set_threads, tune_allocator

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="20 and 64 rows, the latter for the LSTM, few turns")
    parser.add_argument("--cells", nargs="+", default=list(CELLS), choices=list(CELLS))
    parser.add_argument("--shapes", nargs="+", default=None, choices=list(SHAPES))
    parser.add_argument("--threads", type=int, default=available_cores())
    parser.add_argument("--precision", default="auto", choices=["auto", *PRECISIONS])
    parser.add_argument("--turns", type=int, default=None)
    options = parser.parse_args()
    options.precision = precision_for(parser, options.precision)
    options.turns = options.turns or (4 if options.quick else 15)
    tune_allocator()
    set_threads(options.threads)
    if not bf16_works():
        skip("autocast", NO_BF16)
    for shape in options.shapes or list(SHAPES):
        for batch in SHAPES[shape][2]:
            for cell in options.cells:
                if options.quick and not (shape == "recipe" or (batch == 64 and cell == "lstm")):
                    continue
                print(json.dumps(compare(cell, shape, batch, options)), flush=True)


if __name__ == "__main__":
    main()
