"""Measure: the figure that a comparison is about, and how it is written."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Measure(NamedTuple):
    """A figure of models: a loss in some unit, or a share that is better when it is greater.

    >>> bits = Measure("bits_per_byte", "bits/byte", "bits per byte", "bits")
    >>> f1 = Measure("f1", "F1", "F1", "errors", share=True)
    >>> bits.shown(1.6234), bits.apart(0.02), f1.shown(0.312), f1.apart(0.02)
    ('1.623', '0.020', '31.20%', '2.00 points')
    >>> bits.loss(1.6), f1.loss(0.75)
    (1.6, 0.25)
    """

    key: str
    """Its name in the numbers of a comparison."""
    short: str
    """As the head of a column."""
    words: str
    lost: str
    """What a worse model has more of."""
    share: bool = False
    """Whether it is a share, of which more is better."""

    def loss(self, value: float) -> float:
        """The figure as a loss: less is better."""
        return 1 - value if self.share else value

    def scaled(self, value: float) -> float:
        """As it is drawn: shares in percent."""
        return 100 * value if self.share else value

    def shown(self, value: float) -> str:
        """The figure in a sentence or a cell."""
        return f"{100 * value:.2f}%" if self.share else f"{value:.3f}"

    def apart(self, difference: float, *, digits: int = 3) -> str:
        """A difference in a sentence."""
        return f"{100 * difference:.{digits - 1}f} points" if self.share else f"{difference:.{digits}f}"

    def between(self, low: float, high: float, *, sign: str = "") -> str:
        """The bounds of a difference, with ``sign`` ``+`` for ones that may be below 0."""
        scale, digits = (100, 2) if self.share else (1, 3)
        return f"{scale * low:{sign}.{digits}f} to {scale * high:{sign}.{digits}f}"

    @property
    def axis(self) -> str:
        """The label of an axis."""
        return f"{self.words} on test data ({'%, more' if self.share else 'less'} is better)"


class Column(NamedTuple):
    """Another column of the table of models."""

    key: str
    name: str
    form: str = "number"
    """``number``, ``share`` or ``gain``, a difference of shares."""

    def shown(self, model: Mapping[str, Any]) -> str:
        """The cell of a model.

        >>> model = {"gain": {"value": 0.012, "low": -0.01, "high": 0.034}, "f1": {"value": 0.5}}
        >>> Column("gain", "gain", "gain").shown(model), Column("f1", "F1", "share").shown(model)
        ('+1.20 (-1.00 to +3.40)', '50.00%')
        """
        figure = model.get(self.key)
        if figure is None:
            return "–"
        value = figure["value"]
        if self.form == "share":
            return f"{100 * value:.2f}%"
        if self.form == "gain":
            return f"{100 * value:+.2f} ({100 * figure['low']:+.2f} to {100 * figure['high']:+.2f})"
        return f"{value:.1f}"
