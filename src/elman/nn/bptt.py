"""Hand-written backpropagation through time for whole chunks, document starts included.

Autograd over single steps pays for hundreds of small nodes and one weight gradient per step. Here the
input products, the derivative factors and all weight gradients are one large operation each; only what
truly depends on the step before stays in the loop. Shapes are time first, ``[T, B, .]``; matrix products
run in the type of ``x`` (bfloat16 included), gates and cell states of bfloat16 chunks in float32.

``reset[T, B]`` marks document starts: the state is the zero state before that step. Every function returns
the states after each step, so that the caller picks the last real one of each row.
"""

from typing import Any

import torch
from torch import Tensor
from torch.amp.autocast_mode import custom_bwd, custom_fwd
from torch.autograd.function import Function, once_differentiable

from elman.nn.cells import State, Weights


def rnn(x: Tensor, state: State, weights: Weights, reset: Tensor | None) -> Tensor:
    """Hidden states ``[T, B, H]`` of the tanh network."""
    return _Rnn.apply(x, *state, *weights, _column(reset), False)  # type: ignore[no-any-return]


def rnn_relu(x: Tensor, state: State, weights: Weights, reset: Tensor | None) -> Tensor:
    """Hidden states ``[T, B, H]`` of the max(0, .) network."""
    return _Rnn.apply(x, *state, *weights, _column(reset), True)  # type: ignore[no-any-return]


def gru(x: Tensor, state: State, weights: Weights, reset: Tensor | None) -> Tensor:
    """Hidden states ``[T, B, H]`` of the gated recurrent unit."""
    return _Gru.apply(x, *state, *weights, _column(reset))  # type: ignore[no-any-return]


