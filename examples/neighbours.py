"""Which words lie nearest to a word in a network's embedding.

    python examples/neighbours.py NET WORD...

NET is the folder of a network of words. Near means a cosine near 1, after the mean of all vectors
is taken off. Words are shown as in the vocabulary: those that follow a space without it, others (as
after a bracket) with a mark before.
"""

import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

import elman

NEAREST = 6
SPACE = " "


def directions(folder: str) -> np.ndarray:
    """The vectors ``[V, E]`` of length 1; the last row of the table, `<s>`, is no word."""
    table = load_file(Path(folder) / "model.safetensors")["embedding.weight"][:-1].astype(np.float64)
    table -= table.mean(axis=0)
    return table / np.linalg.norm(table, axis=1, keepdims=True)


def main() -> None:
    folder, words = sys.argv[1], sys.argv[2:]
    tokens = elman.load(folder).lm.tokenizer.tokens
    vectors, ids = directions(folder), {token: number for number, token in enumerate(tokens)}
    for word in words:
        if SPACE + word not in ids:
            sys.exit(f"{word!r} is no word of this model's vocabulary; use one of the text that it was trained on")
        cosines = vectors @ vectors[ids[SPACE + word]]
        best = [number for number in np.argsort(-cosines) if tokens[number] != SPACE + word][:NEAREST]
        shown = "  ".join(f"{_shown(tokens[number])} {cosines[number]:.2f}" for number in best)
        print(f"{word:10} {shown}")


def _shown(token: str) -> str:
    return token[1:] if token.startswith(SPACE) and len(token) > 1 else f"·{token}"


if __name__ == "__main__":
    main()
