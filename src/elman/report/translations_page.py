"""A report on a translator for the terminal and as a page.

``report`` is what ``TranslationReport.to_json`` gives.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elman.progress import counted
from elman.report.attention import attention_size, draw_attention
from elman.report.labels_figures import short
from elman.report.labels_page import PAGE_FILE, aligned
from elman.report.page import Section, write_page
from elman.report.style import INK, OWN, labelled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIGURES = {
    "bleu": "BLEU",
    "bleu_lowercase": "BLEU, lower-cased",
    "chrf": "chrF",
    "gleu": "GLEU",
    "exact_match": "exact match",
}
_STYLES = (
    (OWN, "-", "o"),
    ("#0072b2", (0, (5, 1.5)), "s"),
    (INK, (0, (1, 1)), "^"),
    ("#009e73", (0, (4, 1, 1, 1)), "D"),
)


def translations_table(report: Mapping[str, Any]) -> str:
    """The figures as plain text for a terminal: verdict, scores, BLEU by length of translations,
    signatures."""
    lengths = [aligned(_lengths(report))] if "by_length" in report else []
    blocks = [report["verdict"], aligned(scores_rows(report)), *lengths, *report["notes"]]
    lines = [f"{FIGURES[name]}: {line}" for name, line in report["signatures"].items()]
    return "\n\n".join([*blocks, "\n".join([*lines, f"signature: {report['signature']}"])])


def write_translations_page(
    folder: Path,
    report: Mapping[str, Any],
    *,
    attention: Sequence[Mapping[str, Any]] = (),
    title: str = "How good the translations are",
) -> list[Path]:
    """Write ``report.html`` and its pictures into a folder; returns all files, the page first.

    Args:
        attention: of some sentences, as ``draw_attention`` takes it.

    Raises:
        StorageError: the folder cannot be written.
    """
    about = (
        "From 0 to 100, with 95% intervals of a bootstrap over sentences; differences are of the same resamples. "
        "BLEU and chrF are those of sacreBLEU."
    )
    if report["headline"] == "gleu":
        about += " GLEU takes off what was left uncorrected (Napoles et al. 2015)."
    lengths = "BLEU of sentences by the number of words of their source."
    draw = partial(draw_by_length, groups=report["by_length"])
    sections = [
        Section("Verdict", [report["verdict"], *report["notes"]]),
        Section("Figures", [about], table=scores_rows(report)),
        Section("Short and long sentences", [lengths], "by-length", draw, 3.4, _lengths(report)),
    ]
    for number, sentence in enumerate(attention, start=1):
        words = "The stronger the colour, the more the network looked at a word of the source for a word of the target."
        width, height = attention_size(sentence)
        draw = partial(draw_attention, sentence=sentence)
        name = f"attention-{number}"
        sections.append(Section(f"Attention, sentence {number}", [words], name, draw, height, width=width))
    sections.append(Section("Some sentences", ["Drawn at random."], table=_examples(report)))
    lines = "; ".join(f"{FIGURES[name]} {line}" for name, line in report["signatures"].items())
    head = f"{counted(report['sentences'], 'sentence')}. {report['signature']}. {lines}"
    return write_page(folder, PAGE_FILE, title=title, head=head, sections=sections)


def draw_by_length(figure: "Figure", groups: Sequence[Mapping[str, Any]]) -> None:
    """BLEU over the length of sentences, a line for each translator.

    Args:
        groups: as in ``TranslationReport.by_length``; all with the same names of translators.
    """
    axes = labelled(figure, x="words of the source (sentences)", y="BLEU")
    places = range(len(groups))
    names = list(groups[0]["bleu"])
    for number, name in enumerate(names):
        colour, dash, marker = _STYLES[number % len(_STYLES)]
        values = [group["bleu"][name] for group in groups]
        axes.plot(places, values, color=colour, ls=dash, marker=marker, ms=4.5, lw=1.5, label=short(name, longest=40))
    axes.set_xticks(places, [f"{_range(group)}\n({group['sentences']:,})" for group in groups])
    axes.set_ylim(bottom=0)
    figure.legend(loc="outside upper center", ncols=min(2, len(names)))


def scores_rows(report: Mapping[str, Any]) -> list[list[str]]:
    """A row for each figure, a column for each translator."""
    systems = [report["scores"], *report["rivals"]]
    rows = [["", *(short(system["name"], longest=40) for system in systems)]]
    for figure, name in FIGURES.items():
        if figure in report["scores"]:
            rows.append([name, *(_interval(system[figure]) for system in systems)])
    if report["rivals"]:
        beside = (_interval(rival["difference"]) for rival in report["rivals"])
        rows.append([f"difference in {FIGURES[report['headline']]}", "", *beside])
    return rows


def _lengths(report: Mapping[str, Any]) -> list[list[str]]:
    groups = report["by_length"]
    rows = [["words of the source", "sentences", *(f"BLEU of {short(name, longest=40)}" for name in groups[0]["bleu"])]]
    for group in groups:
        rows.append([_range(group), f"{group['sentences']:,}", *(f"{value:.1f}" for value in group["bleu"].values())])
    return rows


def _range(group: Mapping[str, Any]) -> str:
    return f"over {group['from'] - 1}" if group["to"] is None else f"{group['from']}-{group['to']}"


def _examples(report: Mapping[str, Any]) -> list[list[str]]:
    kinds = {"source": "source", "predicted": "translated", "target": "expected"}
    rows = [["text", ""]]
    for example in report["examples"]:
        rows += [[short(example[kind], longest=1000), name] for kind, name in kinds.items()]
    return rows


def _interval(interval: Mapping[str, float]) -> str:
    value, low, high = (f"{round(interval[bound], 1) + 0.0:.1f}" for bound in ("value", "low", "high"))
    return f"{value} ({low} to {high})"
