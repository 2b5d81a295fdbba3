"""Machine code over blocks of rows, in as many threads as torch uses.

It uses Python's threads: numba's parallel loops start OpenMP, after which a fork kills the child.
"""

import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import torch

_WORTH_A_THREAD = 2**17
"""With fewer elements per thread, waking another thread costs more than it gains."""


def in_rows(kernel: Callable[..., None], shape: Sequence[int], *arguments: Any) -> None:
    """Call ``kernel(*arrays, start, stop)`` so that all B rows of ``shape``, ``[T, B, ..]``, are
    covered.

    Tensors, also those in named tuples, arrive as NumPy arrays, bfloat16 as its bits in uint16. The
    kernel releases the interpreter's lock; rows must not depend on each other.
    """
    share_rows(kernel, shape[1], math.prod(shape), *map(_arrays, arguments))


def share_rows(kernel: Callable[..., None], rows: int, elements: int, *arrays: Any) -> None:
    """Call ``kernel(*arrays, start, stop)`` so that all ``rows`` are covered, in threads where
    ``elements`` are many.

    ``in_rows`` for arrays that already exist, as in loops over steps.
    """
    blocks = max(1, min(torch.get_num_threads(), rows, elements // _WORTH_A_THREAD))
    edges = [rows * block // blocks for block in range(blocks + 1)]
    others = [
        _pool(os.getpid(), blocks - 1).submit(kernel, *arrays, start, stop)
        for start, stop in zip(edges[1:-1], edges[2:], strict=True)
    ]
    kernel(*arrays, 0, edges[1])
    for other in others:
        other.result()


@cache
def _pool(process: int, threads: int) -> ThreadPoolExecutor:
    # A forked child has none of its parent's threads and needs a pool of its own.
    return ThreadPoolExecutor(threads, thread_name_prefix=f"elman-rows-{process}")


def _arrays(argument: Any) -> Any:
    if isinstance(argument, tuple):
        return type(argument)(*map(_arrays, argument))
    tensor = argument.detach()
    return (tensor.view(torch.uint16) if tensor.dtype == torch.bfloat16 else tensor).numpy()
