"""When the LSTM takes torch's kernel, and how often."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from elman.nn import fused
from elman.nn.dropout import Masks
from elman.nn.feedback import Lstm
from elman.nn.sequence import make_layer

B, T, D, H = 3, 7, 4, 5


def backward_nodes(result: Tensor) -> set[str]:
    names, waiting = set(), [result.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is not None:
            names.add(node.name())
            waiting += [following for following, _ in node.next_functions]
    return names


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="this torch is built without oneDNN")
@pytest.mark.parametrize("reset", [False, True])
def test_the_lstm_trains_through_onednn(reset: bool) -> None:
    layer = make_layer("lstm", D, H, weight_drop=0.5)
    starts = torch.full((B, T), reset)
    y, _ = layer(torch.randn(B, T, D), layer.initial_state(B), starts, None, Masks(1, 1))
    nodes = backward_nodes(y)
    assert "MkldnnRnnLayerBackward0" in nodes
    assert not any("mm" in name.lower() for name in nodes), "no product outside the kernel"


def test_wide_layers_in_bfloat16_and_single_steps_do_without_the_kernel() -> None:
    wide = Lstm(1, 900)
    with torch.autocast("cpu", torch.bfloat16):
        y, _ = wide(torch.randn(1, 11, 1), wide.initial_state(1))
    assert y.dtype == torch.bfloat16
    assert "_LstmBackward" in backward_nodes(y)
    y, _ = wide(torch.randn(1, 11, 1), wide.initial_state(1))
    assert "_LstmBackward" not in backward_nodes(y)
    y, _ = wide(torch.randn(1, 1, 1), wide.initial_state(1))
    assert "_LstmBackward" in backward_nodes(y)


def test_many_document_starts_are_still_one_kernel_call(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    real = fused._kernel

    def watched(x: Tensor, state: tuple[Tensor, Tensor], weights: Sequence[Tensor]) -> object:
        calls.append(len(x))
        return real(x, state, weights)

    monkeypatch.setattr(fused, "_kernel", watched)
    layer = Lstm(D, H)
    reset = torch.zeros(B, T, dtype=torch.bool)
    reset[:, 0] = True
    layer(torch.randn(B, T, D), layer.initial_state(B), reset)
    reset[0, 1:4] = reset[1, 4:6] = reset[2, 6] = True
    layer(torch.randn(B, T, D), layer.initial_state(B), reset)
    layer(torch.randn(B, T, D), layer.initial_state(B), reset, torch.tensor([2, 7, 0]))
    assert calls == [T, T + 3, T + 2]


def test_weights_in_one_piece_are_the_same_weights() -> None:
    """What only a GPU needs, tried on the processor: values, gradients and that it is one block, in
    cuDNN's order.
    """
    layer = Lstm(D, H)
    weights = list(layer.parameters())
    pieces = fused.in_one_piece(weights)
    for piece, weight in zip(pieces, weights, strict=True):
        assert torch.equal(piece, weight)
    places = [piece.data_ptr() for piece in pieces]
    ends = [piece.data_ptr() + piece.numel() * piece.element_size() for piece in pieces]
    assert places[1:] == ends[:-1]
    x, state = torch.randn(T, B, D), (torch.randn(1, B, H), torch.randn(1, B, H))
    found = []
    for parts in (pieces, list(weights)):
        y, h, c = torch._VF.lstm(x, state, parts, True, 1, 0.0, True, False, False)  # type: ignore[attr-defined]
        found.append(torch.autograd.grad((y.square().sum() + c.sum()), weights))
    for one, two in zip(*found, strict=True):
        torch.testing.assert_close(one, two)
