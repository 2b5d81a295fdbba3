"""The pictures of a comparison, from its numbers."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from elman.report.measure import Measure
from elman.report.style import INK, labelled, looks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_figures(figure: "Figure", models: Sequence[Mapping[str, Any]], *, measure: Measure) -> None:
    """The figure of each model, best on top, with its interval."""
    axes = labelled(figure, x=measure.axis, y="")
    styles = looks(model["kind"] for model in models)
    for place, model in enumerate(reversed(models)):
        style, interval = styles[model["kind"]], model[measure.key]
        value, low, high = (measure.scaled(interval[name]) for name in ("value", "low", "high"))
        bounds = [[max(value - low, 0)], [max(high - value, 0)]]
        axes.errorbar([value], [place], xerr=bounds, color=style.colour, marker=style.marker, ms=7, capsize=3, lw=1.6)
        axes.annotate(
            measure.shown(interval["value"]), (value, place), xytext=(0, 7), textcoords="offset points",
            ha="center", fontsize=7.5,
        )  # fmt: skip
    axes.set_yticks(range(len(models)), [model["name"] for model in reversed(models)])
    axes.set_ylim(-0.6, len(models) - 0.3)


def draw_curves(
    figure: "Figure", models: Sequence[Mapping[str, Any]], *, measure: Measure, unit: str, against: str
) -> None:
    """Validation figures against ``seconds`` or ``tokens``; a counted model is a horizontal
    line."""
    label = "training time (s)" if against == "seconds" else f"training {unit}s read (millions)"
    scale = 1 if against == "seconds" else 1e-6
    axes = labelled(figure, x=label, y=f"validation ({measure.words}{', %' * measure.share})")
    styles = looks(model["kind"] for model in models)
    for model in models:
        style = styles[model["kind"]]
        for number, run in enumerate(model["runs"]):
            places = [scale * point[against] for point in run["curve"]]
            values = [measure.scaled(point[f"valid_{measure.key}"]) for point in run["curve"]]
            name = model["name"] if number == 0 else None
            if run["counted"]:
                axes.axhline(values[0], color=style.colour, ls=style.dash, lw=1.2, label=name)
            elif places:
                axes.plot(
                    places, values, color=style.colour, ls=style.dash, marker=style.marker, ms=4, lw=1.5, label=name
                )
    _legend(figure)


def draw_buckets(figure: "Figure", models: Sequence[Mapping[str, Any]], *, table: str, label: str) -> None:
    """Bits per token in each bucket of ``by_position`` or ``by_frequency``; empty buckets are left
    out."""
    used = [place for place, bucket in enumerate(models[0][table]) if bucket["tokens"]]
    axes = labelled(figure, x=label, y="bits per token")
    styles = looks(model["kind"] for model in models)
    for model in models:
        style = styles[model["kind"]]
        bits = [model[table][place]["bits_per_token"] for place in used]
        axes.plot(
            range(len(used)), bits, color=style.colour, ls=style.dash, marker=style.marker, ms=4.5, lw=1.4,
            label=model["name"],
        )  # fmt: skip
    names = [models[0][table][place]["bucket"] for place in used]
    axes.set_xticks(range(len(used)), names, rotation=30, ha="right")
    axes.set_ylim(bottom=0)
    _legend(figure)


def draw_cost(figure: "Figure", models: Sequence[Mapping[str, Any]], *, measure: Measure, unit: str) -> None:
    """The figure against the time for a token."""
    axes = labelled(figure, x=f"time for a {unit} (ms)", y=f"test ({measure.words}{', %' * measure.share})")
    styles = looks(model["kind"] for model in models)
    for model in models:
        style = styles[model["kind"]]
        place = (model["milliseconds"], measure.scaled(model[measure.key]["value"]))
        axes.plot(*place, color=style.colour, marker=style.marker, ms=7, ls="none", label=model["name"])
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda value, place: f"{value:g}")
    axes.xaxis.set_minor_formatter(lambda value, place: f"{value:g}" if f"{value:e}"[0] in "25" else "")
    axes.tick_params(axis="x", which="minor", labelsize=7)
    _legend(figure)


def draw_orders(figure: "Figure", orders: Sequence[Mapping[str, Any]]) -> None:
    """Bits per byte of n-grams by order."""
    axes: Axes = labelled(figure, x="order n", y="test (bits per byte)")
    places = [each["order"] for each in orders]
    axes.plot(places, [each["bits_per_byte"] for each in orders], color=INK, marker="s", ms=5, lw=1.5)
    axes.set_xticks(places)


def _legend(figure: "Figure") -> None:
    figure.legend(loc="outside lower center", ncols=3, handlelength=3, columnspacing=1.2)
