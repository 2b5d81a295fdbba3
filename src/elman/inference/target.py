"""What the compiler may emit: the instruction sets of numba's target.

That is this processor's, unless ``NUMBA_CPU_FEATURES`` names others: then one machine runs the code
of a lesser one. A processor's name alone (``NUMBA_CPU_NAME=haswell``) leaves numba at this
machine's instruction sets; ``generic`` does not. What is asked here is the key of numba's cache
too, so that code for one target is never loaded for another.
"""

from functools import cache
from typing import Any

from numba.core.registry import cpu_target


@cache
def features() -> frozenset[str]:
    """Names of instruction sets as LLVM spells them: ``avx2``, ``avx512vnni``.

    Every x86-64 processor has ``sse2`` and every arm64 one ``neon``; all else counts only if it is
    named.
    """
    context: Any = cpu_target.target_context
    triple, _, flags = context.codegen().magic_tuple()
    architecture = triple.partition("-")[0]
    found = {"sse2"} if architecture == "x86_64" else {"neon"} if architecture in ("aarch64", "arm64") else set()
    for flag in filter(None, flags.split(",")):
        (found.add if flag[0] == "+" else found.discard)(flag[1:])
    return frozenset(found)
