"""Backpropagation through time on CPUs with compiled steps, for whole chunks with document starts.

Shapes are time first, ``[T, B, .]``; ``reset[T, B]`` marks document starts, before which the state
is zero. Float32 and bfloat16; ``weights`` are ``weight_ih, weight_hh, bias_ih, bias_hh``. Every
function returns the states after each step.

Each step is one matrix product, with weights packed once per chunk, and one compiled call
(``step_kernels``) for everything else. Input products and weight gradients are one large product
each. Gates, cell states and sums stay in float32 in bfloat16 chunks too.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.amp.autocast_mode import custom_bwd, custom_fwd
from torch.autograd.function import Function, once_differentiable

from elman.nn.product import Packed, linear, transposed
from elman.nn.recurrent import State
from elman.nn.row_threads import in_rows, share_rows


def suits(x: Tensor) -> bool:
    """Whether chunks like ``x`` are supported."""
    return x.device.type == "cpu" and x.dtype in (torch.float32, torch.bfloat16)


def rnn(x: Tensor, state: State, weights: Sequence[Tensor], reset: Tensor | None) -> State:
    """Hidden states ``[T, B, H]`` of the tanh network."""
    return (_Rnn.apply(x, *state, *weights, reset, False),)


def rnn_relu(x: Tensor, state: State, weights: Sequence[Tensor], reset: Tensor | None) -> State:
    """Hidden states ``[T, B, H]`` of the max(0, .) network."""
    return (_Rnn.apply(x, *state, *weights, reset, True),)


def gru(x: Tensor, state: State, weights: Sequence[Tensor], reset: Tensor | None) -> State:
    """Hidden states ``[T, B, H]`` of the gated recurrent unit."""
    return (_Gru.apply(x, *state, *weights, reset),)


def lstm(x: Tensor, state: State, weights: Sequence[Tensor], reset: Tensor | None) -> State:
    """Hidden and cell states, ``[T, B, H]`` each, of long short-term memory."""
    return _Lstm.apply(x, *state, *weights, reset)


class _Rnn(Function):
    @staticmethod
    @custom_fwd(device_type="cpu")
    def forward(
        ctx: Any,
        x: Tensor,
        h: Tensor,
        weight_ih: Tensor,
        weight_hh: Tensor,
        bias_ih: Tensor,
        bias_hh: Tensor,
        reset: Tensor | None,
        relu: bool,
    ) -> Tensor:
        from elman.nn import step_kernels

        weight_ih, weight_hh = weight_ih.to(x.dtype), weight_hh.to(x.dtype)
        inputs = _project(x, weight_ih, bias_ih + bias_hh)
        states, fresh = _history(h, len(x), x.dtype), _fresh(x, reset)
        times = Packed(weight_hh, rows=len(h), products=len(x))
        arrays = _array(fresh), _array(states)
        step_inputs = _array(inputs)
        for t, before in enumerate(states[:-1].unbind()):
            step_kernels.rnn_forward(t, step_inputs, _array(times(before)), *arrays, relu)
        ctx.save_for_backward(x, weight_ih, weight_hh, states, fresh, reset)
        ctx.relu, ctx.state_dtype = relu, h.dtype
        return states[1:]

    @staticmethod
    @once_differentiable
    @custom_bwd(device_type="cpu")
    def backward(ctx: Any, d_states: Tensor) -> Any:
        from elman.nn import step_kernels

        x, weight_ih, weight_hh, states, fresh, reset = ctx.saved_tensors
        d_gates, d_bias = torch.empty_like(states[1:]), weight_ih.new_zeros(weight_ih.shape[0], dtype=torch.float32)
        from_above = _array(d_states.to(x.dtype).contiguous())
        arrays = _array(fresh), _array(states), _array(d_gates), _array(d_bias)

        def step(t: int, product: Tensor) -> None:
            step_kernels.rnn_backward(t, from_above, _array(product), *arrays, ctx.relu)

        d_h = _steps_back(ctx, step, d_gates, weight_hh)
        return (
            _input_gradient(ctx, d_gates, weight_ih),
            None if d_h is None else _first(ctx, d_h, reset),
            _weight_gradient(d_gates, x),
            _weight_gradient(d_gates, _masked(states[:-1], reset)),
            d_bias,
            d_bias,
            None,
            None,
        )


class _Gru(Function):
    @staticmethod
    @custom_fwd(device_type="cpu")
    def forward(
        ctx: Any,
        x: Tensor,
        h: Tensor,
        weight_ih: Tensor,
        weight_hh: Tensor,
        bias_ih: Tensor,
        bias_hh: Tensor,
        reset: Tensor | None,
    ) -> Tensor:
        from elman.nn import step_kernels

        steps, batch, size = len(x), *h.shape
        weight_ih, weight_hh = weight_ih.to(x.dtype), weight_hh.to(x.dtype)
        bias, bias_n = bias_ih + bias_hh, bias_hh[2 * size :].float()
        bias[2 * size :] = bias_ih[2 * size :]
        sums = _project(x, weight_ih, bias)
        states, state, fresh = _history(h, steps, x.dtype), h.float().clone(), _fresh(x, reset)
        from_h = x.new_empty(steps, batch, size)
        times = Packed(weight_hh, rows=batch, products=steps)
        arrays = [_array(part) for part in (bias_n, fresh, from_h, state, states)]
        step_inputs = _array(sums)
        for t, before in enumerate(states[:-1].unbind()):
            step_kernels.gru_forward(t, step_inputs, _array(times(before)), *arrays)
        ctx.save_for_backward(x, weight_ih, weight_hh, sums, from_h, states, fresh, reset)
        ctx.state_dtype = h.dtype
        return states[1:]

    @staticmethod
    @once_differentiable
    @custom_bwd(device_type="cpu")
    def backward(ctx: Any, d_states: Tensor) -> Any:
        from elman.nn import step_kernels

        x, weight_ih, weight_hh, sums, from_h, states, fresh, reset = ctx.saved_tensors
        steps, batch, size = d_states.shape
        d_gates, d_new = x.new_empty(steps, batch, 3 * size), x.new_empty(steps, batch, size)
        d_hidden, d_bias, d_bias_n = (torch.zeros(*shape) for shape in ((batch, size), (3 * size,), (size,)))
        from_above = _array(d_states.to(x.dtype).contiguous())
        parts = fresh, sums, from_h, states, d_hidden, d_gates, d_new, d_bias, d_bias_n
        arrays = [_array(part) for part in parts]

        def step(t: int, product: Tensor) -> None:
            step_kernels.gru_backward(t, from_above, _array(product), *arrays)

        d_h = _steps_back(ctx, step, d_gates, weight_hh)
        d_weight_hh = _weight_gradient(d_gates, _masked(states[:-1], reset))
        d_gates[..., 2 * size :] = d_new
        return (
            _input_gradient(ctx, d_gates, weight_ih),
            None if d_h is None else _first(ctx, d_hidden + d_h, reset),
            _weight_gradient(d_gates, x),
            d_weight_hh,
            torch.cat([d_bias[: 2 * size], d_bias_n]),
            d_bias,
            None,
        )


class _Lstm(Function):
    @staticmethod
    @custom_fwd(device_type="cpu")
    def forward(
        ctx: Any,
        x: Tensor,
        h: Tensor,
        c: Tensor,
        weight_ih: Tensor,
        weight_hh: Tensor,
        bias_ih: Tensor,
        bias_hh: Tensor,
        reset: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        from elman.nn import step_kernels

        ctx.set_materialize_grads(False)
        steps, batch = len(x), len(h)
        weight_ih, weight_hh = weight_ih.to(x.dtype), weight_hh.to(x.dtype)
        sums = _project(x, weight_ih, bias_ih + bias_hh)
        states, cells, fresh = _history(h, steps, x.dtype), _history(c, steps, torch.float32), _fresh(x, reset)
        times = Packed(weight_hh, rows=batch, products=steps)
        arrays = [_array(part) for part in (fresh, cells, states)]
        step_inputs = _array(sums)
        for t, before in enumerate(states[:-1].unbind()):
            share_rows(
                step_kernels.lstm_forward, batch, sums[0].numel(), t, step_inputs, _array(times(before)), *arrays
            )
        ctx.save_for_backward(x, weight_ih, weight_hh, sums, states, cells, fresh, reset)
        ctx.state_dtype = h.dtype
        return states[1:], cells[1:]

    @staticmethod
    @once_differentiable
    @custom_bwd(device_type="cpu")
    def backward(ctx: Any, d_states: Tensor | None, d_cells: Tensor | None) -> Any:
        from elman.nn import step_kernels
        from elman.nn.softmax_kernels import add_columns

        x, weight_ih, weight_hh, sums, states, cells, fresh, reset = ctx.saved_tensors
        steps, batch, size = len(x), *states.shape[1:]
        d_gates, d_cell = x.new_empty(steps, batch, 4 * size), cells.new_empty(batch, size)
        d_h = x.new_zeros(steps, batch, size) if d_states is None else d_states.to(x.dtype).contiguous()
        d_c = cells.new_empty(0, batch, size) if d_cells is None else d_cells.contiguous()
        from_above = _array(d_h), _array(d_c)
        arrays = [_array(part) for part in (fresh, sums, cells, d_cell, d_gates)]
        elements = d_gates[0].numel()

        def step(t: int, product: Tensor) -> None:
            share_rows(step_kernels.lstm_backward, batch, elements, t, *from_above, _array(product), *arrays)

        d_first = _steps_back(ctx, step, d_gates, weight_hh)
        d_bias = cells.new_zeros(4 * size)
        in_rows(add_columns, (steps * batch, 4 * size), d_gates.flatten(0, 1), d_bias)
        return (
            _input_gradient(ctx, d_gates, weight_ih),
            None if d_first is None else _first(ctx, d_first, reset),
            _first(ctx, d_cell, reset),
            _weight_gradient(d_gates, x),
            _weight_gradient(d_gates, _masked(states[:-1], reset)),
            d_bias,
            d_bias,
            None,
        )


def _steps_back(ctx: Any, step: Any, d_gates: Tensor, weight_hh: Tensor) -> Tensor | None:
    """Call ``step(t, product)`` from the last step to the first; returns the gradient of the first
    ``h`` if needed.
    """
    steps, batch, _ = d_gates.shape
    times = Packed(weight_hh.t(), rows=batch, products=steps)
    rows = d_gates.unbind()
    product = d_gates.new_zeros(batch, weight_hh.shape[1])
    for t in range(steps - 1, 0, -1):
        step(t, product)
        product = times(rows[t])
    step(0, product)
    return times(rows[0]) if ctx.needs_input_grad[1] else None


def _array(part: Tensor) -> Any:
    """The tensor's memory as a NumPy array."""
    return (part.view(torch.uint16) if part.dtype == torch.bfloat16 else part).numpy()


