"""The growth of an n-gram by order, which shows why n-grams run out of memory: as a table and as a
picture."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from elman.report.style import new_figure
from elman.system.files import write_atomic

GROWTH_FILE = "ngrams.png"
_HEAD = ("order", "n-grams", "seen once", "size so far", "perplexity", "never seen")


def growth_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """A line per order, from ``Growth.to_json``.

    >>> one = {"order": 1, "ngrams": 10, "once": 4, "bytes": 2000, "perplexity": 9.5, "unseen": 0.0}
    >>> print(growth_table([one]))
    order  n-grams  seen once  size so far  perplexity  never seen
        1       10        40%         2 kB        9.50        0.0%
    """
    lines: list[tuple[str, ...]] = [_HEAD]
    for row in rows:
        lines.append(
            (
                str(row["order"]),
                f"{row['ngrams']:,}",
                f"{100 * row['once'] / max(row['ngrams'], 1):.0f}%",
                _size(row["bytes"]),
                f"{row['perplexity']:.2f}",
                f"{100 * row['unseen']:.1f}%",
            )
        )
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)


def draw_growth(folder: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Draw the rows into ``ngrams.png``: what longer n-grams cost, and what they gain.

    Raises:
        StorageError: the picture cannot be written.
    """
    # One above the other, as wide as the other pictures, so that its text can be read on a phone
    # too.
    figure = new_figure(4.8, 6.6, dpi=150)
    upper, lower = figure.subplots(2, 1)
    orders = [row["order"] for row in rows]
    largest = max(row["ngrams"] for row in rows)
    unit, name = (1e6, "millions") if largest >= 1e5 else (1e3, "thousands")
    once = [row["once"] / unit for row in rows]
    more = [(row["ngrams"] - row["once"]) / unit for row in rows]
    upper.bar(orders, more, color="#33627f", label="seen more than once")
    upper.bar(orders, once, bottom=more, color="#9bb8d3", label="seen once", hatch="//", edgecolor="white")
    for order, row in zip(orders, rows, strict=True):
        upper.annotate(_size(row["bytes"]), (order, row["ngrams"] / unit), ha="center", va="bottom", fontsize=8)
    upper.set(
        title="What it costs: n-grams, and the size up to each order",
        xlabel="order",
        ylabel=f"different n-grams ({name})",
    )
    upper.legend(frameon=False, loc="upper left")
    # Room for the legend above the bars.
    upper.set_ylim(0, 1.35 * largest / unit)
    lower.plot(orders, [row["perplexity"] for row in rows], color="#c4572b", marker="o")
    lower.set(title="What it brings", xlabel="order", yscale="log")
    lower.set_ylabel("perplexity on the validation text", color="#c4572b")
    for order, row in zip(orders, rows, strict=True):
        lower.annotate(
            f"{row['perplexity']:.0f}", (order, row["perplexity"]), xytext=(4, 5), textcoords="offset points",
            ha="left", fontsize=8, color="#c4572b",
        )  # fmt: skip
    lower.margins(y=0.12)
    lower.yaxis.set_major_formatter("{x:g}")
    # As many labels between the powers of ten as there is room for.
    lower.yaxis.set_minor_formatter(lambda x, _: f"{x:g}" if f"{x:e}"[0] in "235" else "")
    lower.set_xlim(orders[0] - 0.4, orders[-1] + 0.6)
    other = lower.twinx()
    other.plot(orders, [100 * row["unseen"] for row in rows], color="#33627f", marker="s", linestyle="--")
    other.set_ylabel("n-grams of that text never seen (%)", color="#33627f")
    other.set_ylim(0, 100)
    for axes in (upper, lower):
        axes.set_xticks(orders)
        axes.grid(alpha=0.25, axis="y")
        axes.spines[["top"]].set_visible(False)
    path = folder / GROWTH_FILE
    figure.savefig(picture := io.BytesIO(), format="png")
    write_atomic(path, picture.getvalue())
    return path


def _size(size: float) -> str:
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} GB"
