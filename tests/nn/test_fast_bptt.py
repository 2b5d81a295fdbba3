"""The compiled passes against the cells' steps in float64: values, all gradients; then what only
they can get wrong.
"""

import pytest
import torch
from torch import Tensor

from elman.cells.cell import Sizes, Weights
from elman.cells.registry import CELLS
from elman.nn import fast_bptt, product, row_threads

# Odd sizes: vector instructions take 16 numbers, and the rest by itself. 17 steps, so that weights
# are laid out.
T, B, D, H = 17, 3, 5, 37
RESET = torch.zeros(T, B, dtype=torch.bool)
RESET[0, 0] = RESET[3, 0] = RESET[4, 0] = RESET[16, 1] = RESET[2, 2] = True
GATES = {"rnn": 1, "rnn_relu": 1, "gru": 3, "lstm": 4}


def leaves(cell: str, dtype: torch.dtype = torch.float64) -> list[Tensor]:
    """Input, state and weights of one layer."""
    generator = torch.Generator().manual_seed(1)
    rows = GATES[cell] * H
    states = [(B, H)] * (2 if cell == "lstm" else 1)
    shapes: list[tuple[int, ...]] = [(T, B, D), *states, (rows, D), (rows, H), (rows,), (rows,)]
    made = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]
    made[-3] *= 0.1
    return [part.to(dtype).requires_grad_() for part in made]


def run(cell: str, given: list[Tensor], reset: Tensor | None, low: bool = False) -> tuple[Tensor, ...]:
    x, *state = given[:-4]
    x = x.to(torch.bfloat16) if low else x
    return getattr(fast_bptt, cell)(x, tuple(state), given[-4:], reset)


def by_steps(cell: str, given: list[Tensor], reset: Tensor | None) -> tuple[Tensor, ...]:
    """The states after each of the cell's own steps."""
    x, *state = given[:-4]
    found = CELLS[cell.replace("_", "-")]
    weights = Weights(
        dict(zip(found.weights(Sizes(inputs=D, hidden=H)), given[-4:], strict=True)), Sizes(inputs=D, hidden=H)
    )
    histories = []
    for t, row in enumerate(x.unbind()):
        before = tuple(state if reset is None else (part.masked_fill(reset[t].unsqueeze(1), 0) for part in state))
        _, state = found.step(row, before, weights)
        histories.append(state)
    return tuple(torch.stack(parts) for parts in zip(*histories, strict=True))


def everything(outputs: tuple[Tensor, ...], given: list[Tensor]) -> list[Tensor]:
    """Histories and the gradients of a random combination of all of them."""
    generator = torch.Generator().manual_seed(2)
    weighted = [(part.double() * torch.randn(part.shape, generator=generator)).sum() for part in outputs]
    return [*(part.detach() for part in outputs), *torch.autograd.grad(torch.stack(weighted).sum(), given)]


def exact(cell: str, reset: Tensor | None) -> list[Tensor]:
    given = leaves(cell)
    return everything(by_steps(cell, given, reset), given)


def compiled(cell: str, reset: Tensor | None, low: bool = False) -> list[Tensor]:
    given = leaves(cell, torch.float32)
    return everything(run(cell, given, reset, low), given)


