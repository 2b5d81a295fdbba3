"""One sentence on a model and its best rival: which of the two to use."""

from collections.abc import Callable, Sequence
from typing import Protocol

from elman.metrics.intervals import Interval

RULES = "the rules of elman answer"
_COMMANDS = {RULES: "elman answer DOCS QUESTION"}
"""What runs a rival, by its name; most of them are trained for the comparison alone."""


NO_RIVAL = "No rival was compared."


class Compared(Protocol):
    """The scores of a rival."""

    @property
    def name(self) -> str: ...

    @property
    def difference(self) -> Interval | None: ...


def verdict(rival: str, difference: Interval, *, figure: str, units: str) -> str:
    """The sentence that follows from a difference of shares and its interval.

    Args:
        rival: its name.
        difference: the model's figure minus the rival's.
        figure: its name, such as ``accuracy``.
        units: what was compared, such as ``2,001 sentences``.

    >>> verdict("a coin", Interval(0.3, 0.25, 0.35), figure="accuracy", units="90 examples")
    'Better than a coin by 30.0 points of accuracy (25.0 to 35.0).'
    """
    percent = Interval(*(100 * bound for bound in difference))
    return sentence(rival, percent, figure=f"points of {figure}", units=units, shown=points)


def sentence(
    rival: str, difference: Interval, *, figure: str, units: str, shown: Callable[[float], str] = "{:.3f}".format
) -> str:
    """The same for a difference in any unit; above 0 the model is better.

    Args:
        figure: with its unit, such as ``nats of log loss``.
        shown: a number as text.
    """
    value, low, high = difference
    if low > 0:
        return f"Better than {rival} by {shown(value)} {figure} ({shown(low)} to {shown(high)})."
    if high < 0:
        name = rival[:1].upper() + rival[1:]
        return f"{name} is better by {shown(-value)} {figure} ({shown(-high)} to {shown(-low)}){instead(rival)}"
    return (
        f"No difference from {rival} that {units} could show: {shown(value)} {figure} ({shown(low)} to {shown(high)})."
    )


def instead(rival: str) -> str:
    """The end of a sentence on a rival that is better: how to use it, or what else to do.

    >>> instead(RULES)
    ': use it (elman answer DOCS QUESTION).'
    >>> instead("a coin")
    '; elman has no command that uses it. More data or a longer training may help.'
    """
    command = _COMMANDS.get(rival)
    if command is not None:
        return f": use it ({command})."
    return "; elman has no command that uses it. More data or a longer training may help."


def verdict_of(rivals: Sequence[Compared], *, figure: str, units: str, say: Callable[..., str] = verdict) -> str:
    """The sentence on the best rival, which is the first.

    Args:
        say: ``verdict``, or ``sentence`` where differences are no shares.
    """
    if not rivals:
        return NO_RIVAL
    return say(rivals[0].name, rivals[0].difference, figure=figure, units=units)


def points(value: float) -> str:
    """A figure in percent with one digit.

    >>> points(-0.04)
    '0.0'
    """
    return f"{round(value, 1) + 0.0:.1f}"  # not "-0.0"
