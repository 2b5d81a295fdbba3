"""Threads of compiled code that wait for each other.

They do not sleep: to be woken takes some 0.4 ms on a virtual machine, as long as a block of text.
"""

import sys
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from elman.models.vectors.sampling import compiled

# Compiled code calls an operation without the typing context, its first argument here.
_operation: Any = intrinsic
_TRIES = 2000
"""How often a thread looks before it lets others run, some microseconds."""
_GIVE_WAY = "SwitchToThread" if sys.platform == "win32" else "sched_yield"


def new_barrier() -> NDArray[np.int64]:
    """How many arrivals there were, alone in its cache lines."""
    return np.zeros(32, np.int64)[16:17]


def open_for_all(barrier: NDArray[np.int64]) -> None:
    """Nobody waits any more, since a thread will not come."""
    barrier[0] = 1 << 62


def _counter(context: Any, b: Any, signature: Any, arguments: Any) -> Any:
    return context.make_array(signature.args[0])(context, b, arguments[0]).data


@_operation
def _arrive(typing: Any, barrier: Any) -> Any:
    def build(context: Any, b: Any, signature: Any, arguments: Any) -> Any:
        counter = _counter(context, b, signature, arguments)
        b.atomic_rmw("add", counter, ir.Constant(ir.IntType(64), 1), "seq_cst")
        return context.get_dummy_value()

    return types.void(barrier), build


@_operation
def _arrivals(typing: Any, barrier: Any) -> Any:
    def build(context: Any, b: Any, signature: Any, arguments: Any) -> Any:
        return b.load_atomic(_counter(context, b, signature, arguments), "seq_cst", 8)

    return types.int64(barrier), build


@_operation
def _give_way(typing: Any) -> Any:
    def build(context: Any, b: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(ir.IntType(32), [])
        b.call(cgutils.get_or_insert_function(b.module, kind, _GIVE_WAY), [])
        return context.get_dummy_value()

    return types.void(), build


@compiled
def wait_for_all(barrier, arrivals):
    """Arrive, and wait until so many threads have arrived since the barrier was made."""
    _arrive(barrier)
    tries = 0
    while _arrivals(barrier) < arrivals:
        tries += 1
        if tries % _TRIES == 0:
            _give_way()
