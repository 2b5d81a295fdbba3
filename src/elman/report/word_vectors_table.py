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


def _shown(number: float | None) -> str:
    return "-" if number is None else f"{number:.3f}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"
