"""A comparison as a page: verdict, table, curves, and where each model is good."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from elman.progress import duration
from elman.report import compare_figures as draw
from elman.report.page import Section, write_page

PAGE_FILE = "report.html"
HEAD = (
    "model", "bits/byte", "95%", "perplexity", "parameters", "on disk", "peak RAM", "tokens/s", "ms/token", "training",
)  # fmt: skip
"""The head of the table, on the terminal and on the page."""


def cells(model: Mapping[str, Any]) -> list[str]:
    """A model's row of the table."""
    bits, perplexity, speed = model["bits_per_byte"], model["perplexity"], model["tokens_per_second"]
    return [
        model["name"],
        f"{bits['value']:.3f}",
        f"{bits['low']:.3f}–{bits['high']:.3f}",
        f"{perplexity['value']:.1f}",
        f"{model['parameters'] / 1e6:.2f} M",
        f"{model['bytes'] / 1e6:.1f} MB",
        "–" if model["peak_bytes"] is None else f"{model['peak_bytes'] / 1e6:.0f} MB",
        "–" if speed is None else f"{speed:,.0f}",
        f"{model['milliseconds']:.3g}",
        duration(model["seconds"]),
    ]


def write_report(folder: Path, found: Mapping[str, Any]) -> list[Path]:
    """Write ``report.html`` and its pictures; ``found`` is what ``elman.studies.compare.compare``
    gives.

    Raises:
        StorageError: the folder cannot be written.
    """
    data, plan, machine = found["data"], found["plan"], found["machine"]
    length = f"{plan['minutes']:g} min" if plan["minutes"] is not None else f"{plan['epochs']:g} epochs"
    if plan["parameters"]:
        length += f", about {plan['parameters']:,} parameters"
    sources = ", ".join(Path(source).name for source in plan["sources"])
    head = (
        f"{sources} (data {data['hash'][:12]}): {data['train']['bytes'] / 1e6:.2f} MB of training text, "
        f"{data['test']['bytes'] / 1e6:.2f} MB of test text (documents: {data['test']['documents']}); "
        f"level {data['level']}, {data['types']:,} types. Budget for each network: {length}; seeds: {plan['seeds']}. "
        f"{machine['cpu']['name']}, {machine['threads']} threads."
    )
    sections = [_verdict(found), _table(found), *_curves(found), *_places(found), *_orders(found["orders"])]
    sections += [*_sentences(found["sentences"]), Section("Fair play", [*found["fair_play"]]), _signatures(found)]
    title = "Which model is best for this text"
    return write_page(folder, PAGE_FILE, title=title, head=head, sections=sections)


def _verdict(found: Mapping[str, Any]) -> Section:
    warned = [f"Warning: {each}" for each in found["warnings"]]
    failed = [f"{each['name']} failed and is missing: {each['message']}" for each in found["failed"]]
    return Section("Verdict", [found["verdict"]["words"], *warned, *failed])


def _table(found: Mapping[str, Any]) -> Section:
    models = found["models"]
    how = "; ".join(dict.fromkeys(model["interval"] for model in models))
    about = (
        "Bits per byte is the loss per byte of the held-out test text, spelling of unknown words included; it can be "
        "compared across all rows. Perplexity is of tokens. On disk is what using the model needs; peak RAM is "
        "of the process that trained it and made it ready for use; ms/token is the "
        "median time of one prediction after another, by the inference engine. "
        f"Intervals: {how}."
    )
    return Section(
        "The table",
        [about],
        "figures",
        partial(draw.draw_figures, models=models),
        1.0 + 0.36 * len(models),
        [list(HEAD), *map(cells, models)],
    )


def _curves(found: Mapping[str, Any]) -> list[Section]:
    models = [model for model in found["models"] if any(run["curve"] for run in model["runs"])]
    legend = 0.2 * (len(models) // 3)
    paragraph = "On validation text, while training. A counted model is a horizontal line."
    return [
        Section(
            "Learning against time",
            [paragraph],
            "curve-time",
            partial(draw.draw_curves, models=models, against="seconds"),
            3.4 + legend,
        ),
        Section(
            "Learning against text read",
            ["The same against the amount of text read: which model learns most from a word."],
            "curve-tokens",
            partial(draw.draw_curves, models=models, against="tokens"),
            3.4 + legend,
        ),
        Section(
            "What a better figure costs",
            ["Left is fast, low is good."],
            "cost",
            partial(draw.draw_cost, models=found["models"]),
            3.4 + legend,
        ),
    ]


def _places(found: Mapping[str, Any]) -> list[Section]:
    models = found["models"]
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


def _signatures(found: Mapping[str, Any]) -> Section:
    said = []
    for model in found["models"]:
        for run in model["runs"]:
            seed = f", seed {run['seed']}" if len(model["runs"]) > 1 else ""
            said.append(f"{model['name']}{seed}, {run['bits_per_byte']:.4f}: {run['signature']}")
    return Section("Signatures of the figures", said)
