"""The engine: runs one function of a program, first by the interpreter, then by compiled kernels.

Both give the same bits if all products are in 8 bits, so the switch cannot be noticed. A process
that computes only a few steps loads no compiler. Functions with float32 products are compiled at
once, since last digits may differ.
"""

import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from elman.inference.interpreter import Ids, Interpreter, Vectors, check_ids
from elman.inference.program import Function
from elman.inference.weights import ProgramWeights

if TYPE_CHECKING:
    from elman.inference.executor import Executor

PATIENCE = 64
"""Rows computed by the interpreter before the kernels are loaded, which takes a third of a
second."""


class Engine:
    """One function with its weights.

    Args:
        patience: rows computed by the interpreter before kernels are loaded.
    """

    def __init__(self, function: Function, weights: ProgramWeights, *, patience: int = PATIENCE) -> None:
        self.function = function
        self._weights = weights
        self._patience = patience if function.is_exact else 0
        self._interpreter = Interpreter(function, weights)
        self._executor: Executor | None = None
        self._lock = threading.Lock()

    def run(self, ids: Ids, vectors: Vectors, wanted: Sequence[str]) -> list[NDArray[np.float32]]:
        """The ``wanted`` outputs ``[N, size]`` of ids ``[N]`` and vectors ``[N, size]``.

        Raises:
            ModelError: an id that is out of bounds.
        """
        if self._executor is not None and self._patience < 0:
            return self._executor.run(ids, vectors, wanted)
        return self._chosen(len(next(iter([*ids.values(), *vectors.values()])))).run(ids, vectors, wanted)

    def along(
        self,
        tokens: NDArray[np.int64],
        lengths: NDArray[np.int64],
        state: Mapping[str, NDArray[np.float32]],
        *,
        top: str,
        fresh: NDArray[np.bool_] | None = None,
        table: tuple[str, NDArray[np.float32]] | None = None,
    ) -> tuple[NDArray[np.float32], dict[str, NDArray[np.float32]]]:
        """A step for each of ``tokens[B, T]`` up to each row's length; see ``Executor.along``.

        Raises:
            ModelError: an id that is out of bounds.
        """
        (name,) = self.function.ids if table is None else ("token",)
        check_ids({name: tokens}, self.function.ids if table is None else {name: len(table[1]) - 1})
        fresh = np.zeros(tokens.shape, np.bool_) if fresh is None else fresh
        chosen = self._chosen(int(lengths.sum()))
        if not isinstance(chosen, Interpreter):
            return chosen.along(tokens, lengths, fresh, state, top, table)
        return along(chosen, tokens, lengths, fresh, state, top, table)

    def compile(self) -> "Executor":
        """Load the kernels, which compute everything from now on."""
        with self._lock:
            if self._executor is None:
                from elman.inference.executor import Executor  # brings numba along

                self._executor = Executor(self.function, self._weights)
            self._patience = -1
            return self._executor

    def _chosen(self, rows: int) -> Any:
        self._patience -= rows
        return self._interpreter if self._patience >= 0 else self.compile()


def along(
    interpreter: Interpreter,
    tokens: NDArray[np.int64],
    lengths: NDArray[np.int64],
    fresh: NDArray[np.bool_],
    state: Mapping[str, NDArray[np.float32]],
    top: str,
    table: tuple[str, NDArray[np.float32]] | None = None,
) -> tuple[NDArray[np.float32], dict[str, NDArray[np.float32]]]:
    """``Executor.along`` by its definition, step by step."""
    names = [top, *(f"next.{part}" for part in state)]
    tops = np.zeros((*tokens.shape, interpreter.function.outputs[top].size), np.float32)
    after = {part: np.array(vector, np.float32) for part, vector in state.items()}
    for time in range(int(lengths.max(initial=0))):
        rows = np.flatnonzero(lengths > time)
        before = {part: np.where(fresh[rows, time, None], 0, vector[rows]) for part, vector in after.items()}
        read, ids = tokens[rows, time], dict[str, NDArray[np.int64]]()
        if table is None:
            ids = {next(iter(interpreter.function.ids)): read}
        else:
            before[table[0]] = table[1][read]
        tops[rows, time], *parts = interpreter.run(ids, before, names)
        for part, vector in zip(after, parts, strict=True):
            after[part][rows] = vector
    return tops, after
