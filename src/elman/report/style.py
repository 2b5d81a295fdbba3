"""The style of all pictures: one colour, dash and marker for each family, and figures for pages and
files.

Colours are Okabe and Ito's, which colour-blind people can tell apart; dashes and markers tell
families apart where there is no colour. In SVG, black becomes the page's text colour.
"""

import io
import os
import re
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from elman.system.machine import cache_folder

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#1b1d1f"
"""Black; in SVG replaced by the text's colour."""
OWN = "#d55e00"
"""The main subject of a picture."""


class Look(NamedTuple):
    """How a family's line is drawn."""

    colour: str
    dash: Any
    """As matplotlib's ``linestyle``."""
    marker: str


LOOKS: dict[str, Look] = {
    "ngram": Look(INK, "-", "s"),
    "mixture": Look(OWN, "-", "*"),
    "lstm": Look("#0072b2", "-", "D"),
    "gru": Look("#009e73", (0, (4, 1, 1, 1)), "^"),
    "rnn": Look("#e69f00", (0, (5, 1.5)), "o"),
    "rnn-relu": Look("#cc79a7", (0, (1, 1)), "s"),
    "lstm-chrono": Look("#0072b2", (0, (6, 1, 1, 1, 1, 1)), "H"),
    "minlstm": Look("#56b4e9", (0, (6, 2)), "v"),
    "mingru": Look("#009e73", (0, (1, 1.6)), "<"),
    "rglru": Look("#cc79a7", (0, (8, 2, 2, 2)), "P"),
    "transformer": Look(OWN, (0, (3, 1.2)), "X"),
    "conv": Look("#e69f00", (0, (8, 1.5, 1, 1.5)), "p"),
    "feed-forward": Look("#56b4e9", (0, (2, 1)), "h"),
}
"""By the registry's names; any other family gets one of the spare styles."""

_SPARE = [Look("#777777", (0, (2, 2)), "x"), Look("#777777", (0, (5, 1, 1, 1)), "+"), Look("#777777", "-", "d")]

SETTINGS: dict[str, Any] = {
    "font.size": 9, "axes.titlesize": 9.5, "axes.labelsize": 9, "legend.fontsize": 8, "xtick.labelsize": 8,
    "ytick.labelsize": 8, "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": INK, "axes.titlecolor": INK,
    "xtick.color": INK, "ytick.color": INK, "axes.spines.top": False, "axes.spines.right": False,
    "svg.fonttype": "none", "font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans"], "legend.frameon": False,
    "text.parse_math": False, "axes.facecolor": "none",
}  # fmt: skip


def look(family: str) -> Look:
    """The style of a family, always the same one; unknown families have one too.

    >>> look("lstm").colour, look("of tomorrow").colour
    ('#0072b2', '#777777')
    """
    return LOOKS.get(family) or _SPARE[sum(family.encode()) % len(_SPARE)]


def looks(families: Iterable[str]) -> dict[str, Look]:
    """The style of each family; where none is registered, different ones in their order.

    >>> found = looks(["no-characters", "crf", "no-characters"])
    >>> found["crf"] == found["no-characters"]
    False
    """
    names = list(dict.fromkeys(families))
    if any(name in LOOKS for name in names):
        return {name: look(name) for name in names}
    styles = list(LOOKS.values())
    return {name: styles[place % len(styles)] for place, name in enumerate(names)}


def labelled(figure: "Figure", *, x: str, y: str) -> "Axes":
    """Fresh axes of a figure, with a light grid; ``x`` and ``y`` name the quantity and its unit."""
    axes = figure.add_subplot()
    axes.set(xlabel=x, ylabel=y)
    axes.grid(alpha=0.18, color=INK, lw=0.6)
    return axes


def new_figure(width: float, height: float, *, dpi: float | None = None) -> "Figure":
    """An empty figure of ``width`` by ``height`` inches, without a window.

    matplotlib keeps a list of the system's fonts; it goes into elman's cache folder unless
    ``MPLCONFIGDIR`` is set.
    """
    os.environ.setdefault("MPLCONFIGDIR", str(cache_folder() / "matplotlib"))  # read once, at the first import
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=dpi, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def drawn(
    name: str,
    draw: Callable[["Figure"], None],
    *,
    width: float = 4.6,
    height: float = 3.4,
    kinds: Sequence[str] = ("png", "svg"),
) -> dict[str, bytes]:
    """A figure as ``NAME.png`` and ``NAME.svg``, or one of them: the bytes of each file."""
    figure = new_figure(width, height)
    import matplotlib

    # A token in a script that the font lacks is a box in the picture; no warning is needed.
    settings: Any = {**SETTINGS, "svg.hashsalt": name}
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        draw(figure)
        files = {}
        for kind in kinds:
            target = io.BytesIO()
            figure.patch.set_alpha(1 if kind == "png" else 0)  # the page sets the background
            # With a date, the same numbers would give a different file.
            more: dict[str, Any] = {"dpi": 200, "facecolor": "white"} if kind == "png" else {"metadata": {"Date": None}}
            figure.savefig(target, format=kind, **more)
            files[f"{name}.{kind}"] = target.getvalue()
            # Where everything stands is computed once: that takes as long as to draw it.
            figure.set_layout_engine("none")
    return files


def inline(svg: bytes, name: str, title: str) -> str:
    """An SVG file as an element of a page, with the page's text colour for black and unique ids."""
    import html

    text = svg.decode()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(INK, "currentColor", text, flags=re.IGNORECASE)
    text = re.sub(r'\bid="([^"]*)"', rf'id="{name}-\1"', text)
    text = re.sub(r'(url\(#|href="#)', rf"\1{name}-", text)
    label = html.escape(title, quote=True)
    names = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    opening = rf'<svg viewBox="\1" role="img" aria-label="{label}" {names}>'
    return re.sub(r'<svg [^>]*?viewBox="([^"]*)"[^>]*>', opening, text, count=1)


def page_head(title: str, *, more_sources: str = "") -> str:
    """A page's template as far as all pages are the same: up to its own styles."""
    return _HEAD.replace("TITLE", title).replace("MORE", more_sources)


_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'MORE">
<title>TITLE</title>
<style>
:root { color-scheme: light dark; --ink: #1b1d1f; --paper: #fff; --soft: #5a6066; --line: #d9dcdf; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8ea; --paper: #16181a; --soft: #a3aab1; --line: #3a3f44; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
"""
