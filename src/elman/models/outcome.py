"""The outcome network in torch: rows of columns to outcomes, entities with states among them.

Without entities, rows are independent (one to one). With entities, every row reads the states of
the things that it names and then updates them (many to one): the rows of a chunk are computed level
by level, since rows of one level share no entity with an earlier row of their own.
"""

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from elman.models.neural import make_stack
from elman.models.outcome_batch import OutcomeBatch
from elman.models.outcome_config import OutcomeConfig, OutcomeSizes
from elman.models.outcome_equations import logits_of, row_of, row_size, update_of, weight_shapes
from elman.models.stored_weights import DeclaredWeights
from elman.nn import dropout
from elman.nn.dropout import Masks
from elman.nn.loss import Loss
from elman.nn.recurrent import spread

State = tuple[Tensor, ...]


class OutcomeNetwork(DeclaredWeights):
    """The network; weights are named ``tables.* wide.* dense.* output.* update*.* stack.*``.

    >>> sizes = OutcomeSizes(tables=[3], columns=[0], numbers=2, outcomes=2)
    >>> network = OutcomeNetwork(OutcomeConfig(embedding_size=4), sizes)
    >>> rows = np.array([[1], [2]]), np.zeros((2, 2), np.float32)
    >>> tuple(network.logits(*map(torch.from_numpy, rows)).shape)
    (2, 2)
    """

    def __init__(self, config: OutcomeConfig, sizes: OutcomeSizes, *, drop: float = 0.0, unknown: float = 0.0) -> None:
        """Draw the starting weights.

        Args:
            drop: dropout of hidden units and of what an update reads.
            unknown: how often a category is read as unknown in training.

        Raises:
            UsageError: a dropout outside [0, 1).
        """
        super().__init__()
        self.config, self.sizes = config, sizes
        self.drop = dropout.check("dropout", drop)
        self.unknown = dropout.check("unknown", unknown)
        for name, shape in weight_shapes(config, sizes):
            weight = nn.Parameter(torch.zeros(shape))
            if name.startswith("tables."):
                nn.init.uniform_(weight, -0.1, 0.1)
            elif name.startswith(("dense.", "update")) and len(shape) == 2:
                spread(weight, shape[1], None)
            self.declare(name, weight)
        self.stack = make_stack(config, config.embedding_size) if sizes.roles else None

    @torch.no_grad()
    def begin(self, shares: NDArray[np.floating]) -> None:
        """Start from each outcome's share of the training rows ``[K]``, all above 0."""
        self.weights()["output.bias"].copy_(torch.from_numpy(np.log(shares).astype(np.float32)))

    def initial_state(self, entities: int) -> State:
        """The output and the state of entities without rows: zeros ``[S, size]``."""
        if self.stack is None:
            return ()
        like = self.stack.initial_state(entities)
        return (like[0].new_zeros(entities, self.config.top_size), *like)

    def logits(
        self,
        ids: Tensor,
        numbers: Tensor,
        tops: tuple[Tensor, ...] = (),
        gaps: tuple[Tensor, ...] = (),
        masks: Masks | None = None,
    ) -> Tensor:
        """One number per outcome ``[B, K]``."""
        return self._logits(self._row(ids, numbers, tops, gaps, masks), masks)

    def loss(self, data: OutcomeBatch, state: State, masks: Masks | None = None) -> Loss:
        """Summed nats of the outcomes of a batch."""
        logits, state = self.run(data, state, masks)
        targets = torch.from_numpy(data.targets).to(logits.device)
        asked = targets >= 0
        total = F.cross_entropy(logits[asked].float(), targets[asked], reduction="sum")
        return Loss(total, float(max(int(asked.sum()), 1)), state)

    def run(self, data: OutcomeBatch, state: State, masks: Masks | None = None) -> tuple[Tensor, State]:
        """The logits of all rows ``[B, K]``, and the states after them."""
        device = self.weights()["output.bias"].device
        ids, numbers, targets, after, entities, gaps = (torch.from_numpy(part).to(device) for part in data[:6])
        if self.stack is None:
            return self.logits(ids, numbers, masks=masks), ()
        if data.fresh:
            state = tuple(torch.zeros_like(part) for part in state)
        # Only the entities of this chunk are copied at each level.
        here, local = torch.unique(entities, return_inverse=True)
        own = tuple(part[here] for part in state)
        outcomes = F.one_hot(targets.clamp(min=0), self.sizes.outcomes).float()
        logits = numbers.new_zeros(len(ids), self.sizes.outcomes)
        places, found = [], []
        roles = range(self.sizes.roles)
        for rounds in data.levels:
            rows = torch.from_numpy(np.concatenate(rounds)).to(device)
            tops = tuple(own[0][local[rows, role]] for role in roles)
            row = self._row(ids[rows], numbers[rows], tops, tuple(gaps[rows, role] for role in roles), masks)
            scores = self._logits(row, masks)
            places.append(rows)
            found.append(scores)
            surprise = outcomes[rows] - scores.float().softmax(-1)
            begin = 0
            for some in rounds:
                part = slice(begin, begin + len(some))
                begin += len(some)
                known = (targets[rows[part]] >= 0).nonzero()[:, 0] + part.start
                if len(known):
                    chosen = rows[known]
                    given = (row[known], outcomes[chosen], surprise[known], after[chosen] if self.sizes.after else None)
                    read = torch.cat([update_of(role, *given, self.declared) for role in roles])
                    who = torch.cat([local[chosen, role] for role in roles])
                    top, new = self.stack.step(read, tuple(each[who] for each in own[1:]))
                    own = tuple(old.index_copy(0, who, one) for old, one in zip(own, (top, *new), strict=True))
        logits = logits.index_copy(0, torch.cat(places), torch.cat(found)) if places else logits
        return logits, tuple(old.index_copy(0, here, new) for old, new in zip(state, own, strict=True))

    def _row(
        self, ids: Tensor, numbers: Tensor, tops: tuple[Tensor, ...], gaps: tuple[Tensor, ...], masks: Masks | None
    ) -> Tensor:
        if masks is not None and self.unknown and ids.numel():
            hidden = masks.uniform(*ids.shape).to(ids.device) < self.unknown
            ids = ids.masked_fill(hidden, 0)
        embedded = [F.embedding(ids[:, c], getattr(self, f"tables_{t}")) for c, t in enumerate(self.sizes.columns)]
        row = row_of(embedded, numbers if self.sizes.numbers else None, tops, gaps)
        assert row.shape[-1] == row_size(self.config, self.sizes)
        return row

    def _logits(self, row: Tensor, masks: Masks | None) -> Tensor:
        def keep(x: Tensor) -> Tensor:
            return x if masks is None or not self.drop else x * masks.keep(*x.shape, drop=self.drop).to(x)

        return logits_of(row, self.declared, self.config.dense_layers, keep)
