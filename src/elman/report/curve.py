"""The learning curve of a run as a picture, from its log."""

import io
import json
from pathlib import Path
from typing import Any

from elman.report.style import new_figure
from elman.system.files import write_atomic

CURVE_FILE = "learning-curve.png"


def draw_curve(folder: Path) -> Path | None:
    """Draw training and validation loss over the updates into ``learning-curve.png``.

    Returns None when the log holds nothing to draw yet.

    Raises:
        StorageError: the picture cannot be written.
    """
    entries = read_log(folder / "training" / "log.jsonl")
    training = [entry for entry in entries if "loss" in entry]
    validation = [entry for entry in entries if "valid_nats" in entry]
    if not training:
        return None
    figure = new_figure(8, 4.5, dpi=120)
    axes = figure.add_subplot()
    axes.plot([e["update"] for e in training], [e["loss"] for e in training], color="#9bb8d3", label="training")
    if validation:
        best = next((entry for entry in reversed(validation) if entry.get("best")), validation[-1])
        axes.plot(
            [e["update"] for e in validation],
            [e["valid_nats"] for e in validation],
            color="#c4572b",
            marker="o",
            markersize=4,
            label=f"validation, best {best['shown']}" if "shown" in best else "validation",
        )
        axes.axhline(best["valid_nats"], color="#c4572b", linewidth=0.8, linestyle=":")
    axes.set(title=f"Learning curve of {folder.name}", xlabel="update", ylabel="loss (nats)")
    # The first updates fall so steeply that they would flatten the rest of the curve.
    later = [e["loss"] for e in training[len(training) // 20 :]] + [e["valid_nats"] for e in validation]
    margin = 0.05 * (max(later) - min(later)) + 0.01
    axes.set_ylim(min(later) - margin, max(later) + margin)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    path = folder / CURVE_FILE
    figure.savefig(picture := io.BytesIO(), format="png")
    write_atomic(path, picture.getvalue())
    return path


def read_log(file: Path) -> list[dict[str, Any]]:
    """The entries of a log; a last line cut off by a kill is left out."""
    if not file.is_file():
        return []
    entries = []
    for line in file.read_bytes().split(b"\n")[:-1]:
        try:
            entries.append(json.loads(line))
        except ValueError:
            break
    return entries
