import pytest
import torch

from elman.cells.registry import CELLS
from elman.errors import UsageError
from elman.nn.dropout import Masks
from elman.nn.recurrent import Recurrent
from elman.nn.stack import Stack

B, T, E, H = 2, 5, 3, 4
X = torch.randn(B, T, E, generator=torch.Generator().manual_seed(1))


def layers_of(built: Stack) -> list[Recurrent]:
    return [layer for layer in built.layers if isinstance(layer, Recurrent)]


def stack(**options: object) -> Stack:
    torch.manual_seed(1)
    return Stack(**{"cell": "gru", "input_size": E, "hidden_size": H, "output_size": E, "layers": 3, **options})  # type: ignore[arg-type]


def test_a_stack_is_its_layers_one_after_the_other() -> None:
    built = stack(cell="lstm")
    state = tuple(torch.randn_like(part) for part in built.initial_state(B))
    y, after = built(X, state)
    first, second, third = layers_of(built)
    a, (h0, c0) = first(X, (state[0], state[1]))
    b, (h1, c1) = second(a, (state[2], state[3]))
    c, (h2, c2) = third(b, (state[4], state[5]))
    assert built.state_names == ("h0", "c0", "h1", "c1", "h2", "c2")
    for part, expected in zip([y, *after], [c, h0, c0, h1, c1, h2, c2], strict=True):
        assert torch.equal(part, expected)
    assert [tuple(layer.weight_ih.shape) for layer in layers_of(built)] == [(16, 3), (16, 4), (12, 4)]


def test_a_single_layer_has_the_output_size() -> None:
    assert Stack(cell="rnn", input_size=E, hidden_size=H, output_size=7).output_size == 7
    assert Stack(cell="rnn", input_size=E, hidden_size=H).output_size == H


def test_residuals_join_equal_sizes_only() -> None:
    built = stack(cell="rnn", residual=True)
    for layer in built.layers:
        for parameter in layer.parameters():
            torch.nn.init.zeros_(parameter)
    layers_of(built)[0].bias_ih.data.fill_(torch.inf)  # 3 -> 4: outputs 1; then 4 -> 4 adds nothing; 4 -> 3: 0
    assert torch.equal(built(X, built.initial_state(B))[0], torch.zeros(B, T, E))
    square = Stack(cell="rnn", input_size=E, hidden_size=E, layers=2, residual=True)
    for parameter in square.parameters():
        torch.nn.init.zeros_(parameter)
    assert torch.equal(square(X, square.initial_state(B))[0], X)
    layers_of(built)[2].weight_ih.data.fill_(1)
    expected = torch.full((B, T, E), 4.0).tanh()
    torch.testing.assert_close(built(X, built.initial_state(B))[0], expected)


def test_a_skip_starts_at_nothing_and_adds_a_product_of_each_lower_layer() -> None:
    built, plain = stack(skip=True), stack()
    plain.load_state_dict({name: part for name, part in built.state_dict().items() if "skips" not in name})
    state = built.initial_state(B)
    assert torch.equal(built(X, state)[0], plain(X, state)[0])
    assert [tuple(shortcut.weight.shape) for shortcut in built.skips] == [(E, H), (E, H)]
    for shortcut in built.skips:
        torch.nn.init.normal_(shortcut.weight)
    masks = Masks(3, 1)
    between = [masks.keep(B, 1, H, drop=0.4) for _ in range(2)]
    last = masks.keep(B, 1, E, drop=0.3)
    first, second, third = layers_of(built)
    a, _ = first(X, state[:1])
    b, _ = second(a * between[0], state[1:2])
    c, _ = third(b * between[1], state[2:])
    expected = (c + a @ built.skips[0].weight.T + b @ built.skips[1].weight.T) * last
    dropped = stack(skip=True, dropout_between=0.4, output_dropout=0.3)
    dropped.load_state_dict(built.state_dict())
    torch.testing.assert_close(dropped(X, state, masks=Masks(3, 1))[0], expected)


def test_each_dropout_acts_in_its_place() -> None:
    plain = stack()
    state = plain.initial_state(B)
    masks = Masks(3, 1)
    dropped = X * masks.keep(B, 1, E, drop=0.5)
    between = [masks.keep(B, 1, H, drop=0.4) for _ in range(2)]
    last = masks.keep(B, 1, E, drop=0.3)
    first, second, third = layers_of(plain)
    a, _ = first(dropped, state[:1])
    b, _ = second(a * between[0], state[1:2])
    c, _ = third(b * between[1], state[2:])
    built = stack(input_dropout=0.5, dropout_between=0.4, output_dropout=0.3)
    torch.testing.assert_close(built(X, state, masks=Masks(3, 1))[0], c * last)
    assert torch.equal(built(X, state)[0], plain(X, state)[0])


def test_weight_drop_reaches_every_layer() -> None:
    built = stack(weight_drop=0.5)
    masks = Masks(3, 1)
    kept = [masks.keep(*layer.weight_hh.shape, drop=0.5) for layer in layers_of(built)]
    expected = built(X, built.initial_state(B), masks=Masks(3, 1))[0]
    for layer, mask in zip(layers_of(built), kept, strict=True):
        layer.weight_hh.data *= mask
    torch.testing.assert_close(built(X, built.initial_state(B))[0], expected)


def test_the_same_generator_starts_the_same_stack() -> None:
    first, second = (stack(generator=torch.Generator().manual_seed(5)) for _ in range(2))
    other = stack(generator=torch.Generator().manual_seed(6))
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert not torch.equal(layers_of(first)[0].weight_hh, layers_of(other)[0].weight_hh)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cell": "lstn"}, f"unknown cell 'lstn'; known: {', '.join(CELLS)}"),
        ({"layers": 0}, "0 layers; a stack needs at least 1"),
        ({"output_dropout": 1.5}, "output dropout is 1.5; it must be at least 0 and less than 1"),
        ({"dropout_between": 1.0}, "dropout between layers is 1.0"),
    ],
)
def test_mistakes_are_said(options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        stack(**options)
