"""The contract of every recurrence: each registered cell, by its fast layer and unrolled, and
stacks of them.

Values, final states and all gradients (inputs, initial state, weights) are compared, at an odd
length and from a state that is not zero.
"""

import dataclasses
from collections.abc import Callable
from functools import partial

import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from elman.cells.counting import hidden_weights
from elman.cells.registry import CELLS
from elman.errors import UsageError
from elman.nn import recurrent
from elman.nn.bidirectional import Bidirectional
from elman.nn.dropout import Masks
from elman.nn.feedback import Lstm
from elman.nn.recurrent import Recurrent, State
from elman.nn.sequence import FAST, make_layer
from elman.nn.stack import Stack
from elman.nn.unrolled import UnrolledLayer

B, T, D, H = 3, 7, 4, 5
RESET = torch.zeros(B, T, dtype=torch.bool)
RESET[0, 0] = RESET[0, 3] = RESET[0, 4] = RESET[1, 6] = True
LENGTHS = torch.tensor([5, 7, 0])
SHORT = torch.tensor([2, 3, 1])

Subject = Recurrent | Stack


class HandLstm(Lstm):
    """The LSTM by its hand-written backward pass, whatever the size and type."""

    def fused(self, dtype: torch.dtype, rows: int) -> bool:
        return False


def _stack(cell: str) -> Stack:
    return Stack(cell=cell, input_size=D, hidden_size=H, output_size=3, layers=3)


def _unrolled(cell: str, *_: int, **options: float) -> UnrolledLayer:
    """The same layer as the fast one, of the same sizes, by single steps."""
    sizes = dataclasses.asdict(make_layer(cell, D, H).sizes)
    del sizes["inputs"], sizes["hidden"]
    return UnrolledLayer(CELLS[cell], D, H, **sizes, **options)


def unroll(
    subject: Subject, x: Tensor, state: State, reset: Tensor | None = None, lengths: Tensor | None = None
) -> tuple[Tensor, State]:
    """What ``forward`` means, step by step."""
    starts = None if reset is None else reset.T
    y, after = recurrent.unroll(subject.step, x.transpose(0, 1), state, reset=starts, lengths=lengths)
    return y.transpose(0, 1), after


SUBJECTS: dict[str, Callable[[], Subject]] = {
    **{name: lambda name=name: make_layer(name, D, H) for name in CELLS},
    **{f"unrolled-{name}": lambda name=name: _unrolled(name) for name in CELLS},
    "lstm-by-hand": lambda: HandLstm(D, H),
    **{f"stack-of-{name}": lambda name=name: _stack(name) for name in CELLS},
    "skip-stack": lambda: Stack(cell="lstm", input_size=D, hidden_size=H, output_size=3, layers=3, skip=True),
    "projected-stack": lambda: Stack(
        cell="gru", input_size=D, hidden_size=H, output_size=3, layers=2, skip=True, projection=True
    ),
    "feed-forward-narrow": lambda: make_layer("feed-forward", D, H, window=2, inner=3, direct=False),
    "conv-square": lambda: make_layer("conv", D, D, window=9, inner=3),
    "transformer-narrow": lambda: make_layer("transformer", D, 6, window=4, heads=2, inner=7),
    "transformer-square": lambda: make_layer("transformer", D, D, window=9),
    "residual-stack": lambda: Stack(cell="lstm", input_size=D, hidden_size=D, layers=2, residual=True),
}


SHARP = {"stack-of-conv": 5, "stack-of-transformer": 5}
"""Several layers that scale three to five numbers to variance 1 make much of little: bounds are so
much wider, and those of float32 as much again on some processors."""


def with_bfloat16_lstm() -> bool:
    """Some CPUs have no bfloat16 LSTM kernel; they say so only when it is called."""
    layer = Lstm(D, H)
    try:
        with torch.autocast("cpu", torch.bfloat16):
            layer(torch.zeros(B, T, D), layer.initial_state(B))
    except RuntimeError:
        return False
    return True


@pytest.fixture(params=SUBJECTS)
def subject(request: pytest.FixtureRequest) -> Subject:
    torch.manual_seed(1)
    built = SUBJECTS[request.param]()
    for parameter in built.parameters():
        nn.init.uniform_(parameter, -0.9, 0.9)
    return built.double()