def _fresh(x: Tensor, reset: Tensor | None) -> Tensor:
    """``[T + 1, B]``: where the state before a step is reset; true after the last step, where no
    gradient comes from.
    """
    fresh = torch.zeros(len(x) + 1, x.shape[1], dtype=torch.bool)
    if reset is not None:
        fresh[:-1] = reset
    fresh[-1] = True
    return fresh


def _masked(states: Tensor, reset: Tensor | None) -> Tensor:
    return states if reset is None else states.masked_fill(reset.unsqueeze(-1), 0)


def _first(ctx: Any, gradient: Tensor, reset: Tensor | None) -> Tensor:
    return (gradient if reset is None else gradient.masked_fill(reset[0].unsqueeze(-1), 0)).to(ctx.state_dtype)


def _project(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return linear(x.reshape(-1, x.shape[-1]), weight, bias.to(x.dtype)).view(*x.shape[:2], -1)


def _history(first: Tensor, steps: int, dtype: torch.dtype) -> Tensor:
    states = first.new_empty(steps + 1, *first.shape, dtype=dtype)
    states[0] = first
    return states


def _input_gradient(ctx: Any, d_gates: Tensor, weight_ih: Tensor) -> Tensor | None:
    if not ctx.needs_input_grad[0]:
        return None
    return linear(d_gates.flatten(0, 1), weight_ih.t()).view(*d_gates.shape[:2], -1)


def _weight_gradient(d_gates: Tensor, inputs: Tensor) -> Tensor:
    return transposed(d_gates.flatten(0, 1), inputs.reshape(-1, inputs.shape[-1])).float()
