"""Muon: its directions against singular values, its steps against an update written out by hand."""

import numpy as np
import pytest
import torch
from torch import nn

from elman.training.muon import Muon, orthogonalise

SETTINGS = ((3.4445, -4.7750, 2.0315), 5, 1e-7)


def with_singular_values(values: list[float], rows: int, columns: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    u = torch.linalg.qr(torch.randn(rows, rows, generator=generator, dtype=torch.float64))[0]
    v = torch.linalg.qr(torch.randn(columns, columns, generator=generator, dtype=torch.float64))[0]
    s = torch.zeros(rows, columns, dtype=torch.float64)
    s[range(len(values)), range(len(values))] = torch.tensor(values, dtype=torch.float64)
    return u @ s @ v


def polar(matrices: torch.Tensor) -> torch.Tensor:
    """U V' of each of ``[n, rows, columns]`` = U S V', by singular values in float64."""
    u, _, v = torch.linalg.svd(matrices.double(), full_matrices=False)
    return u @ v


def quintic(s: float) -> float:
    """What five rounds make of one singular value, by hand."""
    for _ in range(5):
        s = 3.4445 * s - 4.7750 * s**3 + 2.0315 * s**5
    return s


def test_the_iteration_acts_on_each_singular_value_alone() -> None:
    values = [0.8, 0.5, 0.3, 0.1, 0.02]
    norm = float(np.linalg.norm(values))
    matrix = 7 * with_singular_values(values, 5, 8, seed=0)  # its size must not matter
    u, s, v = torch.linalg.svd(matrix, full_matrices=False)
    expected = u @ torch.diag(torch.tensor([quintic(value / norm) for value in values], dtype=torch.float64)) @ v
    torch.testing.assert_close(orthogonalise(matrix[None], *SETTINGS)[0], expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("shape", [(3, 7, 7), (2, 5, 12), (2, 12, 5), (1, 1, 4)])
@pytest.mark.parametrize(("dtype", "slack"), [(torch.float32, 1e-4), (torch.bfloat16, 0.03)])
def test_directions_are_those_of_the_polar_factor(
    shape: tuple[int, int, int], dtype: torch.dtype, slack: float
) -> None:
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    found = orthogonalise(matrices.to(dtype), *SETTINGS).double()
    values = torch.linalg.svdvals(found)
    assert values.min() > 0.68 - slack and values.max() < 1.21 + slack
    # The same singular vectors: a polar factor of what was found is the polar factor of what was
    # given.
    within = 1e-3 if dtype == torch.float32 else 0.15
    torch.testing.assert_close(polar(found), polar(matrices), rtol=0, atol=within)


def test_a_matrix_of_zeros_stays_where_it_is() -> None:
    assert orthogonalise(torch.zeros(2, 3, 4), *SETTINGS).abs().max() == 0


@pytest.mark.parametrize("shape", [(6, 6), (4, 9), (9, 4)])
def test_three_steps_are_those_of_torch(shape: tuple[int, int]) -> None:
    """torch.optim.Muon works in bfloat16 only, so do we here."""
    torch.manual_seed(2)
    first = torch.randn(shape)
    ours, theirs = nn.Parameter(first.clone()), nn.Parameter(first.clone())
    one = Muon([{"params": [ours], "blocks": 1, "weight_decay": 0.1}], rate=0.02, dtype=torch.bfloat16)
    two = torch.optim.Muon([theirs], lr=0.02, weight_decay=0.1, momentum=0.95, adjust_lr_fn="match_rms_adamw")
    for _ in range(3):
        gradient = torch.randn(shape)
        ours.grad, theirs.grad = gradient.clone(), gradient.clone()
        one.step()
        two.step()
    moved = (theirs - first).norm()
    assert (ours - theirs).norm() < 0.02 * moved


def by_hand(weight: np.ndarray, gradients: list[np.ndarray], blocks: int, rate: float, decay: float) -> np.ndarray:
    """Muon in NumPy float64, gate after gate."""
    gates = np.split(weight, blocks)
    momenta = [np.zeros_like(gate) for gate in gates]
    for gradient in gradients:
        for number, part in enumerate(np.split(gradient, blocks)):
            momenta[number] = 0.95 * momenta[number] + 0.05 * part
            direction = 0.05 * part + 0.95 * momenta[number]
            u, s, v = np.linalg.svd(direction, full_matrices=False)
            s = np.array([quintic(value) for value in s / np.linalg.norm(s)])
            move = 0.2 * np.sqrt(max(part.shape)) * (u * s) @ v
            gates[number] = gates[number] * (1 - rate * decay) - rate * move
    return np.concatenate(gates)


def test_gates_of_several_layers_move_each_by_itself() -> None:
    rng = np.random.default_rng(3)
    shapes = [((20, 5), 4), ((20, 7), 4), ((8, 8), 1), ((15, 3), 3)]  # some lying, some standing, some of equal shape
    firsts = [rng.normal(size=shape) for shape, _ in shapes]
    gradients = [[rng.normal(size=shape) for shape, _ in shapes] for _ in range(3)]
    parameters = [nn.Parameter(torch.tensor(first)) for first in firsts]
    groups = [
        {"params": [parameter], "blocks": blocks, "weight_decay": 0.3}
        for parameter, (_, blocks) in zip(parameters, shapes, strict=True)
    ]
    optimizer = Muon(groups, rate=0.05, dtype=torch.float64)
    for step in gradients:
        for parameter, gradient in zip(parameters, step, strict=True):
            parameter.grad = torch.tensor(gradient)
        optimizer.step()
    for number, (_, blocks) in enumerate(shapes):
        expected = by_hand(firsts[number], [step[number] for step in gradients], blocks, 0.05, 0.3)
        np.testing.assert_allclose(parameters[number].detach().numpy(), expected, atol=1e-6)
