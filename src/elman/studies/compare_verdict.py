"""Which model to use, in words: the best one, unless a cheaper one cannot be told from it.

Cheap means a small product of bytes on disk, milliseconds a token and seconds of training. The
cheapest model whose paired interval against the best one includes 0, or a difference too small to
matter, is recommended. Of fewer than ten units no interval is believed: five that all say the same
do so by chance once in sixteen times.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from elman.metrics.intervals import Interval
from elman.progress import duration

FEWEST_UNITS = 10
_NEGLIGIBLE = 0.001
"""A share of the bits that nobody notices, however surely it is there: a mixture that has found all
but one of its parts useless is still a hair better than that part."""
_DEAR = 10.0
"""From so many times the milliseconds or bytes on, the price is named, with who is next without
it."""


class Candidate(NamedTuple):
    """A model as the verdict sees it."""

    name: str
    bits_per_byte: float
    bytes: int
    milliseconds: float
    """A token, one after another."""
    seconds: float
    """Of training."""
    made_of: int = 1
    """Models that it mixes."""
    network: bool = True

    @property
    def cost(self) -> float:
        """What a model is cheap by."""
        return max(self.bytes, 1) * max(self.milliseconds, 1e-6) * max(self.seconds, 0.1)


class Verdict(NamedTuple):
    """What to use, and why."""

    use: str
    best: str
    """The lowest bits per byte, whatever it costs."""
    words: str


def decide(
    candidates: Sequence[Candidate],
    worse_by: Mapping[str, Interval],
    *,
    training_tokens: int,
    units: int,
    unit: str = "word",
) -> Verdict:
    """The verdict.

    Args:
        worse_by: by how many bits per byte each other model is worse than the best one, as a paired
            interval.
        units: how many documents or blocks of lines the intervals come from.
        unit: what a token is called.
    """
    best = min(candidates, key=lambda each: each.bits_per_byte)
    few = units < FEWEST_UNITS
    least = _NEGLIGIBLE * best.bits_per_byte

    def as_good(each: Candidate) -> bool:
        return few or each is best or worse_by[each.name].low <= 0 or worse_by[each.name].high <= least

    equal = [each for each in candidates if as_good(each)]
    use = min(equal, key=lambda each: each.cost)
    words = [f"Use the {use.name}: {use.bits_per_byte:.3f} bits per byte."]
    if few and use is not best:
        words.append(
            f"The {best.name} has the lowest figure, {best.bits_per_byte:.3f}, but the test text has only {units} "
            f"parts to compare by; at least {FEWEST_UNITS} are needed to tell models apart, so take the cheapest one."
        )
    elif use is best:
        words.append(_why_best(best, candidates, worse_by))
    elif (found := worse_by[use.name]).low > 0:
        words.append(
            f"The {best.name} has the lowest figure, {best.bits_per_byte:.3f}, but is better by {found.value:.4f} "
            f"only, which is too little to matter; the {use.name} is cheaper."
        )
    else:
        words.append(
            f"The {best.name} has the lowest figure, {best.bits_per_byte:.3f}, but the difference of {found.value:.3f} "
            f"cannot be told from none on this test text (95%: {found.low:+.3f} to {found.high:+.3f}), and the "
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


def _why_best(best: Candidate, candidates: Sequence[Candidate], worse_by: Mapping[str, Interval]) -> str:
    others = sorted((each for each in candidates if each is not best), key=lambda each: each.bits_per_byte)
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


def _price(use: Candidate, candidates: Sequence[Candidate]) -> list[str]:
    """Said when a much cheaper model is not far behind."""
    cheaper = [
        each
        for each in candidates
        if each is not use
        and (each.milliseconds * _DEAR <= use.milliseconds or each.bytes * _DEAR <= use.bytes)
        and each.cost < use.cost
        and each.bits_per_byte > use.bits_per_byte
    ]
    if not cheaper:
        return []
    next_best = min(cheaper, key=lambda each: each.bits_per_byte)
    times, sizes = use.milliseconds / max(next_best.milliseconds, 1e-9), use.bytes / max(next_best.bytes, 1)
    lost = 100 * (next_best.bits_per_byte / use.bits_per_byte - 1)
    slower = f"{times:.0f} times as slow" if times >= _DEAR else f"{sizes:.0f} times as large"
    return [
        f"But it is {slower} as the {next_best.name}; where that matters, take that one and lose {lost:.1f}% in bits."
    ]
