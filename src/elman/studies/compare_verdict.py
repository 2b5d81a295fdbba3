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

MATTERS = 0.01
"""The smallest share of the bits that matters, by default: less is no reason to pay more, even
where it is significant."""
_DEAR = 10.0
"""From this factor in milliseconds or bytes on, the price and the next cheaper model are
mentioned."""


class Contender(NamedTuple):
    """The figures of a model for the verdict."""

    name: str
    bits_per_byte: float
    bytes: int
    milliseconds: float
    """A token, one after another."""
    seconds: float
    """Of training."""
    made_of: int = 1
    """Number of models in it."""
    network: bool = True

    @property
    def cost(self) -> float:
        """The cost of a model."""
        return max(self.bytes, 1) * max(self.milliseconds, 1e-6) * max(self.seconds, 0.1)


class Verdict(NamedTuple):
    """The recommended model, and why."""

    use: str
    best: str
    """The model with the lowest bits per byte, at any cost."""
    words: str


def decide(
    candidates: Sequence[Contender],
    worse_by: Mapping[str, Interval],
    *,
    training_tokens: int,
    units: int,
    unit: str = "word",
    matters: float = MATTERS,
) -> Verdict:
    """The verdict.

    Args:
        worse_by: the paired difference of each other model from the best one, in bits per byte.
        units: the number of documents or blocks of lines in the intervals.
        unit: the name of a token.
        matters: the smallest share of the bits that is worth a higher cost.
    """
    best = min(candidates, key=lambda model: model.bits_per_byte)
    few = units < FEWEST_UNITS
    least = matters * best.bits_per_byte

    def as_good(model: Contender) -> bool:
        return few or model is best or worse_by[model.name].low <= 0 or worse_by[model.name].value <= least

    equal = [model for model in candidates if as_good(model)]
    use = min(equal, key=lambda model: model.cost)
    words = [f"Use the {use.name}: {use.bits_per_byte:.3f} bits per byte."]
    if few and use is not best:
        words.append(
            f"The {best.name} has the lowest figure, {best.bits_per_byte:.3f}, but the test text has only {units} "
            f"parts to compare by; at least {FEWEST_UNITS} are needed to tell models apart, so take the cheapest one."
        )
    elif use is best:
        words.append(_why_best(best, candidates, worse_by))
    elif (gap := worse_by[use.name]).low > 0:
        words.append(
            f"The {best.name} has the lowest figure, {best.bits_per_byte:.3f}, but is better by {gap.value:.4f} "
            f"only, {100 * gap.value / best.bits_per_byte:.2g}% of the bits, and {100 * matters:.2g}% or more matter "
            f"(--matters); the {use.name} is cheaper."
        )
    else:
        words.append(
            f"The {best.name} has the lowest figure, {best.bits_per_byte:.3f}, but the difference of {gap.value:.3f} "
            f"cannot be told from none on this test text (95%: {gap.low:+.3f} to {gap.high:+.3f}), and the "
            f"{use.name} is the cheapest of those that cannot be told apart."
        )
    if not use.network and all(other is use or other not in equal or not other.network for other in candidates):
        words.append(
            f"Your text ({training_tokens:,} training tokens) and this budget are too small for anything else: "
            "counting beats learning here; more text, or more time, would change that first."
        )
    elif not use.network:
        words.append(f"With {training_tokens:,} training tokens and this budget, learning does not pay over counting.")
    words.append(
        f"It takes {use.bytes / 1e6:.1f} MB, {use.milliseconds:.3g} ms for a next {unit}, and was trained in "
        f"{duration(use.seconds)}."
    )
    words += _price(use, candidates)
    return Verdict(use.name, best.name, " ".join(words))


def no_verdict() -> Verdict:
    """The verdict where every model was left out of it."""
    return Verdict("", "", "No verdict: every network is too small to be compared; see the warnings.")


def _why_best(best: Contender, candidates: Sequence[Contender], worse_by: Mapping[str, Interval]) -> str:
    others = sorted((model for model in candidates if model is not best), key=lambda model: model.bits_per_byte)
    if not others:
        return "It is the only model that was trained."
    second = others[0]
    gap = worse_by[second.name]
    if gap.low <= 0:
        return (
            f"The {second.name} comes next ({second.bits_per_byte:.3f}) and cannot be told from it on this test text "
            f"(95%: {gap.low:+.3f} to {gap.high:+.3f} worse), but costs more."
        )
    reason = "it and its parts err differently" if best.made_of > 1 else "the difference is more than chance"
    return (
        f"It is better than the next one, the {second.name} ({second.bits_per_byte:.3f}), by {gap.value:.3f} "
        f"(95%: {gap.low:.3f} to {gap.high:.3f}): {reason}."
    )


def _price(use: Contender, candidates: Sequence[Contender]) -> list[str]:
    """A sentence for when a much cheaper model is not far behind."""
    cheaper = [
        model
        for model in candidates
        if model is not use
        and (model.milliseconds * _DEAR <= use.milliseconds or model.bytes * _DEAR <= use.bytes)
        and model.cost < use.cost
        and model.bits_per_byte > use.bits_per_byte
    ]
    if not cheaper:
        return []
    next_best = min(cheaper, key=lambda model: model.bits_per_byte)
    times, sizes = use.milliseconds / max(next_best.milliseconds, 1e-9), use.bytes / max(next_best.bytes, 1)
    lost = 100 * (next_best.bits_per_byte / use.bits_per_byte - 1)
    slower = f"{times:.0f} times as slow" if times >= _DEAR else f"{sizes:.0f} times as large"
    return [
        f"But it is {slower} as the {next_best.name}; where that matters, take that one and lose {lost:.1f}% in bits."
    ]
