"""Layers against torch.nn; which way a chunk goes; how outputs lie in memory; how layers start."""

import math

import pytest
import torch
from torch import nn

from elman.cells.registry import CELLS
from elman.errors import UsageError
from elman.nn.feedback import Feedback
from elman.nn.recurrent import Recurrent, State
from elman.nn.sequence import make_layer
from elman.nn.unrolled import UnrolledLayer

B, T, D, H = 3, 7, 4, 5


TWINS = {"rnn": nn.RNN, "rnn-relu": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


def torch_twin(name: str) -> nn.Module:
    options = {"nonlinearity": "relu"} if name == "rnn-relu" else {}
    return TWINS[name](D, H, batch_first=True, **options).double()


def test_every_cell_that_torch_has_is_compared_with_it() -> None:
    assert set(TWINS) == {name for name in CELLS if isinstance(make_layer(name, D, H), Feedback)}


@pytest.mark.parametrize("name", TWINS)
def test_layers_are_those_of_torch(name: str) -> None:
    layer, twin = make_layer(name, D, H).double(), torch_twin(name)
    for own, parameter in layer.named_parameters():
        twin.get_parameter(f"{own}_l0").data.copy_(parameter)
    x = torch.randn(B, T, D, dtype=torch.float64, requires_grad=True)
    state = tuple(torch.randn(B, H, dtype=torch.float64, requires_grad=True) for _ in layer.state_names)
    y, after = layer(x, state)
    twin_state = tuple(part.unsqueeze(0) for part in state)
    twin_y, twin_after = twin(x, twin_state if name == "lstm" else twin_state[0])
    twin_parts = twin_after if name == "lstm" else (twin_after,)
    torch.testing.assert_close(y, twin_y, rtol=0, atol=1e-13)
    for part, twin_part in zip(after, twin_parts, strict=True):
        torch.testing.assert_close(part, twin_part[0], rtol=0, atol=1e-13)

    inputs = [x, *state]
    found = torch.autograd.grad((y.sin() + after[-1].unsqueeze(1)).sum(), [*inputs, *layer.parameters()])
    expected = torch.autograd.grad((twin_y.sin() + twin_parts[-1][0].unsqueeze(1)).sum(), [*inputs, *twin.parameters()])
    for gradient, twin_gradient in zip(found, expected, strict=True):
        torch.testing.assert_close(gradient, twin_gradient, rtol=1e-12, atol=1e-12)


def everything(run, layer: nn.Module, steps: int, reset: torch.Tensor | None) -> list[torch.Tensor]:
    """Outputs, last states and all gradients of one chunk."""
    generator = torch.Generator().manual_seed(1)
    like = next(layer.parameters())
    x = torch.randn(B, steps, D, generator=generator).to(like).requires_grad_()
    state: State = tuple(torch.randn(B, H, generator=generator).to(like) for _ in layer.state_names)  # type: ignore[union-attr]
    y, after = run(x, state, reset)
    total = y.double().sin().sum() + after[-1].double().square().sum()
    return [y.detach(), *(part.detach() for part in after), *torch.autograd.grad(total, [x, *layer.parameters()])]


@pytest.mark.parametrize("reset", [False, True], ids=["carried", "reset"])
@pytest.mark.parametrize("steps", [1, 7, 8, 23], ids="{} steps".format)
@pytest.mark.parametrize("name", TWINS)
def test_every_way_of_a_float32_chunk_is_its_steps(name: str, steps: int, reset: bool) -> None:
    torch.manual_seed(2)
    layer = make_layer(name, D, H)
    starts = torch.arange(B * steps).view(B, steps) % 5 == 3 if reset else None
    found = everything(layer, layer, steps, starts)
    exact = layer.double()
    slow = UnrolledLayer(CELLS[name], D, H).double()
    slow.load_state_dict(exact.state_dict())
    expected = everything(slow, slow, steps, starts)
    for part, twin in zip(found, expected, strict=True):
        assert part.dtype == torch.float32
        torch.testing.assert_close(part.double(), twin, rtol=5e-6, atol=5e-6)


def train(name: str, steps: int, *, low: bool = False) -> None:
    layer = make_layer(name, D, H)
    with torch.autocast("cpu", torch.bfloat16, enabled=low):
        layer(torch.randn(B, steps, D), layer.initial_state(B))


def test_chunks_that_train_go_by_compiled_steps_and_short_ones_by_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    from elman.nn import fast_bptt

    calls = []
    for name in ("rnn", "rnn_relu", "gru", "lstm"):
        real = getattr(fast_bptt, name)
        monkeypatch.setattr(fast_bptt, name, lambda *given, real=real, name=name: (calls.append(name), real(*given))[1])
    for name in ("rnn", "rnn-relu", "gru"):
        train(name, 7)
        assert calls == []
        train(name, 8)
        train(name, 8, low=True)
        assert calls == [name.replace("-", "_")] * 2
        calls.clear()
        make_layer(name, D, H).double()(torch.randn(B, 9, D).double(), (torch.zeros(B, H).double(),))
        assert calls == []


@pytest.mark.parametrize("name", CELLS)
def test_outputs_lie_time_first_so_that_the_next_layer_copies_nothing(name: str) -> None:
    layer = make_layer(name, D, H)
    y, _ = layer(torch.randn(B, T, D), layer.initial_state(B))
    assert y.transpose(0, 1).is_contiguous()


@pytest.mark.parametrize("name", CELLS)
def test_without_gradients_the_values_are_the_same(name: str) -> None:
    layer = make_layer(name, D, H)
    x, reset = torch.randn(B, T, D), torch.rand(B, T) < 0.3
    y, after = layer(x, layer.initial_state(B), reset)
    with torch.inference_mode():
        quiet, quiet_after = layer(x, layer.initial_state(B), reset)
    for part, other in zip([y, *after], [quiet, *quiet_after], strict=True):
        torch.testing.assert_close(part, other, rtol=1e-6, atol=1e-6)


def test_recurrences_start_uniform_and_the_forget_gate_open() -> None:
    layer = make_layer("lstm", 50, 100, generator=torch.Generator().manual_seed(1))
    assert layer.weight_hh.abs().max() <= 0.1
    assert layer.weight_hh.std().item() == pytest.approx(0.1 / math.sqrt(3), rel=0.02)
    assert (layer.bias_ih + layer.bias_hh)[100:200].eq(1).all()
    assert not (layer.bias_ih + layer.bias_hh)[:100].eq(1).any()
    again = make_layer("lstm", 50, 100, generator=torch.Generator().manual_seed(1))
    assert torch.equal(again.weight_hh, layer.weight_hh)


@pytest.mark.parametrize(
    ("sizes", "options", "message"),
    [
        ((0, 5), {}, "layer of 0 inputs and 5 units; both must be at least 1"),
        ((3, 5), {"weight_drop": 1.0}, r"weight drop is 1.0; it must be at least 0 and less than 1"),
    ],
)
def test_mistakes_are_said(sizes: tuple[int, int], options: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make_layer("gru", *sizes, **options)


def test_the_base_class_has_no_recurrence_of_its_own() -> None:
    class Bare(Recurrent):
        cell = CELLS["rnn"]

    with pytest.raises(TypeError, match="_run"):
        Bare(2, 3)  # type: ignore[abstract]
