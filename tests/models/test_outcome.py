"""The outcome network: levels against single rows, the past against the future, the engine against
torch."""

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from elman.data.entity_history import levels_of
from elman.inference.outcome import inference_outcome
from elman.inference.outcome_history import run_history
from elman.models.outcome import OutcomeNetwork
from elman.models.outcome_batch import OutcomeBatch
from elman.models.outcome_config import OutcomeConfig, OutcomeSizes

ROWS, ENTITIES = 23, 5
SIZES = OutcomeSizes(tables=[4, 3], columns=[0, 0, 1], numbers=3, outcomes=3, roles=2, after=2)
RNG = np.random.default_rng(11)
TIMES = np.sort(RNG.integers(0, 14, ROWS)).tolist()
NAMED = np.array([RNG.choice(ENTITIES, 2, replace=False) for _ in range(ROWS)])
TARGETS = np.where(RNG.random(ROWS) < 0.1, -1, RNG.integers(0, 3, ROWS))


def rows(targets: np.ndarray = TARGETS) -> OutcomeBatch:
    rng = np.random.default_rng(12)
    return OutcomeBatch(
        np.stack([rng.integers(0, size, ROWS) for size in (4, 4, 3)], axis=1),
        rng.normal(size=(ROWS, 3)).astype(np.float32),
        targets,
        rng.normal(size=(ROWS, 2)).astype(np.float32),
        NAMED,
        rng.random((ROWS, 2, 2)).astype(np.float32),
        levels_of(TIMES, NAMED),
    )


def taken(data: OutcomeBatch, some: Any) -> OutcomeBatch:
    arrays: list[Any] = [each[some] for each in data[:6]]
    return OutcomeBatch(*arrays)


def network(cell: str = "gru") -> OutcomeNetwork:
    torch.manual_seed(0)
    made = OutcomeNetwork(OutcomeConfig(cell=cell, embedding_size=4, hidden_size=5, dense_size=6), SIZES)
    with torch.no_grad():
        for weight in made.parameters():
            weight.add_(0.3 * torch.randn(weight.shape))
    return made


def reference(made: OutcomeNetwork, data: OutcomeBatch) -> torch.Tensor:
    """The logits by the definition: row by row, those of one time from the states before it."""
    assert made.stack is not None
    w = made.weights()
    state = [tuple(part[0:1] for part in made.initial_state(1)) for _ in range(ENTITIES)]
    found: list[torch.Tensor] = []
    start = 0
    while start < ROWS:
        same = [row for row in range(ROWS) if TIMES[row] == TIMES[start]]
        read = {}
        for row in same:
            pieces = [w[f"tables.{table}"][int(data.ids[row, c])] for c, table in enumerate((0, 0, 1))]
            pieces.append(torch.from_numpy(data.numbers[row]))
            for role in range(2):
                pieces += [state[NAMED[row, role]][0][0], torch.from_numpy(data.gaps[row, role])]
            read[row] = torch.cat(pieces)
            hidden = F.relu(w["dense.0.weight"] @ read[row] + w["dense.0.bias"])
            found.append(w["output.weight"] @ hidden + w["output.bias"] + w["wide.weight"] @ read[row])
        for row in same:
            if data.targets[row] < 0:
                continue
            outcome = F.one_hot(torch.tensor(data.targets[row]), 3).float()
            whole = torch.cat([read[row], outcome, outcome - found[row].softmax(0), torch.from_numpy(data.after[row])])
            new = {}
            for role in range(2):
                x = torch.tanh(w[f"update{role}.weight"] @ whole + w[f"update{role}.bias"])
                top, after = made.stack.step(x[None], state[NAMED[row, role]][1:])
                new[NAMED[row, role]] = (top, *after)
            for entity, parts in new.items():
                state[entity] = parts
        start += len(same)
    return torch.stack(found)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_levels_compute_what_single_rows_compute(cell: str) -> None:
    made, data = network(cell), rows()
    logits, _ = made.run(data, made.initial_state(ENTITIES))
    slow = reference(made, data)
    torch.testing.assert_close(logits, slow, atol=1e-5, rtol=1e-4)
    weights = list(made.parameters())
    one, other = (torch.autograd.grad(each.square().sum(), weights) for each in (logits, slow))
    for fast, by_row in zip(one, other, strict=True):
        torch.testing.assert_close(fast, by_row, atol=1e-3, rtol=1e-3)


def test_two_pieces_are_one() -> None:
    made, data = network(), rows()
    cut = next(row for row in range(10, ROWS) if TIMES[row] != TIMES[row - 1])
    whole, state = made.run(data, made.initial_state(ENTITIES))
    after, found = made.initial_state(ENTITIES), []
    for part in (slice(0, cut), slice(cut, ROWS)):
        piece = taken(data, part)._replace(levels=levels_of(TIMES[part], NAMED[part]))
        logits, after = made.run(piece, after)
        found.append(logits)
    torch.testing.assert_close(torch.cat(found), whole)
    for one, other in zip(state, after, strict=True):
        torch.testing.assert_close(one, other)


def test_the_future_never_changes_the_past() -> None:
    made, other = network(), TARGETS.copy()
    changed = 12
    other[changed] = (max(TARGETS[changed], 0) + 1) % 3
    one, two = (made.run(rows(targets), made.initial_state(ENTITIES))[0] for targets in (TARGETS, other))
    differs = (one != two).any(1)
    later = torch.tensor([time > TIMES[changed] for time in TIMES])
    assert differs.any() and not (differs & ~later).any()


@pytest.mark.parametrize("cell", ["gru", "lstm", "mingru", "conv"])
def test_the_engine_computes_the_same(cell: str) -> None:
    made, data = network(cell), rows()
    engine = inference_outcome(made.to_arrays(), made.config, SIZES, patience=1 << 30)
    logits, state = run_history(engine, data, engine.initial_state(ENTITIES))
    with torch.no_grad():
        wanted, after = made.run(data, made.initial_state(ENTITIES))
    np.testing.assert_allclose(logits, wanted.numpy(), atol=1e-5)
    for one, other in zip(state, after, strict=True):
        np.testing.assert_allclose(one, other.numpy(), atol=1e-5)


def test_rows_without_entities_need_no_order() -> None:
    sizes = SIZES.replace(roles=0, after=0)
    torch.manual_seed(0)
    made = OutcomeNetwork(OutcomeConfig(embedding_size=4, dense_size=6, dense_layers=2), sizes)
    data = rows()._replace(entities=np.zeros((ROWS, 0), np.int64), gaps=np.zeros((ROWS, 0, 2), np.float32))
    order = RNG.permutation(ROWS)
    torch.testing.assert_close(made.run(taken(data, order), ())[0], made.run(data, ())[0][order])
    engine = inference_outcome(made.to_arrays(), made.config, sizes, patience=1 << 30)
    np.testing.assert_allclose(engine.logits(data.ids, data.numbers), made.run(data, ())[0].detach().numpy(), atol=1e-5)
