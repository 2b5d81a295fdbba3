"""One recurrent layer, forward and backward, against torch.nn's own: every cell and shape that
people train.

    python benchmarks/cells.py [--quick] [--cells gru rnn lstm] [--types bf16 fp32] [--threads 1] [--small]

Prediction: torch.nn steps through GRU and RNN with a dozen small operations and a weight gradient
at every step. With one product and one compiled call a step, and the weight gradients as one
product each, bf16 should be 1.15 to 1.6 times as fast. In fp32 it should be about twice as fast
where torch's products go to MKL on an AMD processor. The LSTM, which torch trains through oneDNN,
should be no slower in any shape. ``--small`` adds shapes that nobody trains; there nothing should
be slower than 0.98 of torch.nn.

Both take turns in one process and the least time of each counts. On one thread (the default) that
is processor time, which neighbours disturb less; on several it is elapsed time. Prints one JSON
line for each shape with ``ratio`` (torch's time by ours: above 1 ours is faster), GFLOP/s (6 for
each weight and vector), and the share of the best product of the same run. Without bf16 on this
processor a line with ``skipped`` takes the place of its shapes.
"""

import argparse
import json
import os
from typing import Any

os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # as the command does it

import torch
from ceilings import NO_BF16, clock_for, gemm_peak, skip
from torch import nn

GATES = {"rnn": 1, "rnn-relu": 1, "gru": 3, "lstm": 4}
SHAPES = [(batch, steps, hidden) for batch in (20, 32, 64) for hidden in (256, 512, 650) for steps in (35, 70)]
SMALL = [(1, 35, 16), (4, 8, 32), (4, 35, 32), (8, 35, 128), (16, 70, 64), (20, 1, 64), (20, 4, 512)]
TYPES = {"bf16": torch.bfloat16, "fp32": torch.float32}


def torch_layer(cell: str, hidden: int) -> nn.Module:
    """What a user of torch.nn writes."""
    kinds = {"rnn": nn.RNN, "rnn-relu": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
    options = {"nonlinearity": "relu"} if cell == "rnn-relu" else {}
    return kinds[cell](hidden, hidden, batch_first=True, **options)


def compare(cell: str, shape: tuple[int, int, int], kind: str, *, threads: int, turns: int) -> dict[str, Any]:
    """Seconds of both for one shape."""
    from elman.nn.sequence import make_layer

    batch, steps, hidden = shape
    own, other = make_layer(cell, hidden, hidden), torch_layer(cell, hidden)
    state = own.initial_state(batch)
    # Time first in memory, as the layer below leaves it.
    x = torch.randn(steps, batch, hidden).transpose(0, 1).to(TYPES[kind]).requires_grad_()
    above = torch.randn(steps, batch, hidden).transpose(0, 1).to(TYPES[kind])
    clock = clock_for(threads)
    least = {"own": float("inf"), "torch": float("inf")}
    for turn in range(turns + 2):
        for name in least:
            begin = clock()
            with torch.autocast("cpu", torch.bfloat16, enabled=kind == "bf16"):
                y = own(x, state)[0] if name == "own" else other(x)[0]
            y.backward(above)
            if turn >= 2:  # the first ones set up what the others use
                least[name] = min(least[name], clock() - begin)
    flop = 6 * GATES[cell] * hidden * 2 * hidden * batch * steps
    return {
        "cell": cell, "type": kind, "batch": batch, "steps": steps, "hidden": hidden, "threads": threads,
        "own_ms": round(1000 * least["own"], 3), "torch_ms": round(1000 * least["torch"], 3),
        "ratio": round(least["torch"] / least["own"], 3), "gflops": round(flop / least["own"] / 1e9, 1),
        "share": round(flop / least["own"] / gemm_peak(TYPES[kind], threads), 3),
    }  # fmt: skip


def main() -> None:
    from elman.system.machine import bf16_works, set_threads, tune_allocator

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two shapes, few turns")
    parser.add_argument("--cells", nargs="+", default=["gru", "rnn", "lstm"], choices=tuple(GATES))
    parser.add_argument("--types", nargs="+", default=list(TYPES), choices=tuple(TYPES))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--turns", type=int, default=None)
    parser.add_argument("--small", action="store_true", help="shapes that nobody trains, too")
    options = parser.parse_args()
    tune_allocator()
    set_threads(options.threads)
    shapes = [(20, 35, 256), (64, 35, 650)] if options.quick else SHAPES + (SMALL if options.small else [])
    turns = options.turns or (4 if options.quick else 10)
    for kind in options.types:
        if kind == "bf16" and not bf16_works():
            skip("layers in bf16", NO_BF16)
            continue
        for cell in options.cells:
            for shape in shapes:
                more = 10 if shape in SMALL else 1
                found = compare(cell, shape, kind, threads=options.threads, turns=more * turns)
                print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
