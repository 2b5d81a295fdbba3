"""Size against perplexity of an n-gram that is pruned by counts, by relative entropy, or kept in
few bits.

    python benchmarks/pruning.py TRAIN TEXT [--order 5] [--png curve.png]

TRAIN and TEXT are pretokenized, a line each. Prints one JSON line for each way to make the model
smaller: its settings, n-grams, bytes, the share of the whole model's bytes, and the perplexity of
TEXT, each line alone.

Prediction: at a third of the size relative entropy costs 2% of perplexity, counts 5%; eight bits
cost nothing.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from elman.models.ngram.counts import count_ngrams, line_starts
from elman.models.ngram.growth import perplexity_of
from elman.models.ngram.query import NgramConfig, smooth
from elman.text.tokenizer import EOS_ID, Tokenizer, TokenizerConfig

WAYS: list[dict[str, Any]] = [
    {},
    *({"prune": each} for each in ("0,0,0,0,1", "0,0,0,1", "0,0,1", "0,0,1,2", "0,1", "0,2")),
    *({"prune_entropy": each} for each in (1e-8, 3e-8, 1e-7, 3e-7, 1e-6, 3e-6, 1e-5)),
    *({"quantise": each, "small": True} for each in (12, 8, 6, 5)),
    *({"prune_entropy": each, "quantise": 8, "small": True} for each in (3e-8, 1e-7, 1e-6)),
]


def read(file: str) -> list[str]:
    """The lines of a file."""
    with open(file, encoding="utf-8") as opened:
        return [line.strip() for line in opened]


def draw(found: list[dict[str, Any]], file: Path) -> None:
    """Each way as a curve of perplexity over size."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    looks = {
        ("prune",): ("by counts", "#9bb8d3", "s"),
        ("prune_entropy",): ("by relative entropy", "#c4572b", "o"),
        ("quantise", "small"): ("in 12, 8, 6, 5 bits, small form", "#33627f", "^"),
        ("prune_entropy", "quantise", "small"): ("by relative entropy, 8 bits, small form", "#3a7d44", "v"),
    }
    for names, (label, color, marker) in looks.items():
        rows = sorted((row for row in found if tuple(row["settings"]) == names), key=lambda row: row["bytes"])
        sizes, values = [row["bytes"] / 1e6 for row in rows], [row["perplexity"] for row in rows]
        axes.plot(sizes, values, color=color, marker=marker, label=label)
    whole = found[0]
    axes.plot(
        whole["bytes"] / 1e6, whole["perplexity"], color="black", marker="*", markersize=11, linestyle="", label="whole"
    )
    axes.set(
        xscale="log", xlabel="size (MB)", ylabel="perplexity, each line alone", title="What smaller n-gram models cost"
    )
    axes.xaxis.set_major_formatter("{x:g}")
    axes.grid(alpha=0.3, which="both")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.savefig(file)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("train")
    parser.add_argument("text")
    parser.add_argument("--order", type=int, default=5)
    parser.add_argument("--png", type=Path)
    given = parser.parse_args()
    lines = read(given.train)
    words = Tokenizer.fit(lines, config=TokenizerConfig(pretokenized=True))
    ids, text = np.maximum(words.encode_stream(lines), 0), np.maximum(words.encode_stream(read(given.text)), 0)
    orders = count_ngrams(ids, np.array([0, len(ids)]), order=given.order, vocab_size=words.size, eos_id=EOS_ID)
    starts = line_starts(text, np.array([0, len(text)]), EOS_ID)
    found: list[dict[str, Any]] = []
    for settings in WAYS:
        tables = smooth(orders, words, NgramConfig(order=given.order, **settings)).tables
        row = {
            "benchmark": "pruning",
            "settings": settings,
            "ngrams": sum(tables.counts),
            "bytes": tables.bytes,
            "share": round(tables.bytes / found[0]["bytes"], 3) if found else 1.0,
            "perplexity": round(perplexity_of(tables, text, starts, EOS_ID), 3),
        }
        found.append(row)
        print(json.dumps(row), flush=True)
    if given.png:
        draw(found, given.png)


if __name__ == "__main__":
    main()
