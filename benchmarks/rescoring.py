"""Rescoring n-best lists as a tree of prefixes, against each hypothesis by itself; and minimal
pairs.

    python benchmarks/rescoring.py [--vocab 10000] [--hidden 512] [--lists 100] [--hypotheses 100] [--quick]

Synthetic lists, as recognisers make them: hypotheses of 12 words that differ from the first in up
to three places. An n-gram of order 4 and an LSTM of about 5 million weights, on one thread. Prints
one JSON line for each model: hypotheses a second of processor time as a tree and alone, the share
of tokens that the tree computes, and sentences a second of ``score_texts``, which minimal pairs
use. Bars, on AVX2: 10,000 hypotheses a second with the n-gram and 1,000 with the LSTM; 3,000 and
600 sentences.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

from elman.apps.prefix_tree import tree_log_probs
from elman.decode.bulk import score_texts
from elman.decode.rows import row_score
from elman.inference.model import inference_model
from elman.inference.weights import groups_of
from elman.models.network_config import NeuralConfig
from elman.models.neural import Network, NeuralModel
from elman.models.ngram.query import NgramConfig, fit_ngram
from elman.models.protocol import LanguageModel
from elman.text.speller import Speller
from elman.text.tokenizer import EOS_ID, Tokenizer, TokenizerConfig


def make_lists(rng: np.random.Generator, *, vocab: int, lists: int, hypotheses: int) -> list[list[np.ndarray]]:
    """Lists of different hypotheses as token ids."""
    made = []
    for _ in range(lists):
        first = rng.integers(2, vocab, 12)
        rows = [first]
        while len(rows) < hypotheses:
            other = rows[rng.integers(0, len(rows))].copy()
            other[rng.integers(0, 12, rng.integers(1, 3))] = rng.integers(2, vocab)
            rows.append(other)
        made.append([np.append(row, EOS_ID) for row in rows])
    return made


def least(work: Callable[[], object], turns: int) -> float:
    """Processor seconds of the fastest of a few turns."""
    seconds = []
    for _ in range(turns + 1):
        begin = time.process_time()
        work()
        seconds.append(time.process_time() - begin)
    return min(seconds[1:])


def measure(model: LanguageModel, lists: list[list[np.ndarray]], *, turns: int) -> dict[str, Any]:
    """Hypotheses a second of both ways, and sentences a second."""
    rows = [row for each in lists for row in each]
    which = [number for number, each in enumerate(lists) for _ in each]
    nodes = {
        (number, row[:end].tobytes()) for number, row in zip(which, rows, strict=True) for end in range(1, len(row) + 1)
    }
    pieces = [np.concatenate([each for each in lists[start : start + 10]]) for start in range(0, len(lists), 10)]

    def tree() -> None:
        for piece in pieces:
            tree_log_probs(model, piece, model.start())

    def alone() -> None:
        for row in rows[: len(rows) // 10]:
            row_score(model, [row], model.start())

    texts = [" ".join(f"w{token}" for token in row[:-1]) for row in rows]
    speller = Speller.fit({})
    return {
        "hypotheses": len(rows),
        "tree_per_second": round(len(rows) / least(tree, turns)),
        "alone_per_second": round(len(rows) // 10 / least(alone, turns)),
        "tokens_computed": round(len(nodes) / sum(map(len, rows)), 3),
        "sentences_per_second": round(len(texts) / least(lambda: score_texts(model, speller, texts), turns)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vocab", type=int, default=10_000)
    parser.add_argument("--hidden", type=int, default=512)
    parser.add_argument("--lists", type=int, default=100)
    parser.add_argument("--hypotheses", type=int, default=100)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    turns, lists = (1, 10) if given.quick else (3, given.lists)
    torch.set_num_threads(1)
    torch.manual_seed(1)
    rng = np.random.default_rng(1)
    types = " ".join(f"w{number}" for number in range(2, given.vocab))
    words = Tokenizer.fit([types], config=TokenizerConfig(pretokenized=True))
    text = rng.zipf(1.3, 400_000) % (words.size - 2) + 2
    text[::13] = EOS_ID
    ngram = fit_ngram(text, np.array([0, len(text)]), words, config=NgramConfig(order=4))
    config = NeuralConfig(cell="lstm", embedding_size=given.hidden // 2, hidden_size=given.hidden)
    network = Network(config, words.size)
    neural = NeuralModel(network, words, config)
    arrays = neural.to_arrays()
    facts = {"model_hash": neural.model_hash, "about": neural.describe()}
    lstm = inference_model(arrays, config, words, int8=groups_of(arrays), **facts)
    lstm.compile()
    made = make_lists(rng, vocab=words.size, lists=lists, hypotheses=given.hypotheses)
    for name, model in (("ngram", ngram), ("lstm", lstm)):
        weights = sum(parameter.numel() for parameter in network.parameters()) if name == "lstm" else None
        print(json.dumps({"model": name, "weights": weights, **measure(model, made, turns=turns)}), flush=True)


if __name__ == "__main__":
    main()
