"""One step of each recurrence, as the textbooks write it: the reference of every fast path.

    rnn        h = tanh(W_ih x + b_ih + W_hh h + b_hh)                          (Elman 1990)
    rnn-relu   the same with max(0, .)
    gru        r, z = sigmoid(...);  n = tanh(W_in x + b_in + r * (W_hn h + b_hn));  h = (1 - z) * n + z * h
    lstm       i, f, o = sigmoid(...);  g = tanh(...);  c = f * c + i * g;  h = o * tanh(c)

Weights lie as torch.nn keeps them: rows by gate, GRU ``r z n``, LSTM ``i f g o``. The GRU's z keeps the
old state. A cell takes ``x[B, D]`` and a state, and returns the next state, whose first tensor is the output.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

State = tuple[Tensor, ...]
"""All that one recurrence carries: ``(h,)`` or, for the LSTM, ``(h, c)``; each ``[B, H]``."""


class Weights(NamedTuple):
    """The parameters of one layer with G gates (1, 3 or 4)."""

    weight_ih: Tensor
    """From the input, ``[G*H, D]``."""
    weight_hh: Tensor
    """From the hidden state, ``[G*H, H]``."""
    bias_ih: Tensor
    """``[G*H]``."""
    bias_hh: Tensor
    """``[G*H]``; apart from ``bias_ih`` because the GRU's r multiplies only this one's last third."""


Cell = Callable[[Tensor, State, Weights], State]


def rnn(x: Tensor, state: State, weights: Weights) -> State:
    """One step of Elman's network with tanh.

    >>> one = torch.ones(1, 1)
    >>> (h,) = rnn(one, (torch.zeros(1, 1),), Weights(one, one, torch.zeros(1), torch.zeros(1)))
    >>> round(h.item(), 4)
    0.7616
    """
    return (torch.tanh(_sum_of_both(x, state[0], weights)),)


def rnn_relu(x: Tensor, state: State, weights: Weights) -> State:
    """One step of Elman's network with max(0, .) in place of tanh."""
    return (torch.relu(_sum_of_both(x, state[0], weights)),)


def gru(x: Tensor, state: State, weights: Weights) -> State:
    """One step of the gated recurrent unit; where z is 1, the old state stays."""
    (h,) = state
    from_x = F.linear(x, weights.weight_ih, weights.bias_ih)
    from_h = F.linear(h, weights.weight_hh, weights.bias_hh)
    r_x, z_x, n_x = from_x.chunk(3, dim=-1)
    r_h, z_h, n_h = from_h.chunk(3, dim=-1)
    r = torch.sigmoid(r_x + r_h)
    z = torch.sigmoid(z_x + z_h)
    n = torch.tanh(n_x + r * n_h)
    return ((1 - z) * n + z * h,)


def lstm(x: Tensor, state: State, weights: Weights) -> State:
    """One step of long short-term memory with a forget gate."""
    h, c = state
    i, f, g, o = _sum_of_both(x, h, weights).chunk(4, dim=-1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return (torch.sigmoid(o) * torch.tanh(c), c)


def _sum_of_both(x: Tensor, h: Tensor, weights: Weights) -> Tensor:
    from_x = F.linear(x, weights.weight_ih, weights.bias_ih)
    return from_x + F.linear(h, weights.weight_hh, weights.bias_hh)


class InputWeights(NamedTuple):
    """The parameters of a layer whose gates see only the input: P products (minGRU 2, minLSTM 3)."""

    weight_ih: Tensor
    """``[P*H, D]``."""
    bias_ih: Tensor
    """``[P*H]``."""


def mingru(x: Tensor, state: State, weights: InputWeights) -> State:
    """One step of the minimal GRU, rows ``z v``; where z is 1, the new value replaces the old state.

    >>> column, zeros = torch.ones(2, 1), torch.zeros(2)
    >>> (h,) = mingru(torch.zeros(1, 1), (torch.ones(1, 1),), InputWeights(column, zeros))
    >>> h.item()
    0.5
    """
    (h,) = state
    z, value = F.linear(x, weights.weight_ih, weights.bias_ih).chunk(2, dim=-1)
    z = torch.sigmoid(z)
    return ((1 - z) * h + z * value,)


def minlstm(x: Tensor, state: State, weights: InputWeights) -> State:
    """One step of the minimal LSTM, rows ``i f v``; the gates are scaled to sum to 1."""
    (h,) = state
    i, f, value = F.linear(x, weights.weight_ih, weights.bias_ih).chunk(3, dim=-1)
    i, f = torch.sigmoid(i), torch.sigmoid(f)
    return (f / (f + i) * h + i / (f + i) * value,)


InputCell = Callable[[Tensor, State, InputWeights], State]


class RglruWeights(NamedTuple):
    """The parameters of one block around a real-gated linear recurrent unit."""

    weight_ih: Tensor
    """From the input, ``[2H, D]``: rows of the branch that recurs, then of the one that gates the output."""
    bias_ih: Tensor
    """``[2H]``."""
    weight_conv: Tensor
    """``[K, H]``: each unit's weights of its last K inputs, the oldest first."""
    bias_conv: Tensor
    """``[H]``."""
    weight_gates: Tensor
    """From the convolved branch, ``[2H, H]``, rows ``r i``."""
    bias_gates: Tensor
    """``[2H]``."""
    decay: Tensor
    """Lambda, ``[H]``: the greater, the faster a unit forgets."""
    weight_out: Tensor
    """``[H, H]``."""
    bias_out: Tensor
    """``[H]``."""


def rglru(x: Tensor, state: State, weights: RglruWeights) -> tuple[Tensor, State]:
    """Output and state ``(h, tail)`` of one step; ``tail[B, (K-1)*H]``: what the branch was last, the oldest first."""
    h, tail = state
    branch, gate = F.linear(x, weights.weight_ih, weights.bias_ih).chunk(2, dim=-1)
    window = torch.cat([tail, branch], dim=-1)
    u = (window.view(len(x), *weights.weight_conv.shape) * weights.weight_conv).sum(dim=1) + weights.bias_conv
    r, i = torch.sigmoid(F.linear(u, weights.weight_gates, weights.bias_gates)).chunk(2, dim=-1)
    log_a = -8 * r * F.softplus(weights.decay)
    h = log_a.exp() * h + torch.sqrt(-torch.expm1(2 * log_a)) * i * u
    y = F.linear(F.gelu(gate) * h, weights.weight_out, weights.bias_out)
    return y, (h, window[:, h.shape[1] :])