def inputs(subject: Subject) -> tuple[Tensor, State]:
    generator = torch.Generator().manual_seed(2)
    like = next(subject.parameters())
    x = torch.randn(B, T, D, generator=generator).to(like).requires_grad_()
    fresh = subject.initial_state(B)
    return x, tuple(torch.randn(h.shape, generator=generator).to(like).requires_grad_() for h in fresh)


def everything(
    subject: Subject, run: Callable[..., tuple[Tensor, State]], x: Tensor, state: State, **options: Tensor | None
) -> dict[str, Tensor]:
    """Outputs, final state and all gradients of a random combination of both, by name."""
    y, after = run(x, state, **options)
    generator = torch.Generator().manual_seed(3)
    results = [y, *after]
    weighted = [(result * torch.randn(result.shape, generator=generator).to(result)).sum() for result in results]
    names = ["x", *(f"state {i}" for i in range(len(state))), *(name for name, _ in subject.named_parameters())]
    leaves = [x, *state, *subject.parameters()]
    gradients = torch.autograd.grad(torch.stack(weighted).sum(), leaves, materialize_grads=True)
    found = {"y": y, **{f"after {i}": part for i, part in enumerate(after)}}
    return {
        **{name: value.detach() for name, value in found.items()},
        **{f"d {name}": value for name, value in zip(names, gradients, strict=True)},
    }


def assert_same(found: dict[str, Tensor], expected: dict[str, Tensor], tolerance: float = 1e-11) -> None:
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(
            found[name], value, rtol=tolerance, atol=tolerance, msg=lambda text, name=name: f"{name}: {text}"
        )


@pytest.mark.parametrize("lengths", [None, LENGTHS, SHORT], ids=["full", "padded", "short"])
@pytest.mark.parametrize("reset", [None, RESET], ids=["carried", "reset"])
def test_the_whole_chunk_is_its_steps(subject: Subject, reset: Tensor | None, lengths: Tensor | None) -> None:
    x, state = inputs(subject)
    fast = everything(subject, subject, x, state, reset=reset, lengths=lengths)
    slow = everything(
        subject, lambda *given, **options: unroll(subject, *given, **options), x, state, reset=reset, lengths=lengths
    )
    assert_same(fast, slow)


@pytest.mark.parametrize("lengths", [None, LENGTHS, SHORT], ids=["full", "padded", "short"])
@pytest.mark.parametrize("reset", [None, RESET], ids=["carried", "reset"])
@pytest.mark.parametrize("name", FAST)
def test_the_fast_layer_is_the_unrolled_one(name: str, reset: Tensor | None, lengths: Tensor | None) -> None:
    torch.manual_seed(8)
    fast, slow = make_layer(name, D, H), _unrolled(name)
    for parameter in fast.parameters():
        nn.init.uniform_(parameter, -0.9, 0.9)
    slow.load_state_dict(fast.state_dict())
    fast, slow = fast.double(), slow.double()
    x, state = inputs(fast)
    found = everything(fast, fast, x, state, reset=reset, lengths=lengths)
    assert_same(found, everything(slow, slow, x, state, reset=reset, lengths=lengths))


@pytest.mark.parametrize("reset", [None, RESET], ids=["carried", "reset"])
def test_the_whole_chunk_is_two_chunks_with_carried_state(subject: Subject, reset: Tensor | None) -> None:
    def in_two(x: Tensor, state: State, reset: Tensor | None, cut: int) -> tuple[Tensor, State]:
        before, state = subject(x[:, :cut], state, None if reset is None else reset[:, :cut])
        after, state = subject(x[:, cut:], state, None if reset is None else reset[:, cut:])
        return torch.cat([before, after], dim=1), state

    x, state = inputs(subject)
    whole = everything(subject, subject, x, state, reset=reset)
    for cut in (1, 4, 6):
        assert_same(everything(subject, partial(in_two, cut=cut), x, state, reset=reset), whole)


