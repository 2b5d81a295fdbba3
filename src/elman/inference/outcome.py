"""InferenceOutcome: an outcome network computed by the engine, without torch, in 8 bits or
float32."""

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from elman.inference.engine import PATIENCE
from elman.inference.engine_network import Arrays, EngineNetwork, HistoryNetworkConfig
from elman.inference.outcome_program import outcome_program
from elman.inference.stack import check_states
from elman.models.outcome_config import OutcomeConfig, OutcomeSizes

States = tuple[NDArray[np.float32], ...]
Numbers = NDArray[np.float32]
_ROWS = 4096
"""Rows computed at a time."""


class InferenceOutcome(EngineNetwork):
    """An outcome network: from encoded rows to one number per outcome.

    Args:
        arrays: the weights by name; for 8-bit matrices, codes and scales are enough.
        patience: see ``Engine``.

    Raises:
        FolderError: the weights do not fit the configuration.
        UsageError: the configuration is invalid.
    """

    def __init__(self, arrays: Arrays, config: HistoryNetworkConfig, *, patience: int = PATIENCE) -> None:
        self.config = config
        self.shape, self.sizes = OutcomeConfig.from_json(config.network), OutcomeSizes.from_json(config.sizes)
        if self.sizes.roles:
            check_states(self.shape)
        super().__init__(arrays, config, outcome_program(self.shape, self.sizes), patience=patience)

    @property
    def state_sizes(self) -> tuple[int, ...]:
        """The size of an entity's output, then of each part of its state."""
        return (self.shape.top_size, *self.program.states.values()) if self.sizes.roles else ()

    def initial_state(self, entities: int) -> States:
        """The states of entities without rows ``[S, size]``: zeros."""
        return tuple(np.zeros((entities, size), np.float32) for size in self.state_sizes)

    def logits(
        self, ids: NDArray[np.int64], numbers: Numbers, tops: Numbers | None = None, gaps: Numbers | None = None
    ) -> Numbers:
        """One number per outcome ``[N, K]``.

        Args:
            ids: ``[N, C]``.
            numbers: ``[N, M]``.
            tops: outputs of the entities ``[N, R, H]``.
            gaps: ``[N, R, 2]``.

        Raises:
            ModelError: an id that is out of bounds.
        """
        found = np.zeros((len(ids), self.sizes.outcomes), np.float32)
        for start in range(0, len(ids), _ROWS):
            part = slice(start, start + _ROWS)
            given = self._given(
                ids[part], numbers[part], None if tops is None else tops[part], None if gaps is None else gaps[part]
            )
            found[part] = self._run("output", *given, ["logits"])[0]
        return found

    def update(
        self,
        role: int,
        given: tuple[dict[str, NDArray[np.int64]], dict[str, Numbers]],
        known: Mapping[str, Numbers],
        state: States,
    ) -> States:
        """The states of N entities after their rows, of the parts ``state``.

        Args:
            given: of ``row_inputs``.
            known: ``outcome``, ``surprise`` and, if there is any, ``after``.
        """
        names = list(self.program.states)
        vectors = {**given[1], **known, **dict(zip(names, state[1:], strict=True))}
        return tuple(self._run(f"update.{role}", given[0], vectors, ["top", *(f"next.{name}" for name in names)]))

    def row_inputs(
        self, ids: NDArray[np.int64], numbers: Numbers, tops: Numbers, gaps: Numbers
    ) -> tuple[dict[str, NDArray[np.int64]], dict[str, Numbers]]:
        """What ``update`` reads of rows."""
        return self._given(ids, numbers, tops, gaps)

    def _given(
        self, ids: NDArray[np.int64], numbers: Numbers, tops: Numbers | None, gaps: Numbers | None
    ) -> tuple[dict[str, NDArray[np.int64]], dict[str, Numbers]]:
        vectors = {"numbers": numbers} if self.sizes.numbers else {}
        if tops is not None and gaps is not None:
            for role in range(self.sizes.roles):
                vectors |= {f"top.{role}": tops[:, role], f"gaps.{role}": gaps[:, role]}
        return {f"id.{column}": ids[:, column] for column in range(ids.shape[1])}, vectors

    def _run(
        self, name: str, ids: Mapping[str, NDArray[np.int64]], vectors: Mapping[str, Numbers], wanted: list[str]
    ) -> list[Numbers]:
        function = self.program[name]
        own = {key: np.ascontiguousarray(vectors[key], np.float32) for key in function.inputs}
        return [
            np.array(each) for each in self._engines[name].run({key: ids[key] for key in function.ids}, own, wanted)
        ]


def inference_outcome(
    arrays: Arrays, config: OutcomeConfig, sizes: OutcomeSizes, *, int8: Iterable[str] = (), patience: int = PATIENCE
) -> InferenceOutcome:
    """The engine's network of a network's own weights, those of the groups ``int8`` in 8 bits."""
    settings = HistoryNetworkConfig(network=config.to_json(), sizes=sizes.to_json(), int8=sorted(int8))
    return InferenceOutcome(arrays, settings, patience=patience)
