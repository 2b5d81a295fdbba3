"""One sentence on a model and its best rival: which of the two to use."""

from elman.metrics.intervals import Interval

RULES = "the rules of elman answer"
_COMMANDS = {RULES: "elman answer DOCS QUESTION"}
"""What runs a rival, by its name; most of them are trained for the comparison alone."""


def verdict(rival: str, difference: Interval, *, figure: str, units: str) -> str:
    """The sentence that follows from a difference and its interval.

    Args:
        rival: its name.
        difference: the model's figure minus the rival's.
        figure: its name, such as ``accuracy``.
        units: what was compared, such as ``2,001 sentences``.

    >>> verdict("a coin", Interval(0.3, 0.25, 0.35), figure="accuracy", units="90 examples")
    'Better than a coin by 30.0 points of accuracy (25.0 to 35.0).'
    """
    value, low, high = (100 * bound for bound in difference)
    if low > 0:
        return f"Better than {rival} by {points(value)} points of {figure} ({points(low)} to {points(high)})."
    if high < 0:
        name, by = rival[:1].upper() + rival[1:], points(-value)
        return f"{name} is better by {by} points of {figure} ({points(-high)} to {points(-low)}){instead(rival)}"
    return (
        f"No difference from {rival} that {units} could show: "
        f"{points(value)} points of {figure} ({points(low)} to {points(high)})."
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


def points(value: float) -> str:
    """A figure in percent with one digit.

    >>> points(-0.04)
    '0.0'
    """
    return f"{round(value, 1) + 0.0:.1f}"  # not "-0.0"
