"""The gradient by lag: how much of the loss at one position reaches the states before it.

For the loss L_t of one token and k steps back, the norm of dL_t / ds_{t-k}, s being all that the
layers carry from one step to the next. Backpropagation multiplies one Jacobian per step (Bengio,
Simard and Frasconi 1994; Pascanu, Mikolov and Bengio 2013): where these shrink vectors, nothing can
be learned from what lies further back, and where they stretch them, updates explode. Everything
here is float64 with the cells' reference steps, so that tiny numbers are not rounded to zero, and
runs on a copy of the network.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from elman.cells.cell import Weights
from elman.models.neural import Network
from elman.nn.feedback import Feedback
from elman.nn.recurrent import Recurrent, State
from elman.nn.stack import Stack
from elman.notation import TokenIds

Curves = NDArray[np.float64]
"""Norms ``[K + 1, N]``: of lag 0 to K, for N positions in a text."""


@dataclass(frozen=True)
class Lags:
    """What came back from N losses over K steps."""

    state: Curves
    """Norm of dL_t / ds_{t-k}; at lag 0 of all layers' new states, before they are carried on."""
    layers: NDArray[np.float64]
    """The same for each layer by itself, ``[K + 1, N, L]``."""
    weights: Curves | None
    """Norm of the part of dL_t / dW_hh, over all layers, that comes through the step at t-k, ``[K,
    N]``; None for cells without hidden-to-hidden weights."""
    bound: Curves | None
    """The upper bound of ``state``: the product of the Jacobians' norms, the spectral norm of W_hh
    times the largest derivative of the units; None for gated cells, whose Jacobians are not a
    product of two."""


def gradient_by_lag(network: Network, windows: TokenIds, lags: int) -> Lags:
    """The gradient by lag of the last token of each window.

    Args:
        windows: ``[N, T + 1]`` consecutive tokens of a text; T inputs, of which the first ``T -
            lags`` only warm the state up, and the last one's successor is predicted.
        lags: K, at most T.
    """
    double = copy.deepcopy(network).cpu().double().eval()
    with torch.no_grad():
        x = double.embedding(torch.from_numpy(np.ascontiguousarray(windows[:, :-1]))).double()
        state = double.initial_state(len(windows))
        for row in x[:, : x.shape[1] - lags].unbind(dim=1):
            _, state = double.stack.step(row, state)
    targets = torch.from_numpy(windows[:, -1].astype(np.int64))

    def loss(y: Tensor) -> Tensor:
        return -double.output.log_probs(y).gather(1, targets[:, None]).sum()

    return through_time(double.stack, x[:, x.shape[1] - lags :], state, loss)


def through_time(stack: Stack, x: Tensor, state: State, loss: Callable[[Tensor], Tensor]) -> Lags:
    """As ``gradient_by_lag`` for ``loss(y[N, H])``, a sum over rows, after K steps ``x[N, K, D]``
    from ``state``."""
    walk = _Walk(stack)
    carried = tuple(part.detach().requires_grad_() for part in state)
    for row in x.unbind(dim=1):
        y, after = walk.step(row, carried)
        # A copy, so that its gradient is only what comes back through time, not through the layers
        # above.
        carried = tuple(part + 0 for part in after)
    walk.end(after)
    watched = [part for parts in walk.states for part in parts]
    found = torch.autograd.grad(loss(y), [*watched, *walk.pushes], allow_unused=True)
    gradients = [
        torch.zeros_like(of) if g is None else g for g, of in zip(found, [*watched, *walk.pushes], strict=True)
    ]
    steps, parts, layers = len(walk.states), len(state), len(stack.layers)
    norms = torch.stack([g.norm(dim=1) for g in gradients[: len(watched)]]).view(steps, parts, -1).flip(0)
    by_layer = torch.stack([norms[:, stack.parts_of(number)].norm(dim=1) for number in range(layers)], dim=-1)
    weights = None
    if walk.pushes:
        back = torch.stack([g.norm(dim=1) for g in gradients[len(watched) :]]).view(steps - 1, layers, -1)
        held = torch.stack(walk.held).view(steps - 1, layers, -1)
        weights = (back * held).norm(dim=1).flip(0)
    return Lags(
        state=norms.norm(dim=1).numpy(),
        layers=by_layer.numpy(),
        weights=None if weights is None else weights.numpy(),
        bound=walk.bound(by_layer) if walk.slopes else None,
    )


class _Walk:
    """Steps of a stack that keep the tensors whose gradients are wanted."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.states: list[State] = []
        self.pushes: list[Tensor] = []
        """Zeros added to the input from the hidden state, ``[N, G*H]`` for each step and layer;
        their gradients times the state before are the step's part of the gradient of W_hh.
        """
        self.held: list[Tensor] = []
        """Norm of the hidden state that W_hh was multiplied by, ``[N]``."""
        self.slopes: list[Tensor] = []
        """The largest derivative of the units of a plain RNN, ``[N]``."""

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        self.states.append(state)
        return self.stack.step(x, state, self._take)

    def end(self, state: State) -> None:
        self.states.append(state)

    def _take(self, number: int, x: Tensor, state: State) -> tuple[Tensor, State]:
        layer = cast(Recurrent, self.stack.layers[number])
        if not isinstance(layer, Feedback):
            return layer.step(x, state)
        push = torch.zeros(len(x), len(layer.weight_hh), dtype=x.dtype, requires_grad=True)
        self.pushes.append(push)
        self.held.append(state[0].detach().norm(dim=1))
        # A bias of its own for each row: its gradient is not summed over them.
        weights = Weights({**layer.weights(), "bias_hh": layer.bias_hh + push}, layer.sizes)
        y, after = layer.cell.step(x, state, weights)
        if layer.cell.name in _SLOPES:
            self.slopes.append(_SLOPES[layer.cell.name](y.detach()).amax(dim=1))
        return y, after

    def bound(self, measured: Tensor) -> Curves:
        """Upper bounds of the gradients by lag, from those measured at lag 0.

        With several layers, a layer's state also gets gradient from the layer above it at the same
        step.
        """
        layers = [cast(Feedback, layer) for layer in self.stack.layers]
        across = [float(torch.linalg.matrix_norm(layer.weight_hh.detach(), 2)) for layer in layers]
        down = [float(torch.linalg.matrix_norm(layer.weight_ih.detach(), 2)) for layer in layers]
        slopes = torch.stack(self.slopes).view(-1, len(layers), measured.shape[1]).flip(0)
        whole = measured[0]
        found = [whole.norm(dim=-1)]
        for slope in slopes:
            through = [across[number] * slope[number] * whole[:, number] for number in range(len(layers))]
            found.append(torch.stack(through, dim=-1).norm(dim=-1))
            if len(found) <= len(slopes):
                # The slopes of the step before, which produced these states.
                whole = self._joined(through, slopes[len(found) - 1], down)
        return torch.stack(found).numpy()

    def _joined(self, through: list[Tensor], slope: Tensor, down: list[float]) -> Tensor:
        whole, joined = [through[-1]], torch.zeros_like(through[-1])
        for number in reversed(range(len(through) - 1)):
            # A layer's output goes into the layer above, and with residuals past it.
            joined = down[number + 1] * slope[number + 1] * whole[0] + float(self.stack.residual) * joined
            whole.insert(0, through[number] + joined)
        return torch.stack(whole, dim=-1)


_SLOPES = {"rnn": lambda h: 1 - h * h, "rnn-relu": lambda h: (h > 0).to(h.dtype)}
"""The derivatives of a plain RNN's units, from their values."""
