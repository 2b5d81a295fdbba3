"""A cell: one step, the weights it needs, and the state that it carries."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Value = Any
"""A torch tensor, a NumPy array or a symbol, see ``operators.py``."""
States = tuple[Value, ...]
"""The state of a layer, in the order of ``Cell.state``."""
Step = tuple[Value, States]
"""The output and the next state."""
Shapes = dict[str, tuple[int, ...]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sizes:
    """Sizes of one layer."""

    inputs: int
    """D, size of the input."""
    hidden: int
    """H, size of the output."""
    inner: int = 0
    """Inner units of a window layer."""
    window: int = 0
    """W, inputs in the window of such a layer, including the newest."""
    heads: int = 1
    """Heads of attention."""
    direct: bool = False
    """Whether there are direct connections past the inner units."""


class Weights(Mapping[str, Value]):
    """A layer's weights by name: ``w.weight_ih``, ``"weight_across" in w``; and its sizes,
    ``w.sizes``.
    """

    def __init__(self, values: Mapping[str, Value], sizes: Sizes) -> None:
        self._values = values
        self.sizes = sizes

    def __getattr__(self, name: str) -> Value:
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(f"this cell declares no weights {name!r}; it has {', '.join(self._values)}") from None

    def __getitem__(self, name: str) -> Value:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


StepFunction = Callable[[Value, States, Weights], Step]


def one_h(sizes: Sizes) -> dict[str, int]:
    """The usual state: ``h``, of H numbers."""
    return {"h": sizes.hidden}


@dataclasses.dataclass(frozen=True)
class Cell:
    """A registered cell."""

    name: str
    """Its name for ``--model``."""
    step: StepFunction
    """One step of one layer, on the operators of ``operators.py``."""
    weights: Callable[[Sizes], Shapes]
    """The shapes of the weights by name: matrices ``(rows, columns)``, vectors ``(size,)``."""
    state: Callable[[Sizes], dict[str, int]] = one_h
    """The sizes of the state's parts by name; by default one, ``h``, of H numbers."""
    window: int | None = None
    """Default window of a layer in inputs; None if it has no window."""
    options: tuple[str, ...] = ()
    """The fields of ``Sizes`` besides ``inner`` and ``window`` that it needs."""
    adds: bool = False
    """Whether the layer is residual: its output is its input plus something."""
    says: str = ""
    """One sentence of description, shown by ``elman explain``."""