def test_an_empty_chunk_changes_nothing(subject: Subject) -> None:
    x, state = inputs(subject)
    y, after = subject(x[:, :0], state)
    assert y.shape[1] == 0
    assert all(new is old for new, old in zip(after, state, strict=True))


def test_a_reset_is_a_fresh_start(subject: Subject) -> None:
    x, state = inputs(subject)
    untouched, _ = subject(x, state)
    for start in range(T):
        reset = torch.zeros(B, T, dtype=torch.bool)
        reset[1, start] = True
        y, after = subject(x, state, reset)
        alone, alone_after = subject(x[1:2, start:], subject.initial_state(1))
        torch.testing.assert_close(y[1:2, start:], alone, rtol=0, atol=1e-13)
        for part, alone_part in zip(after, alone_after, strict=True):
            torch.testing.assert_close(part[1:2], alone_part, rtol=0, atol=1e-13)
        torch.testing.assert_close(y[[0, 2]], untouched[[0, 2]], rtol=0, atol=1e-13)
        torch.testing.assert_close(y[1, :start], untouched[1, :start], rtol=0, atol=1e-13)

        gradients = torch.autograd.grad(y[1, start:].sum() + sum(part[1].sum() for part in after), [x, *state])
        assert gradients[0][1, :start].abs().max().item() == 0 if start else True
        assert all(gradient[1].abs().max().item() == 0 for gradient in gradients[1:])


def changed_past(run: Callable[[Tensor], Tensor]) -> bool:
    """Whether other inputs from step 4 on change an output before it."""
    x = torch.randn(B, T, D, generator=torch.Generator().manual_seed(4))
    other = x.clone()
    other[:, 4:] += 1
    return not torch.equal(run(x)[:, :4], run(other)[:, :4])


@pytest.mark.parametrize("name", SUBJECTS)
def test_the_future_never_changes_the_past(name: str) -> None:
    subject = SUBJECTS[name]()
    assert not changed_past(lambda x: subject(x, subject.initial_state(B))[0])
    assert not changed_past(lambda x: subject(x, subject.initial_state(B), RESET)[0])


def test_bidirectional_does_change_the_past() -> None:
    encoder = Bidirectional(cell="gru", input_size=D, hidden_size=H)
    assert changed_past(lambda x: encoder(x, torch.full((B,), T))[0])
    assert not hasattr(encoder, "step")


@pytest.mark.parametrize("reset", [None, RESET], ids=["carried", "reset"])
def test_rows_do_not_interact(subject: Subject, reset: Tensor | None) -> None:
    x, state = inputs(subject)
    y, after = subject(x, state, reset)
    spoiled = x.detach().clone()
    spoiled[1] = torch.nan
    spoiled_y, spoiled_after = subject(spoiled, state, reset)
    for part, other in zip([y, *after], [spoiled_y, *spoiled_after], strict=True):
        torch.testing.assert_close(other[[0, 2]], part[[0, 2]], rtol=0, atol=1e-13)


@pytest.mark.parametrize("reset", [None, RESET], ids=["carried", "reset"])
def test_padding_is_never_read(subject: Subject, reset: Tensor | None) -> None:
    x, state = inputs(subject)
    padding = torch.arange(T) >= LENGTHS.unsqueeze(1)
    clean = everything(subject, subject, x, state, reset=reset, lengths=LENGTHS)
    with torch.no_grad():
        x[padding] = torch.nan
    spoiled = everything(subject, subject, x, state, reset=reset, lengths=LENGTHS)
    assert_same(spoiled, clean, tolerance=0)
    assert (clean["y"][padding] == 0).all()
    assert (clean["d x"][padding] == 0).all()
    for i, given in enumerate(state):
        assert torch.equal(clean[f"after {i}"][2], given[2]), "length 0 keeps the given state"


