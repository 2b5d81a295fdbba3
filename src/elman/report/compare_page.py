"""A comparison as a page: verdict, table, curves, and where each model is good."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from elman.progress import duration
from elman.report import compare_figures as draw
from elman.report.measure import Column, Measure
from elman.report.page import Section, write_page

PAGE_FILE = "report.html"


def models_table(found: Mapping[str, Any]) -> list[list[str]]:
    """The table of models, on the terminal and on the page; the first row is its head."""
    measure, unit = Measure(**found["measure"]), found["unit"]
    columns = [Column(**column) for column in found["columns"]]
    head = ["model", measure.short, "95%", *(column.name for column in columns)]
    head += ["parameters", "on disk", "peak RAM", f"{unit}s/s", f"ms/{unit}", "training"]
    rows = [head]
    for model in found["models"]:
        figure, speed = model[measure.key], model["tokens_per_second"]
        low, high = (measure.shown(figure[name]).rstrip("%") for name in ("low", "high"))
        rows.append(
            [
                model["name"],
                measure.shown(figure["value"]),
                f"{low}–{high}",
                *(column.shown(model) for column in columns),
                _millions(model["parameters"], "{:.2f} M"),
                _millions(model["bytes"], "{:.1f} MB"),
                _millions(model["peak_bytes"], "{:.0f} MB"),
                "–" if speed is None else f"{speed:,.0f}",
                f"{model['milliseconds']:.3g}",
                duration(model["seconds"]),
            ]
        )
    return rows


def _millions(value: float | None, form: str) -> str:
    return "–" if value is None else form.format(value / 1e6)


def write_report(folder: Path, found: Mapping[str, Any]) -> list[Path]:
    """Write ``report.html`` and its pictures; ``found`` is what ``elman.studies.compare.compare``
    gives.

    Raises:
        StorageError: the folder cannot be written.
    """
    data, plan, machine = found["data"], found["plan"], found["machine"]
    models, measure, unit = found["models"], Measure(**found["measure"]), found["unit"]
    length = f"{plan['minutes']:g} min" if plan["minutes"] is not None else f"{plan['epochs']:g} epochs"
    if plan["parameters"]:
        length += f", about {plan['parameters']:,} parameters"
    sources = ", ".join(Path(source).name for source in plan["sources"])
    head = (
        f"{sources} (data {data['hash'][:12]}): {data['about']}. Budget for each network: {length}; seeds: "
        f"{plan['seeds']}. "
        f"{machine['cpu']['name']}, {machine['threads']} threads."
    )
    sections = [_verdict(found), _table(found, measure, unit), *_curves(models, measure, unit)]
    if "by_position" in models[0]:
        sections += _places(models)
    sections += [*_orders(found.get("orders", ())), *_sentences(found.get("sentences"))]
    sections += [Section("Fair play", [*found["fair_play"]]), _signatures(models, measure)]
    return write_page(folder, PAGE_FILE, title=found["title"], head=head, sections=sections)


def _verdict(found: Mapping[str, Any]) -> Section:
    warned = [f"Warning: {each}" for each in found["warnings"]]
    failed = [f"{each['name']} failed and is missing: {each['message']}" for each in found["failed"]]
    return Section("Verdict", [found["verdict"]["words"], *warned, *failed])


def _table(found: Mapping[str, Any], measure: Measure, unit: str) -> Section:
    models = found["models"]
    how = "; ".join(dict.fromkeys(model["interval"] for model in models))
    about = (
        f"{found['about_figures']} On disk is what using the model needs; peak RAM is of the process that trained it "
        f"and made it ready for use; ms/{unit} is the median time of one prediction after another, by the inference "
        f"engine. Intervals: {how}."
    )
    return Section(
        "The table",
        [about],
        "figures",
        partial(draw.draw_figures, models=models, measure=measure),
        1.0 + 0.36 * len(models),
        models_table(found),
    )


def _curves(models: Sequence[Mapping[str, Any]], measure: Measure, unit: str) -> list[Section]:
    drawn = [model for model in models if any(run["curve"] for run in model["runs"])]
    legend = 0.2 * (len(drawn) // 3)
    paragraph = "On validation text, while training. A counted model is a horizontal line."
    curves = partial(draw.draw_curves, models=drawn, measure=measure, unit=unit)
    return [
        Section(
            "Learning against time",
            [paragraph],
            "curve-time",
            partial(curves, against="seconds"),
            3.4 + legend,
        ),
        Section(
            "Learning against text read",
            ["The same against the amount of text read: which model learns most from a word."],
            "curve-tokens",
            partial(curves, against="tokens"),
            3.4 + legend,
        ),
        Section(
            "What a better figure costs",
            [f"Left is fast, {'high' if measure.share else 'low'} is good."],
            "cost",
            partial(draw.draw_cost, models=models, measure=measure, unit=unit),
            3.4 + legend,
        ),
    ]


def _places(models: Sequence[Mapping[str, Any]]) -> list[Section]:
    height = 3.6 + 0.2 * (len(models) // 3)
    return [
        Section(
            "By position in the document",
            ["Bits per token by how many tokens of the document came before it. A model with memory gets better."],
            "by-position",
            partial(draw.draw_buckets, models=models, table="by_position", label="tokens since the document began"),
            height,
            _bucket_table(models, "by_position"),
        ),
        Section(
            "By frequency of the word",
            [
                "Bits per token by how often the training text has it; unknown ones with their spelling. Line ends are "
                "apart."
            ],
            "by-frequency",
            partial(draw.draw_buckets, models=models, table="by_frequency", label="times seen in training"),
            height,
            _bucket_table(models, "by_frequency"),
        ),
    ]


def _bucket_table(models: Sequence[Mapping[str, Any]], name: str) -> list[list[str]]:
    used = [place for place, bucket in enumerate(models[0][name]) if bucket["tokens"]]
    first = models[0][name]
    rows = [["model", *(first[place]["bucket"] for place in used)]]
    rows.append(["tokens", *(f"{first[place]['tokens']:,}" for place in used)])
    rows += [[model["name"], *(f"{model[name][place]['bits_per_token']:.2f}" for place in used)] for model in models]
    return rows


def _orders(orders: Sequence[Mapping[str, Any]]) -> list[Section]:
    if not orders:
        return []
    rows = [["order", "validation bits/byte", "test bits/byte", "perplexity", "n-grams", "on disk", "ms/token"]]
    rows += [
        [
            str(each["order"]),
            f"{each['valid_bits_per_byte']:.3f}",
            f"{each['bits_per_byte']:.3f}",
            f"{each['perplexity']:.1f}",
            f"{each['parameters']:,}",
            f"{each['bytes'] / 1e6:.1f} MB",
            f"{each['milliseconds']:.3g}",
        ]
        for each in orders
    ]
    about = "An n-gram sees n - 1 tokens. The one that is best on validation text is in the table above."
    return [Section("n-grams by order", [about], "orders", partial(draw.draw_orders, orders=orders), 2.8, rows)]


def _sentences(found: Mapping[str, Any] | None) -> list[Section]:
    if found is None:
        return []
    one, other = found["model"], found["than"]
    rows = [["line", one, other, "difference"]]
    for kind in ("easier", "harder"):
        rows += [
            [each["text"], f"{each[one]:.2f}", f"{each[other]:.2f}", f"{each['difference']:+.2f}"]
            for each in found[kind]
        ]
    about = (
        f"Lines of the test text that the {one} finds easiest and hardest next to the {other}, in bits per byte; the "
        "first ones are easier for it, the last ones harder."
    )
    return [Section("Easy and hard lines", [about], table=rows)]


def _signatures(models: Sequence[Mapping[str, Any]], measure: Measure) -> Section:
    said = []
    for model in models:
        for run in model["runs"]:
            seed = f", seed {run['seed']}" if len(model["runs"]) > 1 else ""
            said.append(f"{model['name']}{seed}, {run[measure.key]:.4f}: {run['signature']}")
    return Section("Signatures of the figures", said)
