"""N-grams beside KenLM's module, in one run: estimating, size, and questions per second, one
thread.

    python benchmarks/ngram.py TRAIN TEST [--order 5]

TRAIN and TEST are pretokenized, a line each. KenLM's module (`pip install kenlm`) reads the ARPA
file that elman writes, and holds it as its probing table; it cannot estimate and cannot build its
trie. The ratios "of trie" take from elsewhere what its trie does of its probing table (3.1 of 5.0
and 2.0 of 3.0 M tokens/s, PTB, two Zen 5 cores). Estimating is compared with a NumPy sort of as
many numbers as there are tokens, times the order. Prints one JSON line.

Predictions before the first run: estimating at most 3 sorts; lines 1.3 times the trie, tokens twice
the trie.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

import elman
from elman.models.ngram.counts import count_ngrams
from elman.models.ngram.kneser_ney import estimate
from elman.text.tokenizer import EOS_ID

TRIE_LINES, TRIE_TOKENS = 3.1 / 5.0, 2.0 / 3.0


def best(run: Callable[[], Any], *, repeats: int) -> float:
    """The least seconds of several runs, the first left out."""
    run()
    found = []
    for _ in range(repeats):
        begin = time.perf_counter()
        run()
        found.append(time.perf_counter() - begin)
    return min(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("train")
    parser.add_argument("test")
    parser.add_argument("--order", type=int, default=5)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="elman-ngram-"))
    model = elman.train(
        given.train, test=given.test, model="ngram", order=given.order, pretokenized=True, out=folder / "model"
    )
    tables, words = model.lm.tables, model.lm.tokenizer
    begin = time.perf_counter()
    elman.load(folder / "model")
    loading = time.perf_counter() - begin
    with open(given.train, encoding="utf-8") as file:
        ids = words.encode_stream([line.strip() for line in file])
    ids[ids < 0] = 0

    def fit() -> None:
        orders = count_ngrams(ids, np.array([0, len(ids)]), order=given.order, vocab_size=words.size, eos_id=EOS_ID)
        estimate(orders, vocab_size=words.size)

    keys = np.random.default_rng(0).integers(0, 1 << 62, len(ids))
    seconds = {"estimate": best(fit, repeats=3), "sort": given.order * best(lambda: np.sort(keys), repeats=3)}
    with open(given.test, encoding="utf-8") as file:
        lines = [line.strip() for line in file]
    stream = words.encode_stream(lines)
    stream[stream < 0] = 0
    tokens, state = len(stream), model.lm.start()
    seconds["lines"] = best(lambda: model.score_texts(lines).log_probs, repeats=20)
    seconds["ids"] = best(lambda: model.lm.score(stream[None], np.array([tokens]), state), repeats=20)
    ends = np.flatnonzero(stream == EOS_ID) + 1
    cut = int(ends[np.searchsorted(ends, tokens // 2)])
    halves = stream[None, :cut], stream[None, cut:]
    with ThreadPoolExecutor(2) as pool:
        # A line knows nothing of the one before it, so that each half may begin anew.
        seconds["ids, two threads"] = best(
            lambda: list(pool.map(lambda half: model.lm.score(half, np.array([half.shape[1]]), state), halves)),
            repeats=20,
        )
    step = model.lm.score(stream[None, :cut], np.array([cut]), state)[1]
    seconds["step"] = best(lambda: [model.lm.log_probs(step) for _ in range(100)], repeats=5) / 100
    result: dict[str, Any] = {
        "benchmark": "ngram",
        "order": given.order,
        "data": model.card["data"]["hash"],
        "types": words.size,
        "training_tokens": len(ids),
        "ngrams": tables.counts,
        "test_perplexity": model.card["figures"]["test"]["perplexity"],
        "estimate_seconds": round(seconds["estimate"], 3),
        "estimate_in_sorts": round(seconds["estimate"] / seconds["sort"], 2),
        "bytes": tables.bytes,
        "load_seconds": round(loading, 4),
        "step_ms": round(1000 * seconds["step"], 4),
        "million_tokens_per_second": {
            name: round(tokens / seconds[name] / 1e6, 2) for name in ("lines", "ids", "ids, two threads")
        },
    }
    try:
        import kenlm
    except ImportError:
        result["kenlm"] = None
    else:
        arpa = folder / "model.arpa"
        model.export(arpa)
        peer = kenlm.Model(str(arpa))
        whole = best(lambda: [peer.score(line) for line in lines], repeats=10)
        single = best(lambda: [list(peer.full_scores(line)) for line in lines], repeats=10)
        again = best(lambda: model.score_texts(lines).log_probs, repeats=20)
        theirs = np.array([figure[0] for line in lines for figure in peer.full_scores(line)])
        ours = model.lm.score(stream[None], np.array([tokens]), state)[0][0].astype(np.float64) / np.log(10.0)
        lines_best = min(again, seconds["lines"])
        result["kenlm"] = {
            "million_tokens_per_second": {
                "score": round(tokens / whole / 1e6, 2), "full_scores": round(tokens / single / 1e6, 2)
            },
            "lines_of_probing": round(whole / lines_best, 2),
            "lines_of_trie": round(whole / TRIE_LINES / lines_best, 2),
            "tokens_of_probing": round(single / lines_best, 2),
            "tokens_of_trie": round(single / TRIE_TOKENS / lines_best, 2),
            "worst_log10_difference": float(np.abs(theirs - ours).max()),
        }  # fmt: skip
    print(json.dumps(result))


if __name__ == "__main__":
    main()
