"""Keystrokes saved on a text, with intervals, and what a keyboard adds to the words of a model
alone."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.decode.keystrokes import Keystrokes, type_lines
from elman.decode.scoring import Context, check_context
from elman.evaluation.language import adaptation_of, signature_of
from elman.metrics.text_intervals import Units, bootstrap, percentile_interval, units_of
from elman.models.protocol import LanguageModel
from elman.progress import Progress
from elman.text.store import Text

Typist = Callable[[Iterable[tuple[str, bool]]], Iterator[Keystrokes]]
"""The sums of each line; a line comes with whether a text begins with it."""


def keystrokes_of(
    model: LanguageModel,
    text: Text,
    *,
    context: Context,
    progress: Progress,
    tuned_on: str | None = None,
    typist: Typist | None = None,
    plain: Typist | None = None,
    typed: str = "",
) -> dict[str, Any]:
    """How many keystrokes suggestions save on a text, with the signature of the figures.

    Args:
        typist: who types the lines; by default with the words of ``complete`` (``type_lines``).
        plain: types them a second time without what the keyboard adds: what it saves is ``plain``,
            and what ``typist`` saves beyond that is ``gain``.
        typed: how, for the signature.

    Returns:
        The figures of ``Keystrokes``; ``interval``, where ``saved`` lies with 95% confidence
        (bootstrap over documents or blocks of lines; None for a single line), and so of ``gain``.

    Raises:
        UsageError: an unknown context, or a model whose tokens are not words.
    """
    check_context(context)

    def type_all(typist: Typist, stage: str) -> list[Keystrokes]:
        lines = ((line, context == "independent" or (starts and context == "document")) for line, starts in text)
        return progress.collect(stage, typist(lines), total=text.lines, unit="lines")

    def usual(lines: Iterable[tuple[str, bool]]) -> Iterator[Keystrokes]:
        return type_lines(model, lines)

    lines = type_all(typist or usual, "typing")
    chars = np.array([line.chars for line in lines])
    units = units_of(np.array([starts for _, starts in text], dtype=bool), chars)
    sizes, saved = units.sums(chars), _saved(units, lines)
    found = {**sum(lines, Keystrokes()).figures(), "interval": _interval(saved, sizes)}
    if plain is not None:
        before = type_all(plain, "typing without what the keyboard adds")
        less = _saved(units, before)
        found["plain"] = {**sum(before, Keystrokes()).figures(), "interval": _interval(less, sizes)}
        found["gain"] = _interval(saved, sizes, less=less)
    adapted = adaptation_of(model.describe()) + (f"-{tuned_on[:12]}" if tuned_on else "")
    adapted = "+".join(filter(None, ["" if typed and adapted == "none" else adapted, typed]))
    signed = signature_of(model, data=text.sha256, context=context, adapted=adapted)
    return {**found, "context": context, "signature": signed}


def _saved(units: Units, lines: list[Keystrokes]) -> NDArray[np.float64]:
    """Keys saved in each unit ``[U]``."""
    return units.sums(np.array([line.chars - line.keys for line in lines]))


def _interval(
    saved: NDArray[np.float64], sizes: NDArray[np.float64], *, less: NDArray[np.float64] | None = None
) -> dict[str, float] | None:
    """Of the share of keys saved, or of how much more that is than ``less``."""
    if len(sizes) < 2:
        return None
    value = float((saved if less is None else saved - less).sum() / sizes.sum())
    drawn = bootstrap(saved[None], sizes, less=None if less is None else less[None])
    return percentile_interval(value, drawn, units=len(sizes))._asdict()
