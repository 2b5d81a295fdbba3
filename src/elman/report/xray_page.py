"""The x-ray's report: one self-contained page, and its figures as files."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from elman.report import xray_figures as draw
from elman.report.page import Section, write_page

PAGE_FILE = "xray.html"


def write_xray(folder: Path, values: Mapping[str, Any], *, name: str) -> list[Path]:
    """Write ``xray.html`` and the figures of what ``Xray.to_json`` gives.

    Raises:
        StorageError: the folder cannot be written.
    """
    about, text = values["model"], values["text"]
    head = (
        f"{about['name']}, {about['size']}, {about['types']} types (hash {about['hash']}); {text['places']} places of "
        f"{text['source']} ({text['sha256']}, {text['tokens']} tokens)"
    )
    sections = [Section("Diagnosis", list(values["words"])), *_numbers(values), *_sentence(values)]
    return write_page(folder, PAGE_FILE, title=f"X-ray of {name}", head=head, sections=sections)


def write_task(folder: Path, values: Mapping[str, Any]) -> list[Path]:
    """Write ``xray.html`` and the figure of what ``trials_json`` gives.

    Raises:
        StorageError: the folder cannot be written.
    """
    rows = [
        ["cell", *(f"lag {lag}" for lag in values["lags"]), "longest solved"],
        *(
            [
                cell["cell"],
                *(f"{score['median']:.2f}" for score in cell["scores"]),
                str(cell["longest_solved"] or "none"),
            ]
            for cell in values["cells"]
        ),
    ]
    seeds = len(values["seeds"])
    section = Section(
        "Score against lag",
        [
            values["words"],
            "Lines are medians, each drawn a little beside and above the one before it; the table has the numbers. "
            "Where there are several seeds, bars reach from the worst to the best. lstm-chrono is "
            "an LSTM whose forget gates begin open for as long as the lag (Tallec and Ollivier 2018).",
        ],
        f"task-{values['task']}",
        partial(draw.draw_task, values=values),
        table=rows,
    )
    head = (
        f"Networks of one layer of {values['hidden_size']} units, {values['updates']} updates at most, "
        f"{seeds} seed{'s' * (seeds != 1)}"
    )
    return write_page(folder, PAGE_FILE, title=f"X-ray of the task {values['task']}", head=head, sections=[section])


def _numbers(values: Mapping[str, Any]) -> list[Section]:
    sections = []
    if values["curves"]:
        rows = [["network", "case", "change a step", "half-life (tokens)", "1% left at lag"]]
        for curve in values["curves"]:
            case = curve["case"]
            half = "–" if case["half_life"] is None else f"{case['half_life']:.3g}"
            gone = f"> {case['reached']}" if case["gone"] is None else str(case["gone"])
            kind = "this model" if curve["trained"] else "fresh"
            rate = "∞" if case["rate"] is None else f"{case['rate']:.3g}"
            rows.append([f"{curve['name']}, {kind}", case["case"], rate, half, gone])
        sections.append(
            Section(
                "Gradient by lag",
                [
                    "How much of the loss at one token reaches the state k tokens before: the norm of its "
                    "derivative, as a share of that at lag 0; the median over positions, and for this model the "
                    "middle half of them. Where no gradient arrives, nothing is learned from those tokens. A plain RNN "
                    "cannot be above its bound: the spectral norm of its hidden-to-hidden matrix times the largest "
                    "slope of its units, once for each step.",
                ],
                "gradient",
                partial(draw.draw_gradient, values=values),
                4.2,
                rows,
            )
        )
        if any(curve["trained"] and curve["weights"] is not None for curve in values["curves"]):
            paragraph = (
                "The hidden-to-hidden weights are the same at every step, so their gradient is a sum over steps; these "
                "are its parts by lag."
            )
            sections.append(
                Section(
                    "Parts of the weights' gradient",
                    [paragraph],
                    "weights",
                    partial(draw.draw_weights, values=values),
                    4,
                )
            )
    if values["course"]:
        paragraph = "The gradient by lag at each validation of training with --xray, on its validation text."
        last = values["course"][-1]
        sections.append(
            Section(
                "During training",
                [paragraph, f"At the end (update {last['update']}) it was {last['words']}."],
                "course",
                partial(draw.draw_gradient_log, values=values),
                4,
            )
        )
    influence = values["influence"]
    sections.append(
        Section(
            "Influence by lag",
            [
                "By how many bits the prediction changes when the token k back is replaced by another one, drawn from "
                "the text: the Kullback-Leibler divergence of the new prediction from the old one. The effective "
                f"memory is the lag up to which the median is {values['threshold']:g} bits or more: "
                f"{influence['memory']} tokens. The furthest lag from which anything changed anywhere: "
                f"{influence['reach']}.",
            ],
            "influence",
            partial(draw.draw_influence, values=values),
        )
    )
    if values["saturation"]:
        rows = [["unit", "layer", "kept a token", "half-life (tokens)"]]
        for unit in values["units"]:
            half = "∞" if unit["half_life"] is None else f"{unit['half_life']:.3g}"
            rows.append([str(unit["unit"]), str(unit["layer"] + 1), f"{unit['keep']:.3f}", half])
        gated = not values["saturation"][0]["gate"].startswith("|")
        paragraph = (
            "Shares of gate values over the text. A gate that is always open or always closed is not a gate; a forget "
            "gate (GRU: update gate) near 1 keeps its unit's state. Below: the units that keep their state longest."
            if gated
            else "A plain RNN has no gates; these are the sizes of its units. A unit near 1 is saturated, and its "
            "slope, through which gradients flow back, is near 0."
        )
        height = 1.3 + 0.3 * len(values["saturation"])
        sections.append(
            Section(
                "Gates over the text" if gated else "Units over the text",
                [paragraph],
                "saturation",
                partial(draw.draw_saturation, values=values),
                height,
                rows if values["units"] else None,
            )
        )
    return sections


def _sentence(values: Mapping[str, Any]) -> list[Section]:
    seen = values["sentence"]
    if seen is None:
        return []
    tokens = seen["tokens"]
    size = min(2.2 + 0.2 * len(tokens), 5.2)
    rows = [["token", "surprise (bits)", "changed most by leaving out"]]
    for place in range(1, len(tokens)):
        gains = seen["left_out"][place][:place]
        most = sorted(range(place), key=lambda each: -abs(gains[each]))[:3]  # noqa: B023 (used at once)
        rows.append(
            [tokens[place], f"{seen['bits'][place]:.2f}", ", ".join(f"{tokens[m]} {gains[m]:+.2f}" for m in most)]
        )
    sections = [
        Section(
            "Each token and the next ones",
            [
                f"“{seen['text']}”",
                "By how many bits each next token (row) is likelier because of each earlier one (column): "
                "the sentence is read again without it. Orange helps, violet hurts. A question mark follows "
                "tokens that the model does not know.",
            ],
            "left-out",
            partial(draw.draw_words, table=seen["left_out"], tokens=tokens, label="gain (bits)"),
            size,
            rows,
        )
    ]
    if seen["gradient"] is not None:
        paragraph = (
            "The same by gradient times input: the derivative of the next token's log-probability along the earlier "
            "one's embedding, what a linear model would call its share."
        )
        sections.append(
            Section(
                "Gradient times input",
                [paragraph],
                "gradient-input",
                partial(draw.draw_words, table=seen["gradient"], tokens=tokens, label="gradient × input (bits)"),
                size,
            )
        )
    for number, (gates, states) in enumerate(zip(seen["gates"], seen["states"], strict=True)):
        what = "Gates and states" if gates else "States"
        paragraph = "A row for each token as it is read, a column for each unit. Gates go from 0 (dark) to 1 (light)."
        sections.append(
            Section(
                f"{what} of layer {number + 1} over the sentence",
                [paragraph if gates else "A row for each token as it is read, a column for each unit."],
                f"gates-{number + 1}",
                partial(draw.draw_gates, gates=gates, states=states, tokens=tokens, meanings=seen["meanings"]),
                1.2 + min(0.19 * len(tokens), 14.0),
            )
        )
    return sections
