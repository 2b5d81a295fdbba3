"""A stack of layers with dropout between them, and one state for all."""

import math
from collections.abc import Callable, Mapping
from itertools import accumulate, pairwise
from typing import Any, cast

import torch
from torch import Tensor, nn

from elman.cells.registry import cell_named
from elman.errors import UsageError
from elman.nn import dropout
from elman.nn.dropout import Masks
from elman.nn.recurrent import Chunk, Recurrent, State
from elman.nn.sequence import make_layer
from elman.nn.windowed import scaled

Take = Callable[[int, Tensor, State], tuple[Tensor, State]]
"""The step of one layer: from its number, ``x[B, D]`` and its state to its output and next
state."""


class Stack(nn.Module):
    """L recurrent layers as one recurrence; its state is the layers' states in one flat tuple.

    >>> stack = Stack(cell="lstm", input_size=4, hidden_size=6, output_size=4, layers=2)
    >>> stack.state_names
    ('h0', 'c0', 'h1', 'c1')
    >>> [tuple(part.shape) for part in stack.initial_state(3)]
    [(3, 6), (3, 6), (3, 4), (3, 4)]
    """

    def __init__(
        self,
        *,
        cell: str,
        input_size: int,
        hidden_size: int,
        output_size: int | None = None,
        layers: int = 1,
        residual: bool = False,
        skip: bool = False,
        projection: bool = False,
        input_dropout: float = 0.0,
        dropout_between: float = 0.0,
        output_dropout: float = 0.0,
        weight_drop: float = 0.0,
        options: Mapping[str, Any] | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        """Sizes are E -> H -> .. -> H -> ``output_size`` (H if None; a tied output wants E). With
        ``projection`` all layers have H units, and a product leads from the last to
        ``output_size``.

        ``residual`` adds a layer's input to its output where the sizes agree. ``skip`` adds to the
        last layer's output a product of each lower layer's output (Graves 2013), which starts at
        zero. It makes the path from input to output short from the first update on. The dropouts
        act in training only: locked ones on the input, between layers and on the output, and
        ``weight_drop`` on hidden-to-hidden weights. ``options`` are for each layer whose kind has
        some: see ``nn/windowed.py``. Residual kinds drop units of what they add to their input, and
        the sum is scaled at the end. ``generator`` draws the initial weights.

        Raises:
            UsageError: an unknown cell, no layers, or a dropout outside [0, 1).
        """
        super().__init__()
        kind = cell_named(cell)
        if layers < 1:
            raise UsageError(f"{layers} layers; a stack needs at least 1")
        self.residual = residual
        between, layer_options = dropout.check("dropout between layers", dropout_between), dict(options or {})
        if kind.window is not None:
            layer_options["drop"], between = between, 0.0 if kind.adds else between
        self.drops = (
            dropout.check("input dropout", input_dropout),
            *[between] * (layers - 1),
            dropout.check("output dropout", output_dropout),
        )
        self.output_size = hidden_size if output_size is None else output_size
        sizes = [input_size] + [hidden_size] * (layers - 1) + [hidden_size if projection else self.output_size]
        self.layers = nn.ModuleList(
            make_layer(cell, below, above, weight_drop=weight_drop, generator=generator, **layer_options)
            for below, above in pairwise(sizes)
        )
        self.projection = Projection(hidden_size, self.output_size, generator) if projection else None
        self.skips = nn.ModuleList(
            nn.Linear(size, self.output_size, bias=False) for size in (sizes[1:-1] if skip else ())
        )
        for shortcut in self.skips:
            nn.init.zeros_(shortcut.weight)  # type: ignore[arg-type]
        self.gain = nn.Parameter(torch.ones(sizes[-1])) if kind.adds else None
        names = [layer.state_names for layer in self._recurrent()]
        self.state_names = tuple(f"{name}{i}" for i, parts in enumerate(names) for name in parts)
        """One name per state tensor."""
        ends = accumulate((len(parts) for parts in names), initial=0)
        self._spans = [slice(start, stop) for start, stop in pairwise(ends)]

    def initial_state(self, batch: int) -> State:
        """The state of B fresh rows."""
        return tuple(part for layer in self._recurrent() for part in layer.initial_state(batch))

    def step(self, x: Tensor, state: State, take: Take | None = None) -> tuple[Tensor, State]:
        """One step through all layers, nothing dropped: ``x[B, E]`` to ``[B, output_size]``.

        ``take`` replaces a layer's step, to observe what happens inside.
        """
        after: State = ()
        outputs = []
        for number, (layer, span) in enumerate(zip(self._recurrent(), self._spans, strict=True)):
            y, own = layer.step(x, state[span]) if take is None else take(number, x, state[span])
            x = self._joined(x, y)
            outputs.append(x)
            after += own
        return self._skipped(outputs), after

    def forward(
        self,
        x: Tensor,
        state: State,
        reset: Tensor | None = None,
        lengths: Tensor | None = None,
        masks: Masks | None = None,
    ) -> Chunk:
        """The whole chunk layer by layer, ``x[B, T, E]`` to ``[B, T, output_size]``; see
        Recurrent.
        """
        if lengths is not None and self.residual:
            padding = torch.arange(x.shape[1], device=x.device) >= lengths.unsqueeze(1)
            x = x.masked_fill(padding.unsqueeze(-1), 0)
        x = dropout.locked(x, self.drops[0], masks)
        after: State = ()
        outputs = []
        for number, (layer, span) in enumerate(zip(self._recurrent(), self._spans, strict=True)):
            if number:
                x = dropout.locked(x, self.drops[number], masks)
            y, own = layer(x, state[span], reset, lengths, masks)
            x = self._joined(x, y)
            outputs.append(x)
            after += own
        return dropout.locked(self._skipped(outputs), self.drops[-1], masks), after

    def _skipped(self, outputs: list[Tensor]) -> Tensor:
        """The last layer's output, projected, plus the skip connections."""
        y = outputs[-1] if self.gain is None else scaled(outputs[-1], self.gain)
        y = y if self.projection is None else self.projection(y)
        for shortcut, below in zip(self.skips, outputs, strict=False):
            y = y + shortcut(below).to(y.dtype)
        return y

    def parts_of(self, number: int) -> slice:
        """The slice of the state's tensors that belongs to a layer."""
        return self._spans[number]

    def _recurrent(self) -> list[Recurrent]:
        return [cast(Recurrent, layer) for layer in self.layers]

    def _joined(self, x: Tensor, y: Tensor) -> Tensor:
        return y + x.to(y.dtype) if self.residual and x.shape[-1] == y.shape[-1] else y


class Projection(nn.Linear):
    """A product from the last layer's H units to E numbers of the same variance."""

    def __init__(self, hidden_size: int, size: int, generator: torch.Generator | None) -> None:
        super().__init__(hidden_size, size, bias=False)
        bound = math.sqrt(3 / hidden_size)
        nn.init.uniform_(self.weight, -bound, bound, generator=generator)
