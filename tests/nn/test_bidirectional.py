import pytest
import torch
from torch import nn

from elman.cells.registry import CELLS
from elman.errors import UsageError
from elman.nn.bidirectional import Bidirectional

LENGTHS = torch.tensor([5, 2, 4])


@pytest.mark.parametrize(("cell", "kind"), [("gru", nn.GRU), ("lstm", nn.LSTM), ("rnn", nn.RNN)])
def test_both_directions_are_those_of_torch_on_packed_sequences(cell: str, kind: type[nn.Module]) -> None:
    encoder = Bidirectional(cell=cell, input_size=3, hidden_size=4).double()
    twin = kind(3, 4, batch_first=True, bidirectional=True).double()
    for suffix, layer in (("l0", encoder.forwards), ("l0_reverse", encoder.backwards)):
        for name, parameter in layer.named_parameters():
            twin.get_parameter(f"{name}_{suffix}").data.copy_(parameter)
    x = torch.randn(3, 5, 3, dtype=torch.float64)
    packed = nn.utils.rnn.pack_padded_sequence(x, LENGTHS, batch_first=True, enforce_sorted=False)
    packed_y, after = twin(packed)
    expected, _ = nn.utils.rnn.pad_packed_sequence(packed_y, batch_first=True)
    h = after[0] if cell == "lstm" else after

    x[1, 2:] = torch.nan
    y, final = encoder(x, LENGTHS)
    torch.testing.assert_close(y, expected, rtol=0, atol=1e-13)
    torch.testing.assert_close(final, torch.cat([h[0], h[1]], dim=-1), rtol=0, atol=1e-13)


def test_gradients_reach_what_was_read_and_nothing_else() -> None:
    encoder = Bidirectional(cell="lstm", input_size=3, hidden_size=4)
    x = torch.randn(3, 5, 3, requires_grad=True)
    y, final = encoder(x, LENGTHS)
    (y.sum() + final.sum()).backward()
    assert x.grad is not None
    read = torch.arange(5) < LENGTHS.unsqueeze(1)
    assert (x.grad[read] != 0).all()
    assert (x.grad[~read] == 0).all()


def test_an_unknown_cell_is_refused() -> None:
    with pytest.raises(UsageError, match=f"unknown cell 'xyz'; known: {', '.join(CELLS)}"):
        Bidirectional(cell="xyz", input_size=3, hidden_size=4)
