"""The figures of word vectors for the terminal; they are what ``evaluation.word_vectors.evaluate``
gives."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from elman.report.labels_page import aligned

_METHODS = ("add", "mul")


def word_vectors_table(figures: Mapping[str, Any]) -> str:
    """Similarities and analogies as plain text for a terminal."""
    blocks = []
    if figures["similarity"]:
        rows = [
            [
                Path(each["file"]).name,
                _shown(each["spearman"]),
                f"{_shown(each['low'])} to {_shown(each['high'])}",
                f"{each['known']} of {each['pairs']}",
            ]
            for each in figures["similarity"]
        ]
        blocks.append(aligned([["similarity", "Spearman", "95%", "pairs known"], *rows]))
    for each in figures["analogies"]:
        rows = [
            [
                section["name"],
                *(_percent(section[f"accuracy_{method}"]["of_known"]) for method in _METHODS),
                _percent(section["accuracy_add"]["of_all"]),
                f"{section['known']} of {section['questions']}",
            ]
            for section in (*each["sections"], each["total"])
        ]
        head = ["analogies, %", "3CosAdd", "3CosMul", "3CosAdd of all", "questions known"]
        note = "3CosAdd and 3CosMul are of known questions; of all: a question with an unknown word counts as missed"
        blocks.append(f"{aligned([head, *rows])}\n{note}")
    return "\n\n".join(blocks)


def quantised_lines(about: Mapping[str, Any]) -> list[str]:
    """How vectors are stored, and what that cost, as ``tasks.vectors.storing.store`` gives it."""
    bits = {"fp32": "float32", "int8": "8 bits a number"}.get(about["precision"])
    how = bits or f"{about['numbers_per_byte']:g} numbers a byte (product quantisation)"
    left_out = about["of"] - about["words"]
    lines = [f"stored      {how}" + (f"; the {left_out:,} rarest words are left out" if left_out else "")]
    lost = about["loss"]
    lines.append(
        f"lost        {100 * lost['neighbours']:.1f}% of the ten nearest words stay, cosines change by "
        f"{lost['cosine']:.4f} at most ({lost['words']:,} words against all)"
    )
    before, after = (about.get(name, {"similarity": [], "analogies": []}) for name in ("before", "after"))
    for was, now in zip(before["similarity"], after["similarity"], strict=True):
        shown = f"Spearman {_shown(was['spearman'])} before, {_shown(now['spearman'])} after"
        lines.append(f"            {Path(was['file']).name}: {shown} ({now['known']} of {now['pairs']} pairs known)")
    for was, now in zip(before["analogies"], after["analogies"], strict=True):
        shares = [_percent(each["total"]["accuracy_add"]["of_all"]) for each in (was, now)]
        lines.append(f"            {Path(was['file']).name}: {shares[0]}% of all analogies before, {shares[1]}% after")
    return lines


def _shown(number: float | None) -> str:
    return "-" if number is None else f"{number:.3f}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"
