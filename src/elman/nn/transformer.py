"""A Transformer layer (Vaswani et al. 2017) with attention over the last W inputs, so its state is
bounded.

Layers are pre-norm; positions are rotary (Su et al. 2021). Rotations depend only on the distance of
a key, so keys are stored unrotated and rotated on use; single steps far into a text compute the
same as whole passes.

The state: the ``keys`` (in two halves, the coordinates of the rotations) and ``values`` of the last
W - 1 inputs, the oldest first, and ``read``, the number of inputs read.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from elman.cells.registry import CELLS
from elman.cells.windowed import pairs_of, speeds_of
from elman.errors import UsageError
from elman.nn.dropout import Masks
from elman.nn.recurrent import Chunk, State, product
from elman.nn.scan import exact
from elman.nn.windowed import Windowed, after_chunk, scaled, since_start

_BLOCK = 128
"""Queries computed together; they see at most W - 1 keys before the block, so the cost is linear in
T."""


class TransformerLayer(Windowed):
    """``z = x + W_out attention(W_ih norm(x))``, ``y = z + W_down (silu(g) * u)`` with
    ``g, u = W_up norm(z)``.

    The feed-forward part is gated (SwiGLU; Shazeer 2020), with ``inner`` units.

    >>> layer = TransformerLayer(8, 8, heads=2, window=5)
    >>> [tuple(part.shape) for part in layer.initial_state(3)]
    [(3, 16), (3, 16), (3, 32), (3, 1)]
    """

    cell = CELLS["transformer"]
    gain: nn.Parameter
    weight_ih: nn.Parameter
    weight_out: nn.Parameter
    gain_up: nn.Parameter
    weight_up: nn.Parameter
    weight_down: nn.Parameter

    def __init__(self, input_size: int, hidden_size: int, *, heads: int = 1, **options: Any) -> None:
        """``heads`` split H; each has an even number of units, rounded up; for others see
        ``Windowed``.

        Raises:
            UsageError: no heads, or more than units.
        """
        if not 1 <= heads <= hidden_size:
            raise UsageError.of("heads", heads, f"at least 1 and at most {hidden_size}, the size of the layer")
        super().__init__(input_size, hidden_size, heads=heads, **options)
        self.heads = heads
        self.pairs = pairs_of(self.sizes)
        """Pairs of units per head."""

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """As in ``Recurrent``, the gains at 1."""
        super().reset_parameters(generator)
        nn.init.ones_(self.gain)
        nn.init.ones_(self.gain_up)

    def _through(
        self, x: Tensor, state: State, reset: Tensor | None, lengths: Tensor | None, masks: Masks | None
    ) -> Chunk:
        (steps, batch, _), lags, read = x.shape, self.window - 1, state[3].squeeze(1)
        # A row's keys are contiguous, as in the state, so earlier keys are copied only once.
        q1, q2, *new = (part.transpose(0, 1).unflatten(-1, (self.heads, -1)) for part in self._asked(x))
        old = [part.view(batch, lags, self.heads, part.shape[1] // lags // self.heads) for part in state[:3]]
        starts = torch.zeros(steps, batch, dtype=torch.bool, device=x.device) if reset is None else reset
        age = since_start(starts, read)
        queries = self._turned(q1, q2, lags)
        first, second, values = (part.to(x.dtype) for part in old)
        keys = torch.cat([self._turned(first, second, 0), self._turned(new[0], new[1], lags)], dim=1)
        values = torch.cat([values, new[2]], dim=1)
        queries, keys, values = (part.transpose(1, 2) for part in (queries, keys, values))
        blocks = []
        for begin in range(0, steps, _BLOCK):
            end = min(begin + _BLOCK, steps)
            asked, among = queries[:, :, begin:end], slice(begin, end + lags)
            seen = self._seen(age[begin:end])
            way = F.scaled_dot_product_attention if x.is_cuda else attended
            blocks.append(way(asked, keys[:, :, among], values[:, :, among], _barred(seen, x.dtype)))
        looked_up = torch.cat(blocks, dim=2).permute(2, 0, 1, 3).flatten(2)
        after = [_kept(one.flatten(2), part, reset, lengths) for one, part in zip(new, state[:3], strict=True)]
        ends = torch.full((batch,), steps, device=x.device) if lengths is None else lengths
        last = age.gather(0, (ends - 1).clamp(min=0).unsqueeze(0)).squeeze(0)
        ages = torch.where(ends > 0, (last + 1).clamp(max=lags), read)
        return self._above(x, looked_up, masks), (*after, ages.unsqueeze(1))

    def _asked(self, x: Tensor) -> list[Tensor]:
        """Both halves of the queries and of the keys, and the values."""
        size = self.heads * self.pairs
        return list(product(scaled(x, self.gain), self.weight_ih).split([size, size, size, size, 2 * size], dim=-1))

    def _above(self, x: Tensor, attended_values: Tensor, masks: Masks | None) -> Tensor:
        # Sums in float32, for the added values are small.
        z = self._across(x).to(exact(x.dtype)) + self._dropped(product(attended_values, self.weight_out), masks)
        gate, up = product(scaled(z, self.gain_up).to(x.dtype), self.weight_up).chunk(2, dim=-1)
        return (z + self._dropped(product(F.silu(gate) * up, self.weight_down), masks)).to(x.dtype)

    def _turned(self, first: Tensor, second: Tensor, position: int) -> Tensor:
        """Both halves ``[B, K, heads, ..]``, rotated and concatenated; the first is at
        ``position``.
        """
        positions = position + torch.arange(first.shape[1], device=first.device)
        turn = positions.view(-1, 1, 1) * torch.from_numpy(speeds_of(self.pairs)).to(first.device)
        cos, sin = (part.to(first.dtype) for part in (turn.cos(), turn.sin()))
        return torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1)

    def _seen(self, age: Tensor) -> Tensor:
        """Which keys each query of a block sees, ``[B, 1, queries, W - 1 + queries]``;
        ``age[queries, B]``.
        """
        count = len(age)
        lag = (self.window - 1 + torch.arange(count).unsqueeze(1) - torch.arange(self.window - 1 + count)).to(
            age.device
        )
        old = (lag.unsqueeze(1) <= age.unsqueeze(-1) + 0.5) | (lag.unsqueeze(1) == 0)
        return (old & ((lag >= 0) & (lag < self.window)).unsqueeze(1)).transpose(0, 1).unsqueeze(1)


def attended(queries: Tensor, keys: Tensor, values: Tensor, barred: Tensor) -> Tensor:
    """torch's scaled_dot_product_attention by plain products, which take a quarter of the time in
    bfloat16 on CPUs.

    ``queries[B, heads, Q, d]``, ``keys`` and ``values[B, heads, K, d]``, ``barred[B, 1, Q, K]`` is
    added to the scores.
    """
    scores = (queries * queries.shape[-1] ** -0.5) @ keys.transpose(-1, -2) + barred
    return scores.softmax(dim=-1, dtype=exact(scores.dtype)).to(values.dtype) @ values


def _barred(seen: Tensor, dtype: torch.dtype) -> Tensor:
    return torch.zeros(seen.shape, dtype=dtype, device=seen.device).masked_fill_(~seen, -torch.inf)


def _kept(new: Tensor, old: Tensor, reset: Tensor | None, lengths: Tensor | None) -> Tensor:
    """The state's part after a chunk, ``new[B, T, A]`` behind ``old[B, (W-1)*A]``."""
    batch, steps, size = new.shape
    lags = old.shape[1] // size
    if reset is not None or lengths is not None:
        return after_chunk(new.transpose(0, 1), old, lags, reset, lengths)
    before = old.view(batch, lags, size)[:, min(steps, lags) :]
    return torch.cat([before, new[:, max(steps - lags, 0) :].to(old.dtype)], dim=1).flatten(1)
