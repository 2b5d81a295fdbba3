"""Cells that elman does not have, as other people would write them, and cells drawn at random."""

import random
from collections.abc import Callable

from elman.cells.cell import Cell, States, Step, Value, Weights
from elman.cells.operators import concat, linear, norm, sigmoid, softmax, split, tanh


def sru(x: Value, state: States, w: Weights) -> Step:
    """The simple recurrent unit (Lei et al. 2018), with a product in the place of x itself."""
    (c,) = state
    u, f, r, k = split(linear(x, w.weight_ih, w.bias_ih), 4)
    f = sigmoid(f + w.v_f * c)
    r = sigmoid(r + w.v_r * c)
    c = f * c + (1 - f) * u
    h = r * c + (1 - r) * k
    return h, (c,)


def peephole(x: Value, state: States, w: Weights) -> Step:
    """Three lines below, a long name among them; quotients, differences and a window without
    names.
    """
    h, memory, tail = state
    v = linear(x, w.W)
    i = sigmoid(v + linear(h, w.U) + linear(memory, w.V)) * tanh(1 - 2 * linear(h, w.W))
    memory = tanh(memory - softmax(i)) / (tail[..., : x.shape[-1]] - i * i)
    return linear(memory * w.gain, w.U) + x, (memory * i, memory, concat(tail[..., x.shape[-1] :], x))


SRU = Cell(
    "sru", sru, state=lambda s: {"c": s.hidden}, weights=lambda s: {
        "weight_ih": (4 * s.hidden, s.inputs), "bias_ih": (4 * s.hidden,), "v_f": (s.hidden,), "v_r": (s.hidden,)
    },
)  # fmt: skip
PEEPHOLE = Cell(
    "peephole", peephole, state=lambda s: {"h": s.hidden, "memory": s.hidden, "tail": 3 * s.inputs},
    weights=lambda s: {**dict.fromkeys("WUV", (s.hidden, s.hidden)), "gain": (s.hidden,)},
)  # fmt: skip


def random_cell(seed: int) -> Cell:
    """A cell whose values nobody would draw by hand; D and H are 8."""

    def step(x: Value, state: States, w: Weights) -> Step:
        rng, made = random.Random(seed), [x, *state]

        def some() -> Value:
            for _ in range(rng.randint(2, 12)):
                a, b = rng.choice(made), rng.choice(made)
                ways: list[Callable[[], Value]] = [
                    lambda a=a, b=b: a + b, lambda a=a, b=b: a * b, lambda a=a, b=b: a - b,
                    lambda a=a, b=b: a / (b * b + 1.5), lambda a=a: 1 - a, lambda a=a: w.gain * a,
                    lambda a=a: sigmoid(a), lambda a=a: tanh(linear(a, w.weight_ih, w.bias_ih)),
                    lambda a=a, b=b: linear(a, w.weight_ih) + linear(b, w.weight_hh),
                    lambda a=a: norm(a, w.gain), lambda a=a: softmax(a),
                ]  # fmt: skip
                made.append(rng.choice(ways)())
            return made[-1]

        p = some()
        q = some()
        y = some()
        return y, (rng.choice(made[-6:]), rng.choice([p, q, *made]))

    weights = {"weight_ih": (8, 8), "bias_ih": (8,), "weight_hh": (8, 8), "gain": (8,)}
    return Cell(f"random-{seed}", step, weights=lambda s: weights, state=lambda s: {"h": 8, "c": 8})