@pytest.fixture(params=["packed", "plain"])
def packed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights laid out for oneDNN however few they are, or never."""
    sizes = {torch.float32: 0, torch.bfloat16: 0} if request.param == "packed" else {}
    monkeypatch.setattr(product, "_SMALL", sizes)
    monkeypatch.setattr(product, "_LITTLE", 0 if request.param == "packed" else 2**40)


@pytest.mark.usefixtures("packed")
@pytest.mark.parametrize("reset", [None, RESET], ids=["carried", "reset"])
@pytest.mark.parametrize("cell", GATES)
def test_float32_is_that_of_the_steps(cell: str, reset: Tensor | None) -> None:
    for found, expected in zip(compiled(cell, reset), exact(cell, reset), strict=True):
        assert found.dtype == torch.float32
        torch.testing.assert_close(found.double(), expected, rtol=2e-6, atol=2e-6 * expected.abs().max().item())


@pytest.mark.usefixtures("packed")
@pytest.mark.parametrize("reset", [None, RESET], ids=["carried", "reset"])
@pytest.mark.parametrize("cell", GATES)
def test_bfloat16_is_as_close_as_steps_in_bfloat16_throughout(cell: str, reset: Tensor | None) -> None:
    given = leaves(cell, torch.float32)
    rounded = everything(by_steps(cell, [part.to(torch.bfloat16) for part in given], reset), given)
    for found, twin, expected in zip(compiled(cell, reset, low=True), rounded, exact(cell, reset), strict=True):
        error, usual = ((part.double() - expected).norm() / expected.norm() for part in (found, twin))
        assert error < max(1.5 * usual, 0.015)


@pytest.mark.parametrize("cell", GATES)
def test_a_state_without_a_gradient_changes_none_of_the_others(cell: str) -> None:
    given = leaves(cell, torch.float32)
    expected = torch.autograd.grad(run(cell, given, RESET)[0].sum(), [given[0], *given[-4:]])
    state = [part.detach() for part in given[1:-4]]
    found = torch.autograd.grad(run(cell, [given[0], *state, *given[-4:]], RESET)[0].sum(), [given[0], *given[-4:]])
    assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))


@pytest.mark.parametrize("part", [0, 1], ids=["outputs", "cells"])
def test_the_lstm_knows_gradients_of_outputs_or_cells_alone(part: int) -> None:
    found, expected = (
        torch.autograd.grad(states("lstm", given, None)[part].sin().sum(), given, allow_unused=True)
        for states, given in ((run, leaves("lstm", torch.float32)), (by_steps, leaves("lstm")))
    )
    for one, other in zip(found, expected, strict=True):
        assert one is not None and other is not None
        torch.testing.assert_close(one.double(), other, rtol=5e-6, atol=5e-6 * other.abs().max().item())


@pytest.mark.parametrize("low", [False, True], ids=["float32", "bfloat16"])
@pytest.mark.parametrize("cell", GATES)
def test_nothing_that_is_not_finite_survives_a_document_start(cell: str, low: bool) -> None:
    given = leaves(cell, torch.float32)
    reset = torch.zeros(T, B, dtype=torch.bool)
    reset[5, 1] = True
    with torch.no_grad():
        given[0][:5, 1] = torch.nan
    outputs = run(cell, given, reset, low)[0]
    (d_x,) = torch.autograd.grad(outputs[5:].float().sum(), given[:1])
    assert outputs[:5, 1].isnan().all()
    # With AMX, oneDNN's bfloat16 products read rows of odd length a number too far and multiply it
    # by zero, so that what is not finite shows in the row before it, too.
    rows = slice(1, 2) if low else slice(None)
    assert outputs[5:, rows].isfinite().all()
    assert d_x[5:, rows].isfinite().all()


@pytest.mark.parametrize("cell", GATES)
def test_the_same_bits_each_time(cell: str) -> None:
    first, second = (compiled(cell, RESET, low=True) for _ in range(2))
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))


@pytest.mark.parametrize("cell", GATES)
def test_the_given_tensors_stay_as_they_are(cell: str) -> None:
    given = leaves(cell, torch.float32)
    before = [part.detach().clone() for part in given]
    everything(run(cell, given, RESET), given)
    assert all(torch.equal(part, old) for part, old in zip(given, before, strict=True))


@pytest.mark.parametrize("cell", GATES)
def test_backward_twice_gives_the_same(cell: str) -> None:
    given = leaves(cell, torch.float32)
    total = run(cell, given, RESET)[0].sum()
    first = torch.autograd.grad(total, given, retain_graph=True)
    second = torch.autograd.grad(total, given)
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))


@pytest.mark.parametrize("low", [False, True], ids=["float32", "bfloat16"])
def test_threads_share_the_rows_and_change_nothing(low: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = compiled("lstm", RESET, low)
    monkeypatch.setattr(row_threads, "_WORTH_A_THREAD", 1)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        shared = compiled("lstm", RESET, low)
    finally:
        torch.set_num_threads(before)
    for one, two in zip(alone, shared, strict=True):
        torch.testing.assert_close(two, one, rtol=1e-6, atol=1e-6)
