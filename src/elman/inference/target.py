"""The instruction sets of numba's target.

They are this processor's unless ``NUMBA_CPU_FEATURES`` names others, so a machine can run the code
of a smaller one. ``NUMBA_CPU_NAME`` alone does not change them, except for ``generic``. They are
part of the key of numba's cache, so code for one target is never loaded for another.
"""

from functools import cache
from typing import Any

from numba.core.registry import cpu_target


@cache
def features() -> frozenset[str]:
    """Names of instruction sets as LLVM spells them: ``avx2``, ``avx512vnni``.

    Every x86-64 processor has ``sse2`` and every arm64 one ``neon``; others count only if they are
    named.
    """
    context: Any = cpu_target.target_context
    triple, _, flags = context.codegen().magic_tuple()
    architecture = triple.partition("-")[0]
    names = {"sse2"} if architecture == "x86_64" else {"neon"} if architecture in ("aarch64", "arm64") else set()
    for flag in filter(None, flags.split(",")):
        (names.add if flag[0] == "+" else names.discard)(flag[1:])
    return frozenset(names)
