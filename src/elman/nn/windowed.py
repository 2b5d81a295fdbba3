"""Layers over a window of their last W inputs.

Their state is that window, so a step always costs the same. A document start hides everything
before it; an initial state is zeros. Shapes are time first inside, as in ``recurrent.py``.
"""

from abc import abstractmethod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from elman.cells.operators import EPSILON
from elman.errors import UsageError
from elman.nn import dropout
from elman.nn.causal_conv import tail_after
from elman.nn.dropout import Masks
from elman.nn.recurrent import Chunk, State, padding_of, product
from elman.nn.scan import exact
from elman.nn.scan_cells import Parallel


class Windowed(Parallel):
    """A layer of D inputs and H outputs with ``inner`` units between them, over a window of W
    inputs.
    """

    weight_across: nn.Parameter
    """For residual layers where D is not H."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        inner: int | None = None,
        window: int | None = None,
        drop: float = 0.0,
        **options: Any,
    ) -> None:
        """``inner`` is H if None, ``window`` the cell's default. ``drop`` is the share of added
        units dropped in training, the same at all steps; for others see ``Parallel``.

        Raises:
            UsageError: a size below 1, a dropout outside [0, 1), or a weight drop other than 0.
        """
        self.inner = hidden_size if inner is None else inner
        self.window = (self.cell.window or 0) if window is None else window
        self.drop = dropout.check("dropout", drop)
        if self.inner < 1 or self.window < 2:
            raise UsageError(f"window of {self.window} with {self.inner} inner units; they must be at least 2 and 1")
        super().__init__(input_size, hidden_size, inner=self.inner, window=self.window, **options)

    def _run(self, x: Tensor, state: State, reset: Tensor | None, lengths: Tensor | None, masks: Masks | None) -> Chunk:
        padding = None if lengths is None else padding_of(x, lengths)
        x = x if padding is None else x.masked_fill(padding, 0)
        y, after = self._through(x, state, reset, lengths, masks)
        return y if padding is None else y.masked_fill(padding, 0), after

    @abstractmethod
    def _through(
        self, x: Tensor, state: State, reset: Tensor | None, lengths: Tensor | None, masks: Masks | None
    ) -> Chunk:
        """The chunk ``x[T, B, D]``, zeros at padding; outputs there are undefined."""

    def _across(self, x: Tensor) -> Tensor:
        """The residual: the input, through a product where the sizes differ."""
        return x if self.input_size == self.hidden_size else product(x, self.weight_across)

    def _dropped(self, added: Tensor, masks: Masks | None) -> Tensor:
        """``added[T, B, H]`` with dropout."""
        if masks is None or self.drop == 0:
            return added
        return added * masks.keep(1, *added.shape[1:], drop=self.drop, rows=1).to(added)


def scaled(x: Tensor, gain: Tensor) -> Tensor:
    """Vectors of mean 0 and variance 1 times a gain for each unit, in float32 (Ba, Kiros and Hinton
    2016, no bias).

    >>> scaled(torch.tensor([1.0, 3.0]), torch.ones(2)).round(decimals=3).tolist()
    [-1.0, 1.0]
    """
    return F.layer_norm(x.to(exact(x.dtype)), gain.shape, gain, eps=EPSILON).to(x.dtype)


def since_start(reset: Tensor, before: Tensor) -> Tensor:
    """The number of steps of the same document before step t: ``[T, B]``, float.

    ``reset[T, B]`` marks document starts, ``before[B]`` counts the steps before the chunk.
    """
    time = torch.arange(len(reset), device=reset.device).unsqueeze(1)
    started = torch.where(reset, time, -1).cummax(dim=0).values
    return torch.where(started < 0, time + before, (time - started).to(before.dtype))


def windows(
    x: Tensor, tail: Tensor, width: int, *, reset: Tensor | None = None, lengths: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """The last ``width`` inputs at each step, the oldest first, ``[T, B, width*D]``, and the tail
    after the last one.

    ``x[T, B, D]``; ``tail[B, (width-1)*D]`` holds the inputs before; inputs before a document start
    are zeros.

    >>> x, tail = torch.tensor([1.0, 2, 3]).view(3, 1, 1), torch.tensor([[9.0]])
    >>> seen, tail = windows(x, tail, 2, reset=torch.tensor([[False], [True], [False]]))
    >>> seen.squeeze(1).tolist(), tail.tolist()
    ([[9.0, 1.0], [0.0, 2.0], [2.0, 3.0]], [[3.0]])
    """
    (steps, batch, size), lags = x.shape, width - 1
    whole = torch.cat([tail.view(batch, lags, size).transpose(0, 1).to(x.dtype), x])
    parts = [whole[place : place + steps] for place in range(width)]
    if reset is not None:
        read = since_start(reset, torch.full((batch,), float(lags), device=x.device))
        hidden = [(read < lag).unsqueeze(-1) for lag in range(lags, 0, -1)]
        parts = [part.masked_fill(mask, 0) for part, mask in zip(parts, hidden, strict=False)] + parts[-1:]
    return torch.cat(parts, dim=-1), after_chunk(x, tail, lags, reset, lengths)


def after_chunk(x: Tensor, tail: Tensor, lags: int, reset: Tensor | None, lengths: Tensor | None) -> Tensor:
    """The last ``lags`` inputs of each row up to its last real step, ``[B, lags*D]``, unchanged."""
    if not lags:
        return tail
    if reset is None and lengths is None and len(x) >= lags:
        return x[len(x) - lags :].transpose(0, 1).flatten(1)
    batch, size = x.shape[1:]
    whole = torch.cat([tail.view(batch, lags, size).transpose(0, 1), x.to(tail.dtype)])
    return tail_after(whole, len(x), reset, lengths)
