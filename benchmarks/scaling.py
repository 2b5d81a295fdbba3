"""What more machines would bring to the training of a network: a model of time, and its check
against two processes.

    python benchmarks/scaling.py [--rate 660e9] [--per-weight 2e-9] [--latency 50e-6]   # the table
    python benchmarks/scaling.py --check FOLDER                                        # on an idle machine of 2 cores

N machines train one network; each has R rows of T tokens per update. With P weights in products of
matrices, r FLOP per second, M weights in all, of which an optimiser updates one in c seconds, an
update takes

    F = 2 P R T / r                 forward
    B = 2 F                         backward
    O = c M                         norm of the gradient and optimiser, the same on every machine
    T(N) = S + max(F + B, end of the last bucket) + O

Gradients come layer by layer, the last layer first; a weight that is both embedding and output has
its gradient at the end. As `elman.training.gradient_sums` does it, they are put into buckets of 4
MB, or of one tensor where that is larger. A bucket is sent when it is complete and the one before
it has arrived:

    end(i) = max(ready(i), end(i - 1)) + ring(bytes(i))
    ring(s) = 2 (N - 1) (L + s / (N W))         L: seconds until a message arrives; W: bytes per second
    S = 2 log2(N) L + 3 (N - 1) L               an order, the sum of the loss, and which gradients there are

ring is the all-reduce of Patarasuk and Yuan (2009), which gloo does: 2 (N - 1) steps, each with a
part in N of the bytes. Sending takes no time of the processor's. The table has, for each network
and Ethernet, the speed of N machines in machines, with --rows rows each; and how many rows each
needs so that four fifths of all machines' time is training.

--check measures r and c with two trainings beside each other, L and W with all-reduces between two
processes, and then a training of two processes; all under FOLDER. It prints one line of JSON.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

BUCKET = 1 << 20
"""Numbers of a bucket."""
MACHINES = (8, 64, 512)
ETHERNETS = (1, 10, 100)
"""Gbit per second."""
NETWORKS = {
    "2 x 650": ({"layers": 2, "hidden_size": 650, "embedding_size": 650}, 10_000),
    "4 x 1150": ({"layers": 4, "hidden_size": 1150, "embedding_size": 400}, 33_278),
}
"""Settings and types: those of Zaremba et al. (2014) for Penn Treebank, and of Merity et al. (2018)
for WikiText-2, with a layer more."""
ENOUGH = 0.8
CHECKED = ["--model", "lstm", "--layers", "2", "--hidden-size", "256", "--embedding-size", "256", "--no-rival"]
CHECKED += ["--validations", "1", "--precision", "fp32", "--seed", "1", "--threads", "1", "--updates", "30", "--quiet"]
LINK = "--link"


class Group(NamedTuple):
    """Weights that get their gradients at the same time."""

    sizes: list[int]
    """Numbers of each tensor."""
    ready: float
    """The share of the backward pass that is done then."""


class Work(NamedTuple):
    """What one machine has to do for a network."""

    groups: list[Group]
    """In the order of their gradients."""
    products: int
    """P."""
    weights: int
    """M."""


class Machine(NamedTuple):
    """One machine of many."""

    rate: float
    """FLOP per second."""
    per_weight: float
    """Seconds per weight and update."""
    latency: float
    """L."""
    bandwidth: float
    """W."""


def work_of(settings: dict[str, Any], types: int) -> Work:
    """The work of an LSTM language model whose embedding is also its output."""
    from elman.models.network_config import NeuralConfig
    from elman.models.neural import Network

    weights = dict(Network(NeuralConfig(cell="lstm", **settings), types).named_parameters())
    products = sum(weight.numel() for weight in weights.values() if weight.ndim == 2)
    embedding = weights.pop("embedding.weight").numel()
    groups: dict[str, Group] = {}
    done = embedding  # the output comes first
    for name, weight in reversed(weights.items()):
        done += weight.numel() if weight.ndim == 2 else 0
        layer = name.rsplit(".", 1)[0]
        sizes = groups[layer].sizes if layer in groups else []
        groups[layer] = Group([*sizes, weight.numel()], done / products)
    last = Group([embedding], 1.0)
    return Work([*groups.values(), last], products, sum(sum(group.sizes) for group in (*groups.values(), last)))


def buckets(groups: Sequence[Group]) -> list[tuple[int, float]]:
    """The bytes of each bucket, and the share of the backward pass after which it is complete.

    >>> buckets([Group([600_000, 600_000], 0.5), Group([7], 0.75)])
    [(4800000, 0.5), (28, 0.75)]
    """
    found, size, ready = [], 0, 0.0
    tensors = [(size, group.ready) for group in groups for size in group.sizes]
    for number, (numbers, after) in enumerate(tensors, 1):
        size, ready = size + numbers, max(ready, after)
        if size >= BUCKET or number == len(tensors):
            found.append((4 * size, ready))
            size = 0
    return found


def seconds(work: Work, machine: Machine, machines: int, tokens: float) -> float:
    """T(N) for so many tokens on each machine."""
    forward = 2 * work.products * tokens / machine.rate
    backward, optimiser, latency = 2 * forward, machine.per_weight * work.weights, machine.latency
    steps, end = 2 * (machines - 1), 0.0
    if machines > 1:
        for size, share in buckets(work.groups):
            begin = max(forward + share * backward, end)
            end = begin + steps * (latency + size / machines / machine.bandwidth)
    small = (2 * math.log2(machines) + 3 * (machines - 1)) * latency
    return small + max(forward + backward, end) + optimiser


def rows_enough(work: Work, machine: Machine, machines: int, length: int) -> int:
    """The fewest rows on each machine with which training takes four fifths of the time."""
    rows = 1
    while seconds(work, machine, 1, rows * length) < ENOUGH * seconds(work, machine, machines, rows * length):
        rows += max(1, rows // 50)
    return rows


def table(rate: float, per_weight: float, latency: float, rows: int, length: int) -> str:
    """The table as Markdown."""
    head = [f"{count} machines" for count in MACHINES]
    lines = [f"| network | Ethernet | {' | '.join(head)} |", f"|---|--:|{'--:|' * len(head)}"]
    for name, (settings, types) in NETWORKS.items():
        work = work_of(settings, types)
        for gigabits in ETHERNETS:
            machine, cells = Machine(rate, per_weight, latency, gigabits * 1e9 / 8), []
            for count in MACHINES:
                alone, together = (seconds(work, machine, each, rows * length) for each in (1, count))
                cells.append(f"{count * alone / together:.1f} ({rows_enough(work, machine, count, length)})")
            lines.append(f"| {name} | {gigabits} Gbit/s | {' | '.join(cells)} |")
    return "\n".join(lines)


def check(folder: Path) -> dict[str, Any]:
    """Time per update of two processes with 32 rows each, as measured and as the model has it."""
    small, large = (update_seconds(folder, rows, processes=1, beside=2) for rows in (32, 64))
    length, types, settings = facts(folder / "alone-32-0")
    work = work_of(settings, types)
    # Twice the rows take twice the products; what is left is the optimiser's.
    rate = 6 * work.products * 32 * length / (large - small)
    per_weight = max(0.0, (2 * small - large) / work.weights)
    latency, bandwidth = link()
    machine = Machine(rate, per_weight, latency, bandwidth)
    found = {"rate": rate, "per_weight": per_weight, "latency": latency, "bandwidth": bandwidth}
    found |= {"alone": small, "measured": update_seconds(folder, 64, processes=2, beside=1)}
    return found | {"simulated": seconds(work, machine, 2, 32 * length), "megabytes": 4e-6 * work.weights}


def update_seconds(folder: Path, rows: int, *, processes: int, beside: int) -> float:
    """Median seconds per update of trainings that run beside each other."""
    python = [sys.executable, "-m"]
    torchrun = [*python, "torch.distributed.run", "--nproc-per-node", str(processes)] if processes > 1 else python[:1]
    name = "together" if processes > 1 else "alone"
    outs = [folder / f"{name}-{rows}-{number}" for number in range(beside)]
    command = [*torchrun, "-m", "elman", "train", "builtin:pydocs", *CHECKED, "--batch", str(rows), "--out"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    started = [subprocess.Popen([*command, str(out)], env=environment, stdout=subprocess.DEVNULL) for out in outs]
    if any([process.wait() for process in started]):
        sys.exit("a training failed")
    medians = []
    for out in outs:
        lines = [json.loads(line) for line in (out / "training" / "log.jsonl").read_text().splitlines()]
        times = [line["seconds"] for line in lines if "norm" in line]
        medians.append(median(later - earlier for earlier, later in zip(times[3:], times[4:], strict=False)))
    return max(medians)


def facts(out: Path) -> tuple[int, int, dict[str, Any]]:
    """Tokens of a row in each update, types, and the sizes of a trained network."""
    from elman.storage import folder as model_folder
    from elman.training.plan_file import read_plan

    sizes = {name: model_folder.read_config(out)[1][name] for name in ("layers", "hidden_size", "embedding_size")}
    embedding = model_folder.read_arrays(out / model_folder.WEIGHTS_FILE)["embedding.weight"]
    return read_plan(out / "training")["plan"]["bptt"], len(embedding) - 1, sizes


def link() -> tuple[float, float]:
    """L and W between two processes of this machine."""
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", __file__, LINK]
    done = subprocess.run(torchrun, stdout=subprocess.PIPE, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    latency, bandwidth = json.loads(done.stdout.splitlines()[-1])
    return latency, bandwidth


def time_link() -> None:
    """In one of two processes: L and W, from the time of all-reduces of 8 bytes and of 4 MB."""
    import torch
    import torch.distributed as dist

    dist.init_process_group("gloo")
    times = []
    for numbers in (2, BUCKET):
        message, each = torch.ones(numbers), []
        for _ in range(60):
            dist.barrier()
            begin = time.perf_counter()
            dist.all_reduce(message.zero_())
            each.append(time.perf_counter() - begin)
        times.append(median(each))
    # With two: ring(s) = 2 (L + s / 2 W).
    if dist.get_rank() == 0:
        print(json.dumps([times[0] / 2, 4 * BUCKET / (times[1] - times[0])]))
    dist.destroy_process_group()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=660e9, help="FLOP per second of a machine")
    parser.add_argument("--per-weight", type=float, default=2e-9, help="seconds per weight and update")
    parser.add_argument("--latency", type=float, default=50e-6, help="seconds")
    parser.add_argument("--rows", type=int, default=64, help="of each machine")
    parser.add_argument("--length", type=int, default=35, help="tokens of a row in an update")
    parser.add_argument("--check", type=Path, metavar="FOLDER")
    parser.add_argument(LINK, action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.link:
        time_link()
    elif given.check:
        print(json.dumps(check(given.check)))
    else:
        print(table(given.rate, given.per_weight, given.latency, given.rows, given.length))


if __name__ == "__main__":
    main()