def lstm(x: Tensor, state: State, weights: Weights, reset: Tensor | None) -> tuple[Tensor, Tensor]:
    """Hidden and cell states, ``[T, B, H]`` each, of long short-term memory."""
    return _Lstm.apply(x, *state, *weights, _column(reset))  # type: ignore[no-any-return]


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
        weight_ih, weight_hh = weight_ih.to(x.dtype), weight_hh.to(x.dtype)
        inputs = _project(x, weight_ih, bias_ih + bias_hh)
        states = _history(h, len(x), x.dtype)
        hidden, fresh = states.unbind(), _fresh(reset, len(x))
        across = weight_hh.t()
        for t, row in enumerate(inputs.unbind()):
            before = hidden[t] if fresh[t] is None else hidden[t].masked_fill(fresh[t], 0)
            after = torch.addmm(row, before, across, out=hidden[t + 1])
            after.relu_() if relu else after.tanh_()
        ctx.save_for_backward(x, weight_ih, weight_hh, states, reset)
        ctx.relu, ctx.state_dtype = relu, h.dtype
        return states[1:]

    @staticmethod
    @once_differentiable
    @custom_bwd(device_type="cpu")
    def backward(ctx: Any, d_states: Tensor) -> Any:
        x, weight_ih, weight_hh, states, reset = ctx.saved_tensors
        after = states[1:]
        slope = (after > 0).to(x.dtype) if ctx.relu else 1 - after * after
        d_gates = torch.empty_like(after)
        slopes, gates, fresh = slope.unbind(), d_gates.unbind(), _fresh(reset, len(x))
        given = d_states.unbind()
        d_h = given[-1]
        for t in range(len(x) - 1, -1, -1):
            passed = torch.mul(d_h, slopes[t], out=gates[t])
            if fresh[t] is not None:
                passed = passed.masked_fill(fresh[t], 0)
            d_h = torch.addmm(given[t - 1], passed, weight_hh) if t else passed @ weight_hh
        before = _masked(states[:-1], reset)
        d_bias = _sum(d_gates)
        return (
            _input_gradient(ctx, d_gates, weight_ih),
            d_h.to(ctx.state_dtype),
            _weight_gradient(d_gates, x),
            _weight_gradient(d_gates, before),
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
        steps, batch, size = len(x), len(h), h.shape[-1]
        weight_ih, weight_hh = weight_ih.to(x.dtype), weight_hh.to(x.dtype)
        exact = _exact(x.dtype)
        gates = _project(x, weight_ih, bias_ih).to(exact)
        from_h = torch.empty_like(gates)
        states = _history(h, steps, exact)
        hidden, fresh = states.unbind(), _fresh(reset, steps)
        rz, r, z, n = (_slices(gates, size, *span) for span in ((0, 2), (0, 1), (1, 2), (2, 3)))
        rz_h, n_h, all_h = _slices(from_h, size, 0, 2), _slices(from_h, size, 2, 3), from_h.unbind()
        across, bias = weight_hh.t(), bias_hh.to(x.dtype)
        low = x.dtype != exact
        product = x.new_empty(batch, 3 * size)
        before_low = h.to(x.dtype)
        outputs = x.new_empty(steps, batch, size) if low else states[1:]
        for t, output in enumerate(outputs.unbind()):
            before = hidden[t] if fresh[t] is None else hidden[t].masked_fill(fresh[t], 0)
            if low:
                before_low = before_low if fresh[t] is None else before_low.masked_fill(fresh[t], 0)
                all_h[t].copy_(torch.addmm(bias, before_low, across, out=product))
            else:
                torch.addmm(bias, before, across, out=all_h[t])
            rz[t].add_(rz_h[t]).sigmoid_()
            n[t].addcmul_(r[t], n_h[t]).tanh_()
            torch.lerp(n[t], before, z[t], out=hidden[t + 1])
            if low:
                before_low = output.copy_(hidden[t + 1])
        ctx.save_for_backward(x, weight_ih, weight_hh, gates, from_h[..., 2 * size :], states, reset)
        ctx.state_dtype = h.dtype
        return outputs

    @staticmethod
    @once_differentiable
    @custom_bwd(device_type="cpu")
    def backward(ctx: Any, d_states: Tensor) -> Any:
        x, weight_ih, weight_hh, gates, n_h, states, reset = ctx.saved_tensors
        steps, batch, size = d_states.shape
        r, z, n = gates.split(size, dim=-1)
        before = _masked(states[:-1], reset)
        to_n = (1 - z) * (1 - n * n)
        factors = gates.new_empty(steps, batch, 3, size)
        torch.mul(to_n * n_h, r - r * r, out=factors[:, :, 0])
        torch.mul(before - n, z - z * z, out=factors[:, :, 1])
        torch.mul(to_n, r, out=factors[:, :, 2])

        d_gates = torch.empty_like(factors, dtype=x.dtype)
        d_hidden = d_states.to(gates.dtype, copy=True)
        sums, fresh = d_hidden.unbind(), _fresh(reset, steps)
        factor, blocks, rows, kept = factors.unbind(), d_gates.unbind(), d_gates.flatten(2).unbind(), z.unbind()
        d_first = gates.new_empty(batch, size)
        for t in range(steps - 1, -1, -1):
            blocks[t].copy_(factor[t] * sums[t].unsqueeze(1))
            d_h = torch.addcmul(rows[t] @ weight_hh, sums[t], kept[t])
            if fresh[t] is not None:
                d_h.masked_fill_(fresh[t], 0)
            if t:
                sums[t - 1].add_(d_h)
            else:
                d_first = d_h
        d_weight_hh, d_bias_hh = _weight_gradient(d_gates, before.to(x.dtype)), _sum(d_gates)
        d_gates[:, :, 2] = d_hidden * to_n
        return (
            _input_gradient(ctx, d_gates, weight_ih),
            d_first.to(ctx.state_dtype),
            _weight_gradient(d_gates, x),
            d_weight_hh,
            _sum(d_gates),
            d_bias_hh,
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
        ctx.set_materialize_grads(False)
        steps, batch, size = len(x), len(h), h.shape[-1]
        weight_ih, weight_hh = weight_ih.to(x.dtype), weight_hh.to(x.dtype)
        exact = _exact(x.dtype)
        inputs = _project(x, weight_ih, bias_ih + bias_hh)
        low = x.dtype != exact
        gates = torch.empty_like(inputs, dtype=exact) if low else inputs
        states, cells = _history(h, steps, x.dtype), _history(c, steps, exact)
        squashed = gates.new_empty(steps, batch, size)
        hidden, cell, fresh = states.unbind(), cells.unbind(), _fresh(reset, steps)
        i_f, i, f, g, o = (_slices(gates, size, *span) for span in ((0, 2), (0, 1), (1, 2), (2, 3), (3, 4)))
        rows, wide = inputs.unbind(), gates.unbind()
        across = weight_hh.t()
        product = x.new_empty(batch, 4 * size)
        for t, tanh_c in enumerate(squashed.unbind()):
            before, memory = hidden[t], cell[t]
            if fresh[t] is not None:
                before, memory = before.masked_fill(fresh[t], 0), memory.masked_fill(fresh[t], 0)
            if low:
                wide[t].copy_(torch.addmm(rows[t], before, across, out=product))
            else:
                rows[t].addmm_(before, across)
            i_f[t].sigmoid_()
            g[t].tanh_()
            o[t].sigmoid_()
            torch.mul(f[t], memory, out=cell[t + 1]).addcmul_(i[t], g[t])
            torch.tanh(cell[t + 1], out=tanh_c)
            if low:
                hidden[t + 1].copy_(o[t] * tanh_c)
            else:
                torch.mul(o[t], tanh_c, out=hidden[t + 1])
        ctx.save_for_backward(x, weight_ih, weight_hh, gates, states, cells, squashed, reset)
        ctx.state_dtype = h.dtype
        return states[1:], cells[1:]

    @staticmethod
    @once_differentiable
    @custom_bwd(device_type="cpu")
    def backward(ctx: Any, d_states: Tensor | None, d_cells: Tensor | None) -> Any:
        x, weight_ih, weight_hh, gates, states, cells, tanh_c = ctx.saved_tensors[:7]
        reset = ctx.saved_tensors[7]
        steps, batch, size = tanh_c.shape
        i, f, g, o = gates.split(size, dim=-1)
        factors = gates.new_empty(steps, batch, 4, size)
        torch.mul(g, i - i * i, out=factors[:, :, 0])
        torch.mul(_masked(cells[:-1], reset), f - f * f, out=factors[:, :, 1])
        torch.mul(i, 1 - g * g, out=factors[:, :, 2])
        torch.mul(tanh_c, o - o * o, out=factors[:, :, 3])
        to_c = o * (1 - tanh_c * tanh_c)

        d_gates = torch.empty_like(factors, dtype=x.dtype)
        d_hidden = torch.zeros_like(tanh_c) if d_states is None else d_states.to(gates.dtype, copy=True)
        sums, fresh = d_hidden.unbind(), _fresh(reset, steps)
        by_c, by_h, opened, kept = factors[:, :, :3].unbind(), factors[:, :, 3].unbind(), to_c.unbind(), f.unbind()
        blocks, rows = d_gates.unbind(), d_gates.flatten(2).unbind()
        given = None if d_cells is None else d_cells.unbind()
        block = gates.new_empty(batch, 4, size)
        low = x.dtype != gates.dtype
        d_c, d_h = torch.zeros_like(sums[0]), x.new_empty(batch, size)
        for t in range(steps - 1, -1, -1):
            if given is not None:
                d_c.add_(given[t])
            d_c.addcmul_(sums[t], opened[t])
            target = block if low else blocks[t]
            torch.mul(by_c[t], d_c.unsqueeze(1), out=target[:, :3])
            torch.mul(by_h[t], sums[t], out=target[:, 3])
            if low:
                blocks[t].copy_(block)
            d_c.mul_(kept[t])
            torch.mm(rows[t], weight_hh, out=d_h)
            if fresh[t] is not None:
                d_c.masked_fill_(fresh[t], 0)
                d_h.masked_fill_(fresh[t], 0)
            if t:
                sums[t - 1].add_(d_h)
        d_bias = _sum(d_gates)
        return (
            _input_gradient(ctx, d_gates, weight_ih),
            d_h.to(ctx.state_dtype),
            d_c.to(ctx.state_dtype),
            _weight_gradient(d_gates, x),
            _weight_gradient(d_gates, _masked(states[:-1], reset)),
            d_bias,
            d_bias,
            None,
        )


def _exact(dtype: torch.dtype) -> torch.dtype:
    return torch.float32 if dtype == torch.bfloat16 else dtype


def _column(reset: Tensor | None) -> Tensor | None:
    return None if reset is None else reset.unsqueeze(-1)


def _fresh(reset: Tensor | None, steps: int) -> list[Any]:
    """Per step the mask of the rows that start afresh, or None where none does (most steps)."""
    if reset is None:
        return [None] * steps
    hit = reset.flatten(1).any(dim=1).tolist()
    return [mask if any_row else None for mask, any_row in zip(reset.unbind(), hit, strict=True)]


def _masked(states: Tensor, reset: Tensor | None) -> Tensor:
    return states if reset is None else states.masked_fill(reset, 0)


def _project(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    product = torch.addmm(bias.to(x.dtype), x.reshape(-1, x.shape[-1]), weight.t())
    return product.view(*x.shape[:2], -1)


def _history(first: Tensor, steps: int, dtype: torch.dtype) -> Tensor:
    states = first.new_empty(steps + 1, *first.shape, dtype=dtype)
    states[0] = first
    return states


def _slices(gates: Tensor, size: int, start: int, stop: int) -> tuple[Tensor, ...]:
    return gates[:, :, start * size : stop * size].unbind()


def _input_gradient(ctx: Any, d_gates: Tensor, weight_ih: Tensor) -> Tensor | None:
    if not ctx.needs_input_grad[0]:
        return None
    return (_rows(d_gates) @ weight_ih).view(*d_gates.shape[:2], -1)


def _weight_gradient(d_gates: Tensor, inputs: Tensor) -> Tensor:
    product = _rows(d_gates).t() @ inputs.reshape(-1, inputs.shape[-1])
    return product.to(_exact(product.dtype))


def _sum(d_gates: Tensor) -> Tensor:
    return _rows(d_gates).sum(dim=0, dtype=_exact(d_gates.dtype))


def _rows(d_gates: Tensor) -> Tensor:
    return d_gates.reshape(d_gates.shape[0] * d_gates.shape[1], -1)
