"""The scan in machine code, compiled on the first call and kept on disk: rows ``start`` to ``stop``
of a chunk.

``h[t] = a[t] * h[t-1] + b[t]`` with ``a``, ``b``, ``h`` of shape ``[T, B, H]``, one type for all.
The inner loops run over neighbours in memory, so that the compiler can vectorise them. The caller
gives each thread its own rows; numba's parallel loops would start OpenMP, after which a fork kills
the child.
"""

import numpy as np
from numba import njit

# Products and sums may be fused, but NaN and infinity must survive to reveal a broken run.
FASTMATH = {"contract", "nsz"}


@njit(nogil=True, cache=True, fastmath=FASTMATH)
def forward(a, b, first, reset, h, start, stop):
    """Fill ``h`` from ``first[B, H]``; where ``reset[T, B]``, the state before the step is zero."""
    steps, _, size = a.shape
    nothing = np.zeros_like(first[0])
    for t in range(steps):
        for row in range(start, stop):
            before = first[row] if t == 0 else h[t - 1, row]
            if reset[t, row]:
                before = nothing
            a_row, b_row, h_row = a[t, row], b[t, row], h[t, row]
            for j in range(size):
                h_row[j] = a_row[j] * before[j] + b_row[j]


@njit(nogil=True, cache=True, fastmath=FASTMATH)
def backward(d_states, a, h, first, reset, d_a, d_b, d_first, start, stop):
    """Gradients from those of the states, ``d_states[T, B, H]``; ``d_first`` is zero on entry."""
    steps, _, size = a.shape
    nothing = np.zeros_like(first[0])
    for t in range(steps - 1, -1, -1):
        for row in range(start, stop):
            before = first[row] if t == 0 else h[t - 1, row]
            if reset[t, row]:
                before = nothing
            carried = d_first[row]
            d_states_row, a_row, d_a_row, d_b_row = d_states[t, row], a[t, row], d_a[t, row], d_b[t, row]
            for j in range(size):
                d_h = d_states_row[j] + carried[j]
                d_b_row[j] = d_h
                d_a_row[j] = d_h * before[j]
                carried[j] = d_h * a_row[j]
            if reset[t, row]:
                carried[:] = 0
