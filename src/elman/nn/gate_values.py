"""What the gates of each cell are at one step, by the same equations as the cell's own step.

A gate is a number between 0 and 1 for each unit. Every gated cell is, unit by unit, ``new = keep * old + ...``:
``keep`` says how much of the old state (of the LSTM: of the cell state c) stays. A plain RNN has no gates.
"""

from collections.abc import Callable
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor

from elman.nn.cells import State
from elman.nn.recurrent import Recurrent

Gates = dict[str, Tensor]
"""Values ``[B, H]`` by the gate's name; ``keep`` among them."""


def gates_of(layer: Recurrent, x: Tensor, state: State) -> Gates:
    """The gates of one step of ``layer`` that reads ``x[B, D]`` in ``state``; empty for cells without any.

    LSTM: ``input``, ``forget``, ``output``; GRU: ``reset``, ``update`` (1 keeps the old state); minGRU: ``update``
    (1 replaces it); minLSTM: ``input``, ``forget``, scaled to sum to 1; RG-LRU: ``recurrence``, ``input``. All
    have ``keep`` too.

    >>> from elman.nn.sequence import CELLS
    >>> layer = CELLS["lstm"](2, 3)
    >>> sorted(gates_of(layer, torch.zeros(1, 2), layer.initial_state(1)))
    ['forget', 'input', 'keep', 'output']
    """
    found = _GATES.get(type(layer).__name__)
    return {} if found is None else found(layer, x, state)


def _lstm(layer: Recurrent, x: Tensor, state: State) -> Gates:
    i, f, _, o = _both(layer, x, state[0]).chunk(4, dim=-1)
    forget = torch.sigmoid(f)
    return {"input": torch.sigmoid(i), "forget": forget, "output": torch.sigmoid(o), "keep": forget}


def _gru(layer: Recurrent, x: Tensor, state: State) -> Gates:
    r, z, _ = _both(layer, x, state[0]).chunk(3, dim=-1)
    update = torch.sigmoid(z)
    return {"reset": torch.sigmoid(r), "update": update, "keep": update}


def _mingru(layer: Recurrent, x: Tensor, state: State) -> Gates:
    z, _ = F.linear(x, layer.weight_ih, _bias(layer, "ih")).chunk(2, dim=-1)
    update = torch.sigmoid(z)
    return {"update": update, "keep": 1 - update}


def _minlstm(layer: Recurrent, x: Tensor, state: State) -> Gates:
    i, f, _ = F.linear(x, layer.weight_ih, _bias(layer, "ih")).chunk(3, dim=-1)
    i, f = torch.sigmoid(i), torch.sigmoid(f)
    return {"input": i / (f + i), "forget": f / (f + i), "keep": f / (f + i)}


def _rglru(layer: Recurrent, x: Tensor, state: State) -> Gates:
    weight_conv, bias_conv = cast(Tensor, layer.weight_conv), cast(Tensor, layer.bias_conv)
    branch, _ = F.linear(x, layer.weight_ih, _bias(layer, "ih")).chunk(2, dim=-1)
    window = torch.cat([state[1], branch], dim=-1).view(len(x), *weight_conv.shape)
    u = (window * weight_conv).sum(dim=1) + bias_conv
    gates = F.linear(u, cast(Tensor, layer.weight_gates), cast(Tensor, layer.bias_gates))
    r, i = torch.sigmoid(gates).chunk(2, dim=-1)
    keep = torch.exp(-8 * r * F.softplus(cast(Tensor, layer.decay)))
    return {"recurrence": r, "input": i, "keep": keep}


def _both(layer: Recurrent, x: Tensor, h: Tensor) -> Tensor:
    from_h = F.linear(h, cast(Tensor, layer.weight_hh), _bias(layer, "hh"))
    return F.linear(x, layer.weight_ih, _bias(layer, "ih")) + from_h


def _bias(layer: Recurrent, side: str) -> Tensor:
    return cast(Tensor, getattr(layer, f"bias_{side}"))


_GATES: dict[str, Callable[[Recurrent, Tensor, State], Gates]] = {
    "Lstm": _lstm,
    "Gru": _gru,
    "MinGru": _mingru,
    "MinLstm": _minlstm,
    "RgLru": _rglru,
}
