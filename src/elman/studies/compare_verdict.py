"""The verdict in words: the best model, unless a cheaper one is statistically indistinguishable.

The cost is the product of bytes on disk, milliseconds per token and seconds of training. The
verdict is the cheapest model whose paired interval against the best one includes 0, or whose
difference is smaller than what matters to the user. With fewer than ten units no interval is
trusted: five units agree by chance once in sixteen times.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from elman.evaluation.counted_rival import FEWEST_UNITS
from elman.metrics.intervals import Interval
from elman.progress import duration
from elman.report.measure import Measure

MATTERS = 0.01
"""The smallest share of the loss that matters, by default: less is no reason to pay more, even
where it is significant."""
_DEAR = 10.0
"""From this factor in milliseconds or bytes on, the price and the next cheaper model are
mentioned."""


class Contender(NamedTuple):
    """The figures of a model for the verdict."""

    name: str
    figure: float
    bytes: int
    milliseconds: float
    """A token, one after another."""
    seconds: float
    """Of training."""
    made_of: int = 1
    """Number of models in it."""
    network: bool = True
    called: str = ""
    """Its name in a sentence, if that is another one than the name with its article."""

    @property
    def said(self) -> str:
        """Its name in a sentence."""
        return self.called or f"the {self.name}"

    @property
    def cost(self) -> float:
        """The cost of a model."""
        return max(self.bytes, 1) * max(self.milliseconds, 1e-6) * max(self.seconds, 0.1)


class Verdict(NamedTuple):
    """The recommended model, and why."""

    use: str
    best: str
    """The model with the best figure, at any cost."""
    words: str


def decide(
    candidates: Sequence[Contender],
    worse_by: Mapping[str, Interval],
    *,
    measure: Measure,
    training_tokens: int,
    units: int,
    step: str = "for a next word",
    matters: float = MATTERS,
) -> Verdict:
    """The verdict.

    Args:
        worse_by: how much worse each other model is than the best one, with a paired interval.
        measure: what the figures are.
        units: the number of documents, blocks of lines or sentences in the intervals.
        step: what takes a candidate's milliseconds.
        matters: the smallest share of the loss that is worth a higher cost.
    """
    best = min(candidates, key=lambda model: measure.loss(model.figure))
    few = units < FEWEST_UNITS
    loss = measure.loss(best.figure)
    least = matters * loss
    lead = f"{_capital(best.said)} has the {'highest' if measure.share else 'lowest'} figure"
    lead += f", {measure.shown(best.figure)}, but"

    def as_good(model: Contender) -> bool:
        return few or model is best or worse_by[model.name].low <= 0 or worse_by[model.name].value <= least

    equal = [model for model in candidates if as_good(model)]
    use = min(equal, key=lambda model: model.cost)
    words = [f"Use {use.said}: {measure.shown(use.figure)} {measure.words}."]
    if few and use is not best:
        words.append(
            f"{lead} the test text has only {units} parts to compare by; at least {FEWEST_UNITS} are needed to tell "
            "models apart, so take the cheapest one."
        )
    elif use is best:
        words.append(_why_best(best, candidates, worse_by, measure))
    elif (gap := worse_by[use.name]).low > 0:
        words.append(
            f"{lead} is better by {measure.apart(gap.value, digits=4)} only, {100 * gap.value / loss:.2g}% of the "
            f"{measure.lost}, and {100 * matters:.2g}% or more matter (--matters); {use.said} is cheaper."
        )
    else:
        words.append(
            f"{lead} the difference of {measure.apart(gap.value)} cannot be told from none on this test text (95%: "
            f"{measure.between(gap.low, gap.high, sign='+')}), and {use.said} is the cheapest of those that cannot be "
            "told apart."
        )
    networks = [model for model in candidates if model.network]
    if not use.network and networks and not any(model in equal for model in networks):
        words.append(
            f"Your text ({training_tokens:,} training tokens) and this budget are too small for anything else: "
            "counting beats learning here; more text, or more time, would change that first."
        )
    elif not use.network and networks:
        words.append(f"With {training_tokens:,} training tokens and this budget, learning does not pay over counting.")
    size = f"{use.bytes / 1e6:.1f} MB, " if use.bytes else ""
    words.append(f"It takes {size}{use.milliseconds:.3g} ms {step}, and was trained in {duration(use.seconds)}.")
    words += _price(use, candidates, measure)
    return Verdict(use.name, best.name, " ".join(words))


def no_verdict() -> Verdict:
    """The verdict where every model was left out of it."""
    return Verdict("", "", "No verdict: every network is too small to be compared; see the warnings.")


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _why_best(
    best: Contender, candidates: Sequence[Contender], worse_by: Mapping[str, Interval], measure: Measure
) -> str:
    others = sorted((model for model in candidates if model is not best), key=lambda model: measure.loss(model.figure))
    if not others:
        return "It is the only model that was trained."
    second = others[0]
    gap = worse_by[second.name]
    if gap.low <= 0:
        return (
            f"{_capital(second.said)} comes next ({measure.shown(second.figure)}) and cannot be told from it on this "
            f"test text (95%: {measure.between(gap.low, gap.high, sign='+')} worse), but costs more."
        )
    reason = "it and its parts err differently" if best.made_of > 1 else "the difference is more than chance"
    return (
        f"It is better than the next one, {second.said} ({measure.shown(second.figure)}), by "
        f"{measure.apart(gap.value)} (95%: {measure.between(gap.low, gap.high)}): {reason}."
    )


def _price(use: Contender, candidates: Sequence[Contender], measure: Measure) -> list[str]:
    """A sentence for when a much cheaper model is not far behind."""
    cheaper = [
        model
        for model in candidates
        if model is not use
        and (model.milliseconds * _DEAR <= use.milliseconds or model.bytes * _DEAR <= use.bytes)
        and model.cost < use.cost
        and measure.loss(model.figure) > measure.loss(use.figure)
    ]
    if not cheaper:
        return []
    next_best = min(cheaper, key=lambda model: measure.loss(model.figure))
    times, sizes = use.milliseconds / max(next_best.milliseconds, 1e-9), use.bytes / max(next_best.bytes, 1)
    lost = f"{100 * (next_best.figure / use.figure - 1):.1f}% in {measure.lost}"
    if measure.share:
        lost = f"{measure.apart(use.figure - next_best.figure)} of {measure.words}"
    slower = f"{times:.0f} times as slow" if times >= _DEAR else f"{sizes:.0f} times as large"
    return [f"But it is {slower} as {next_best.said}; where that matters, take that one and lose {lost}."]
