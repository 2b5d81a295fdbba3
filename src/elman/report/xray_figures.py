"""The x-ray's figures, from its numbers (``Xray.to_json``): for a page, light or dark, and as
files.

Colours are Okabe and Ito's, which colour-blind people can tell apart, and each line has a dash of
its own. What is black here becomes the page's own colour of text in its SVG.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from elman.report.style import INK, LOOKS, OWN, look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FLOOR, _CEILING = 1e-12, 1e6
_MOST_CURVES = 8
_SPREAD = 1.25
"""How much further right the last cell's curve of a task is drawn than the first one's, as a
factor."""


def draw_gradient(figure: "Figure", values: Mapping[str, Any]) -> None:
    """The gradient by lag of this model and of fresh ones, with the bound of plain RNNs."""
    axes = figure.add_subplot()
    shares = [(curve, np.array(curve["share"], float)) for curve in values["curves"]]
    drawn = [part for curve, share in shares for part in (share if curve["trained"] else share[1:2])]
    drawn += [np.array(curve["bound"], float) for curve, _ in shares if curve["trained"] and curve["bound"] is not None]
    low, high = _inside(axes, [*drawn, np.array([0.01])])
    for curve, share in shares:
        _curve(axes, curve, share, low)
        if curve["trained"] and curve["bound"] is not None:
            bound = np.array(curve["bound"], float)
            label = "upper bound, σ(W_hh)·max f′ a step"
            axes.plot(np.arange(len(bound)), bound.clip(low, high), color=INK, lw=1.2, ls=":", label=label)
            if bound.max() > high:
                text = f" the bound continues to {_power(bound.max())}"
                place = (int(np.argmax(bound > high)), high)
                axes.annotate(
                    text, place, xytext=(0, -4), textcoords="offset points", va="top", fontsize=7.5, alpha=0.8
                )
    lags = shares[-1][1].shape[1]
    axes.axhline(0.01, color=INK, lw=0.7, alpha=0.5)
    axes.annotate("1% left", (lags - 1, 0.01), ha="right", va="bottom", fontsize=7.5, alpha=0.8)
    axes.set(xlim=(0, lags - 1), xlabel="lag (tokens back)", ylabel="gradient, share of lag 0")
    _finish(figure, axes)


def draw_weights(figure: "Figure", values: Mapping[str, Any]) -> None:
    """The parts of the gradient of the hidden-to-hidden weights by lag."""
    axes = figure.add_subplot()
    parts = [(curve, np.array(curve["weights"], float)) for curve in values["curves"] if curve["weights"] is not None]
    parts = [(curve, part / (part[1, 0] or 1.0)) for curve, part in parts]
    low, _ = _inside(axes, [row for curve, part in parts for row in (part if curve["trained"] else part[1:2])])
    for curve, part in parts:
        _curve(axes, curve, part, low)
    axes.set(xlim=(0, parts[-1][1].shape[1] - 1), xlabel="lag (tokens back)")
    axes.set_ylabel("part of the gradient of W_hh,\nshare of lag 0")
    _finish(figure, axes)


def _curve(axes: "Axes", curve: Mapping[str, Any], quarters: Any, low: float) -> None:
    """The median by lag; for this model also the middle half. Smaller values run along the lower
    edge."""
    bottom, median, top = np.maximum(quarters, low)
    lags = np.arange(len(median))
    if curve["trained"]:
        axes.fill_between(lags, bottom, top, color=OWN, alpha=0.22, lw=0, label="half of all places")
        axes.plot(lags, median, color=OWN, lw=2.4, label=f"{curve['name']}, this model", zorder=5)
    else:
        colour, dash, _ = _style(curve["name"])
        axes.plot(lags, median, color=colour, ls=dash, lw=1.4, label=f"{curve['name']}, fresh")


def _inside(axes: "Axes", rows: Sequence[Any]) -> tuple[float, float]:
    """Logarithmic limits that hold all rows, as far as a picture can; returns the smallest and the
    largest number drawn."""
    numbers = np.concatenate([np.ravel(row) for row in rows])
    numbers = numbers[np.isfinite(numbers)]
    low = max(_FLOOR, float(numbers.min(initial=1.0)))
    high = min(_CEILING, max(float(numbers.max(initial=1.0)), 1.0))
    axes.set(yscale="log", ylim=(low / 2, high * 4))
    if low == _FLOOR:
        axes.annotate(f" {_power(low)} and less", (0, low), va="bottom", fontsize=7.5, alpha=0.8)
    return low, high


def draw_influence(figure: "Figure", values: Mapping[str, Any]) -> None:
    """How much replacing the token k back changes the prediction."""
    axes, influence = figure.add_subplot(), values["influence"]
    bits, lags = np.array(influence["bits"], float), influence["lags"]
    floor = 1e-7
    low, median, high = np.percentile(bits, (25, 50, 75), axis=1)
    axes.fill_between(
        lags,
        np.maximum(low, floor),
        np.maximum(high, floor),
        color=OWN,
        alpha=0.22,
        lw=0,
        label="half of all places",
    )
    axes.plot(lags, np.maximum(median, floor), color=OWN, lw=2, marker="o", ms=3, label="median")
    axes.axhline(values["threshold"], color=INK, lw=0.8, alpha=0.6)
    axes.annotate(
        f"{values['threshold']:g} bits", (lags[-1], values["threshold"]), ha="right", va="bottom", fontsize=7.5
    )
    if influence["memory"]:
        axes.axvline(influence["memory"], color=INK, lw=0.8, ls=":")
        text = f" memory: {influence['memory']} token{'s' * (influence['memory'] != 1)}"
        axes.annotate(text, (influence["memory"], max(high.max() * 2, 1)), fontsize=7.5, va="center")
    axes.set(xscale="log", yscale="log", ylim=(floor / 2, max(high.max() * 5, 3)), xlim=(0.95, lags[-1] * 1.05))
    ticks = [lag for lag in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000) if lag <= lags[-1]]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    if median.min() < floor:
        axes.annotate(f" {_power(floor)} and less", (lags[0], floor), va="bottom", fontsize=7.5, alpha=0.8)
    axes.set(xlabel="lag (tokens back, 1: the last one read)", ylabel="change of the prediction (bits)")
    _finish(figure, axes)


def draw_saturation(figure: "Figure", values: Mapping[str, Any]) -> None:
    """How often gates are nearly closed, in between and nearly open."""
    axes, rows = figure.add_subplot(), values["saturation"]
    names = [f"layer {row['layer'] + 1} {titled(row['gate'], row['meaning'])}" for row in rows]
    places = np.arange(len(rows))
    closed, opened = (np.array([row[name] for row in rows]) for name in ("closed", "open"))
    axes.barh(places, closed, color="#0072b2", label="below 0.1")
    axes.barh(places, 1 - closed - opened, left=closed, color="#bbbbbb", alpha=0.6, label="between")
    axes.barh(
        places, opened, left=1 - opened, color="#e69f00", hatch="////", edgecolor="white", lw=0, label="above 0.9"
    )
    for place, row in enumerate(rows):
        axes.annotate(f"mean {row['mean']:.2f}", (1.01, place), va="center", fontsize=7.5, annotation_clip=False)
    axes.set_yticks(places, names)
    axes.invert_yaxis()
    axes.set(xlim=(0, 1), xlabel="share of values over the text")
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    _finish(figure, axes, grid=False)


def titled(name: str, meaning: str) -> str:
    """A gate's or a state's symbol and its usual name.

    >>> titled("f", "forget gate"), titled("k", "")
    ('f (forget gate)', 'k')
    """
    return f"{name} ({meaning})" if meaning else name


def draw_gates(
    figure: "Figure",
    gates: Mapping[str, Any],
    states: Mapping[str, Any],
    tokens: Sequence[str],
    meanings: Mapping[str, str],
) -> None:
    """Heat maps over a sentence: a row for each token, a column for each unit; one panel for each
    gate and state."""
    names = [(name, False) for name in gates] + [(name, True) for name in states]
    axes = figure.subplots(1, len(names), sharey=True, squeeze=False)[0]
    for each, (name, state) in zip(axes, names, strict=True):
        table = np.array((states if state else gates)[name], float)
        size = max(float(np.abs(table).max()), 1e-9)
        colours = (
            {"cmap": "PuOr_r", "vmin": -size, "vmax": size} if state else {"cmap": "cividis", "vmin": 0, "vmax": 1}
        )
        image = each.imshow(table, aspect="auto", interpolation="nearest", **colours)
        # One below the other: beside each other, the titles of five panels would touch.
        each.set_title("\n".join(filter(None, [name, meanings.get(name, "")])), fontsize=7.5)
        each.set_xticks([])
        each.tick_params(length=0)
        aspect = 12 if len(names) > 1 else 50
        bar = figure.colorbar(image, ax=each, orientation="horizontal", pad=0.01, aspect=aspect, shrink=0.95)
        ticks = [-size, 0, size] if state else [0, 1]
        bar.set_ticks(ticks, labels=[f"{tick:.2g}" for tick in ticks])
        bar.ax.tick_params(labelsize=6.5, length=2)
        bar.outline.set_visible(False)
        for side in each.spines.values():
            side.set_visible(False)
    axes[0].set_yticks(range(len(tokens)), [_short(token) for token in tokens], fontsize=min(8.0, 550 / len(tokens)))
    order = "remember longest" if gates else "change least"
    figure.supxlabel(f"units, those that {order} on the left", fontsize=8)


def draw_words(figure: "Figure", table: Any, tokens: Sequence[str], label: str) -> None:
    """The effect of each earlier token (column) on each next one (row)."""
    axes, values = figure.add_subplot(), np.array(table, float)
    later = np.tril_indices(len(tokens), -1)
    size = max(float(np.percentile(np.abs(values[later]), 97)), 1e-9)
    shown = np.where(np.tri(len(tokens), k=-1, dtype=bool), values, np.nan)
    image = axes.imshow(shown[1:, :-1], cmap="PuOr_r", vmin=-size, vmax=size, interpolation="nearest")
    short, small = [_short(token) for token in tokens], min(8.0, 230 / len(tokens))
    axes.set_xticks(range(len(tokens) - 1), short[:-1], rotation=90, fontsize=small)
    axes.set_yticks(range(len(tokens) - 1), short[1:], fontsize=small)
    axes.tick_params(length=0)
    axes.set(xlabel="earlier token", ylabel="next token")
    axes.spines[["left", "bottom"]].set_visible(False)
    bar = figure.colorbar(image, ax=axes, orientation="horizontal", shrink=0.6, aspect=30, label=label, extend="both")
    bar.outline.set_visible(False)


def draw_gradient_log(figure: "Figure", values: Mapping[str, Any]) -> None:
    """How the gradient by lag changed in training."""
    import matplotlib

    axes, course = figure.add_subplot(), values["course"]
    kept = np.linspace(0, len(course) - 1, min(len(course), _MOST_CURVES)).round().astype(int)
    course = [course[place] for place in kept]
    colours = matplotlib.colormaps["viridis"]
    for place, entry in enumerate(course):
        share = np.array([np.nan if value is None else value for value in entry["share"]], float)
        colour = colours(0.9 - 0.85 * place / max(len(course) - 1, 1))
        last = place == len(course) - 1
        axes.plot(share, color=colour, lw=2.2 if last else 1.3, label=f"update {entry['update']}")
    finite = np.array([value for entry in course for value in entry["share"] if value], float)
    axes.set(yscale="log", ylim=(max(finite.min() / 3, _FLOOR), max(finite.max(), 1) * 3), xlim=(0, len(share) - 1))
    axes.set(xlabel="lag (tokens back)", ylabel="gradient, share of lag 0")
    _finish(figure, axes)


def draw_task(figure: "Figure", values: Mapping[str, Any]) -> None:
    """Score against lag, a line for each cell."""
    axes, regression = figure.add_subplot(), values["task"] == "adding"
    last = max(len(values["cells"]) - 1, 1)
    for number, cell in enumerate(values["cells"]):
        colour, dash, marker = _style(cell["cell"])
        # Each cell a little beside the others, and thinner than those below it, so that no curve
        # hides another.
        place = number / last - 0.5
        lags = np.array([score["lag"] for score in cell["scores"]]) * _SPREAD**place
        medians = np.array([score["median"] for score in cell["scores"]])
        ends = np.array([[min(score["seeds"]), max(score["seeds"])] for score in cell["scores"]]).T
        if len(values["seeds"]) > 1:
            axes.vlines(lags, *np.maximum(ends, -0.1), color=colour, lw=1, alpha=0.7)
        axes.plot(
            lags,
            np.maximum(medians, -0.1),
            color=colour,
            ls=dash,
            lw=2.6 - 1.6 * number / last,
            marker=marker,
            ms=5,
            label=cell["cell"],
        )
    axes.axhline(values["solved"], color=INK, lw=0.8, alpha=0.6)
    axes.annotate(
        "solved",
        (1, values["solved"]),
        xycoords=("axes fraction", "data"),
        xytext=(3, 0),
        textcoords="offset points",
        va="center",
        fontsize=7.5,
    )
    axes.axhline(values["chance"], color=INK, lw=0.8, ls=":")
    words = "always the mean" if regression else "chance"
    axes.annotate(words, (values["lags"][0], values["chance"]), ha="left", va="bottom", fontsize=7.5)
    axes.set(xscale="log", ylim=(-0.18 if regression else 0, 1.11))
    axes.set_xticks(values["lags"], [str(lag) for lag in values["lags"]])
    axes.minorticks_off()
    axes.set(xlabel="lag (steps to remember over)")
    axes.set_ylabel("R² of the sum" if regression else "share of right answers")
    _finish(figure, axes)


def _style(name: str) -> tuple[str, Any, str]:
    if name.startswith("lstm, forget bias"):
        return LOOKS["lstm-chrono"]
    return look(name)


def _finish(figure: "Figure", axes: "Axes", *, grid: bool = True) -> None:
    if axes.get_yscale() == "log":
        axes.yaxis.set_major_formatter(lambda value, place: _power(value))
        axes.yaxis.set_minor_formatter("")
    if grid:
        axes.grid(alpha=0.18, color=INK, lw=0.6)
    figure.legend(loc="outside lower center", ncols=2, handlelength=2.6, columnspacing=1.2)


def _power(value: float) -> str:
    """A power of ten without mathematical typesetting, which would break texts with a dollar sign.

    >>> _power(1e-12)
    '10⁻¹²'
    """
    return "10" + str(round(float(np.log10(value)))).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _short(token: str) -> str:
    return token if len(token) <= 14 else f"{token[:13]}…"
