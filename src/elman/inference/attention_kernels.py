"""Attention of many decoder states over sources of different lengths, as machine code.

No row depends on another, and the sums of a row are always taken in the same order, so the results
do not depend on what is translated together.
"""

from elman.inference import functions as f
from elman.inference.vector_kernels import compiled, dots, mix, softmax, total


@compiled
def attend(queries, which, keys, values, starts, score, weights, contexts):
    """Write the weights over each row's source, and the weighted mean of its outputs.

    ``queries[R, A]`` ask about source ``which[R]``. The outputs of source n and their keys are the
    rows from ``starts[n]`` to ``starts[n + 1]`` of ``values[N, D]`` and ``keys[N, A]``. With a
    vector ``score[A]`` scores are additive, without numbers in it they are dot products.
    ``weights[R, S]`` begin as zeros; ``contexts[R, D]``.
    """
    for row in range(len(queries)):
        start, stop = starts[which[row]], starts[which[row] + 1]
        own = weights[row, : stop - start]
        size = keys.shape[1]
        if len(score):
            terms = queries[row].copy()
            for place in range(stop - start):
                key = keys[start + place]
                for j in range(size):
                    terms[j] = score[j] * f.tanh(queries[row, j] + key[j])
                own[place] = total(terms)
        else:
            dots(queries[row], keys[start:stop].reshape(-1), 1, size, own)
        softmax(own, own)
        mix(own, values[start:stop].reshape(-1), 1, values.shape[1], contexts[row])
