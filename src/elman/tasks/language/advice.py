"""A summary of a training in words: how much was read, and whether an n-gram does as well."""

import math
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from elman.tasks.undertrained import epochs_in_words

FEWEST_VALIDATIONS = 3
_MOST_DOUBLINGS = 2.0
"""A curve says nothing about more than four times its time."""


def advice(card: Mapping[str, Any], folder: str) -> Iterator[str]:
    """Sentences about a trained network, from its model card.

    Args:
        folder: where it lies.
    """
    rival = card.get("rival")
    if card.get("epochs") is None:
        return
    read = epochs_in_words(card["epochs"], "text")
    if rival is None:
        yield read
        return
    name, figures = f"{rival['order']}-gram", card["figures"][rival["text"]]
    counted = "the same text"
    if rival["tokens"] < rival["of"]:
        counted = f"a sample of the same text ({rival['tokens'] / 1e6:.1f} of {rival['of'] / 1e6:.1f} M tokens)"
    yield (
        f"{read}; a {name} of {counted} scores {rival['bits_per_byte']:.4f} bits per byte on the {rival['text']} text, "
        f"this network {figures['bits_per_byte']:.4f}"
    )
    worse = rival["worse_by"]
    if worse is None:
        yield f"the {rival['text']} text is too short to tell which of them is better ({rival['units']})"
    elif worse["low"] > 0:
        yield (
            f"the {name} is better by {worse['value']:.4f} bits per byte (95%: {worse['low']:.4f} to "
            f"{worse['high']:.4f}): {_what_to_do(card, rival, folder)}"
        )
    elif worse["high"] >= 0:
        yield (f"the difference is not significant (95%: {worse['low']:+.4f} to {worse['high']:+.4f} bits per byte)")


def minutes_to_gain(curve: Sequence[tuple[float, float]], gain: float) -> float | None:
    """The fewest minutes of training that would lower a validation figure by ``gain``; None if the
    curve does not tell.

    Learning curves flatten over the logarithm of time, so the last slope gives the fewest.

    Args:
        curve: seconds and figure of each validation, in order.

    >>> curve = [(60.0, 2.4), (120.0, 2.2), (240.0, 2.0)]  # 0.2 for each doubling of the time
    >>> round(minutes_to_gain(curve, 0.2), 6)
    8.0
    >>> minutes_to_gain(curve, 0.5) is None  # more than four times as long as was seen
    True
    """
    if len(curve) < FEWEST_VALIDATIONS:
        return None
    seconds = curve[-1][0]
    start = next(point for point in reversed(curve[:-1]) if 2 * point[0] <= seconds or point is curve[0])
    doublings = math.log2(max(seconds, 1e-9) / max(start[0], 1e-9))
    slope = (start[1] - curve[-1][1]) / doublings if doublings > 0 else 0.0
    if slope <= 0 or gain > _MOST_DOUBLINGS * slope:
        return None
    return seconds / 60 * 2 ** (gain / slope)


def _what_to_do(card: Mapping[str, Any], rival: Mapping[str, Any], folder: str) -> str:
    texts = shlex.join(card["data"]["sources"])
    mix = f"mix both (elman evaluate {shlex.quote(folder)} TEXT --mix ngram)"
    use = f"use it (elman train {texts} --model ngram --order {rival['order']} --out ngram)"
    if rival["minutes"] is None:
        return f"{use}, {mix}, or train several times as long"
    return f"{use}, {mix}, or train for at least {rival['minutes']:.2g} minutes, judging by the validation curve"
