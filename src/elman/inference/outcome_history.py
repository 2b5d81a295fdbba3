"""Entities through a history, by the engine: rows are predicted from the states before them, and
update them. ``OutcomeNetwork.run`` is the same in torch."""

import numpy as np
from numpy.typing import NDArray

from elman.inference.outcome import InferenceOutcome, Numbers, States
from elman.metrics.calibration import softmax
from elman.models.outcome_batch import OutcomeBatch


def run_history(engine: InferenceOutcome, data: OutcomeBatch, state: States) -> tuple[Numbers, States]:
    """The logits of all rows ``[N, K]``, and the states after them.

    Args:
        data: with its levels; rows of one level are predicted together.
        state: of all entities ``[S, size]``.
    """
    logits = np.zeros((len(data.ids), engine.sizes.outcomes), np.float32)
    own = tuple(part.copy() for part in state)
    one_hot = np.eye(engine.sizes.outcomes, dtype=np.float32)
    for rounds in data.levels:
        rows = np.concatenate(rounds)
        tops = own[0][data.entities[rows]]
        ids, numbers, gaps = data.ids[rows], data.numbers[rows], data.gaps[rows]
        logits[rows] = engine.logits(ids, numbers, tops, gaps)
        surprise = one_hot[data.targets[rows]] - softmax(logits[rows]).astype(np.float32)
        begin = 0
        for some in rounds:
            place = np.arange(begin, begin + len(some))
            begin += len(some)
            place = place[data.targets[rows[place]] >= 0]
            if not len(place):
                continue
            chosen = rows[place]
            inputs = engine.row_inputs(ids[place], numbers[place], tops[place], gaps[place])
            known = {"outcome": one_hot[data.targets[chosen]], "surprise": surprise[place], "after": data.after[chosen]}
            new: list[tuple[NDArray[np.int64], States]] = []
            for role in range(engine.sizes.roles):
                who = data.entities[chosen, role]
                new.append((who, engine.update(role, inputs, known, tuple(part[who] for part in own))))
            for who, parts in new:
                for old, part in zip(own, parts, strict=True):
                    old[who] = part
    return logits, own