@pytest.mark.parametrize(
    "subject", [name for name in SUBJECTS if not name.startswith("stack-of-") or name == "stack-of-lstm"], indirect=True
)
def test_gradients_are_those_of_finite_differences(subject: Subject) -> None:
    """With resets and lengths; without them, and through other stacks, they are those of the steps,
    compared above."""
    x, state = inputs(subject)

    def run(x: Tensor, *rest: Tensor) -> tuple[Tensor, ...]:
        values = dict(zip(dict(subject.named_parameters()), rest[len(state) :], strict=True))
        y, after = torch.func.functional_call(subject, values, (x, rest[: len(state)], RESET, LENGTHS))
        return (y, *after)

    arguments = (x, *state, *subject.parameters())
    torch.autograd.gradcheck(run, arguments, fast_mode=True, check_batched_grad=False)


@pytest.mark.parametrize("name", SUBJECTS)
@pytest.mark.parametrize("reset", [None, RESET], ids=["carried", "reset"])
def test_float32_agrees_with_float64(name: str, reset: Tensor | None) -> None:
    torch.manual_seed(5)
    subject = SUBJECTS[name]()
    x, state = inputs(subject)
    single = everything(subject, subject, x, state, reset=reset, lengths=LENGTHS)
    assert single["y"].dtype == torch.float32
    subject.double()
    x, state = inputs(subject)
    double = everything(subject, subject, x, state, reset=reset, lengths=LENGTHS)
    assert_same(
        {key: value.double() for key, value in single.items()}, double, tolerance=5e-6 * SHARP.get(name, 1) ** 2
    )


@pytest.mark.skipif(not with_bfloat16_lstm(), reason="this CPU has no bfloat16 LSTM kernel")
@pytest.mark.parametrize("name", SUBJECTS)
@pytest.mark.parametrize("options", [{}, {"reset": RESET, "lengths": LENGTHS}], ids=["plain", "reset-padded"])
def test_bfloat16_stays_within_three_percent(name: str, options: dict[str, Tensor]) -> None:
    torch.manual_seed(6)
    subject = SUBJECTS[name]()
    x, state = inputs(subject)

    def under_autocast(*given: object, **options: Tensor) -> tuple[Tensor, State]:
        with torch.autocast("cpu", torch.bfloat16):
            y, after = subject(*given, **options)
        assert y.dtype == torch.bfloat16
        assert all(part.dtype == torch.float32 for part in after)
        if options:
            assert all(torch.equal(part[2], old[2]) for part, old in zip(after, state, strict=True)), "length 0"
        return y.float(), after

    low = everything(subject, under_autocast, x, state, **options)
    exact = everything(subject, subject, x, state, **options)
    for key, value in exact.items():
        assert low[key].dtype == torch.float32
        error = (low[key] - value).norm() / value.norm().clamp(min=1e-30)
        assert error < 0.03 * SHARP.get(name, 1), f"{key} is off by {error:.1%}"


def test_a_saved_subject_is_the_same_when_loaded(subject: Subject) -> None:
    x, state = inputs(subject)
    expected = subject(x, state, RESET)[0]
    file = save(subject.state_dict())
    with torch.no_grad():
        for parameter in subject.parameters():
            parameter.zero_()
    assert not torch.equal(subject(x, state, RESET)[0], expected)
    subject.load_state_dict(load(file))
    assert torch.equal(subject(x, state, RESET)[0], expected)


@pytest.mark.parametrize("build", [make_layer, _unrolled], ids=["fast", "unrolled"])
@pytest.mark.parametrize("name", CELLS)
def test_weight_drop_is_a_layer_with_fewer_connections(name: str, build: Callable[..., Recurrent]) -> None:
    torch.manual_seed(7)
    names = hidden_weights(CELLS[name], make_layer(name, D, H).sizes)
    if not names:
        with pytest.raises(UsageError, match="has no hidden-to-hidden weights; it must be 0"):
            build(name, D, H, weight_drop=0.4)
        return
    built = build(name, D, H, weight_drop=0.4).double()
    x, state = inputs(built)
    dropped = everything(built, lambda *given: built(*given, masks=Masks(1, 2)), x, state)
    masks = Masks(1, 2)
    kept = {each: masks.keep(*built.weights()[each].shape, drop=0.4).double() for each in names}
    for each, mask in kept.items():
        built.weights()[each].data *= mask
    thinned = everything(built, built, x, state)
    for each, mask in kept.items():
        thinned[f"d {each}"] *= mask
    assert_same(dropped, thinned)
