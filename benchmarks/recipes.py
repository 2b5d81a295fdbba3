"""Candidates of the training recipe as learning curves, on one text, at equal tokens.

    python benchmarks/recipes.py ptb.train.txt ptb.valid.txt --out runs [--updates 1320] [--only NAME ...]

Each candidate changes one thing of the base and is trained by ``elman.train`` for the same number
of tokens; the test text is not read. A line of JSON each, and ``recipes.png`` with the curves. Runs
that are there already are not repeated. What was predicted and what came is in docs/recipes.md.
"""

import argparse
import json
import math
from pathlib import Path
from typing import Any

import elman
from elman.progress import ScreenProgress
from elman.report.curve import read_log

BASE: dict[str, Any] = {
    "embedding_size": 256,
    "hidden_size": 512,
    "layers": 2,
    "projection": False,
    "batch": 32,
    "bptt": 22,
    "optimizer": "adamw",
    "rate": 8e-3,
    "weight_decay": 0.1,
    "dropout": 0.0,
    "input_dropout": 0.0,
    "embedding_dropout": 0.0,
    "validations": 12,
}
CANDIDATES: dict[str, dict[str, Any]] = {
    "base": {},
    "random-start": {"begin": "random"},
    "no-skip": {"skip": False},
    "random-start-no-skip": {"begin": "random", "skip": False},
    "untied": {"tied": False},
    "one-layer": {"layers": 1, "hidden_size": 256},
    "rate-12e-3": {"rate": 12e-3},
    "rate-4e-3": {"rate": 4e-3},
    "rows-20-of-35": {"batch": 20, "bptt": 35},
    "rows-64-of-22": {"batch": 64},
    "clip-1": {"clip": 1.0},
    "sgd": {"optimizer": "sgd", "rate": 15.0, "weight_decay": 0.0},
    "muon": {"optimizer": "muon"},
    "no-decay": {"weight_decay": 0.0},
    "dropout": {"dropout": 0.2, "input_dropout": 0.12},
    "embedding-dropout": {"embedding_dropout": 0.1},
    "weight-drop": {"weight_drop": 0.2},
    "varied-length": {"vary_bptt": True},
    "penalties": {"activation_penalty": 2.0, "temporal_penalty": 1.0},
    "gru": {"model": "gru"},
    "rnn": {"model": "rnn", "rate": 2.7e-3},
    "adaptive": {"softmax": "adaptive"},
    "sampled": {"softmax": "sampled"},
    "mingru": {"model": "mingru"},
    "rglru": {"model": "rglru"},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train")
    parser.add_argument("valid")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--updates", type=int, default=1320, help="of 704 tokens each: one epoch of the Penn Treebank")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--only", nargs="+", choices=CANDIDATES)
    given = parser.parse_args()
    curves = {}
    for name in given.only or CANDIDATES:
        settings = {"model": "lstm", **BASE, **CANDIDATES[name]}
        updates = given.updates * BASE["batch"] * BASE["bptt"] // (settings["batch"] * settings["bptt"])
        folder = given.out / name
        if not (folder / "model_card.json").exists():
            elman.train(
                given.train,
                valid=[given.valid],
                out=folder,
                pretokenized=True,
                updates=updates,
                threads=given.threads,
                progress=ScreenProgress(),
                **settings,
            )
        log = read_log(folder / "training" / "log.jsonl")
        curve = [(e["update"], math.exp(e["valid_nats"]), e["seconds"]) for e in log if "valid_nats" in e]
        curves[name] = [(update / curve[-1][0], perplexity) for update, perplexity, _ in curve]
        card = json.loads((folder / "model_card.json").read_text())
        line = {
            "candidate": name,
            "changed": CANDIDATES[name],
            "updates": updates,
            "valid_perplexity": [round(perplexity, 2) for _, perplexity, _ in curve],
            "seconds": round(curve[-1][2], 1),
            "data": card.get("data", {}).get("hash"),
        }
        print(json.dumps(line), flush=True)
    draw(curves, given.out / "recipes.png")


def draw(curves: dict[str, list[tuple[float, float]]], path: Path) -> None:
    """Validation perplexity over the share of the run, the best candidates named first."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 6), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for number, (name, curve) in enumerate(sorted(curves.items(), key=lambda item: item[1][-1][1])):
        style = "-" if number < 10 else "--"
        axes.plot(*zip(*curve, strict=True), style, linewidth=1.3, label=f"{name} ({curve[-1][1]:.0f})")
    axes.set(yscale="log", xlabel="share of the run", ylabel="validation perplexity")
    axes.set_yticks([100, 150, 200, 300, 500, 1000], ["100", "150", "200", "300", "500", "1000"])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8, ncols=2)
    figure.savefig(path)


if __name__ == "__main__":
    main()
