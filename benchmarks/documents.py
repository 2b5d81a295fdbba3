"""What document starts inside chunks cost: many short documents against one long one, whole
updates.

    python benchmarks/documents.py [--quick] [--kinds lstm gru ...] [--precision fp32|bf16]

Both trainings read the same tokens with the same network, turn by turn in one process and one
thread, and the least processor time of each counts. Prints one JSON line for each kind of network;
``ratio`` should stay below 1.3.
"""

import argparse
import json
import time
from types import SimpleNamespace
from typing import Any

import numpy as np
from ceilings import precision_for

VOCABULARY = 5000
TOKENS = 200_000
BAR = 1.3


def make_training(kind: str, documents: np.ndarray, precision: str, sizes: dict[str, int]) -> Any:
    """A training over synthetic tokens in which documents start at the given places."""
    from elman.models.registry import entry, resolve
    from elman.tasks.language.objective import LanguageObjective
    from elman.tasks.language.plan import LanguagePlan
    from elman.training.training import Training

    found = entry(kind)
    shape = {"embedding_size": sizes["embedding"], "hidden_size": sizes["hidden"], "layers": 2}
    ids = np.random.default_rng(1).integers(2, VOCABULARY, TOKENS).astype(np.uint16)
    store: Any = SimpleNamespace(ids=ids, documents=documents)
    nothing: Any = None
    plan = LanguagePlan(
        updates=1 << 40, batch=20, bptt=35, line_resets=False, threads=1, device="cpu",
        precision=precision,  # type: ignore[arg-type]
    )  # fmt: skip
    config = resolve(found.config)(**shape, **dict(found.preset))
    return Training(LanguageObjective(config, plan, vocab=VOCABULARY, speller=nothing, train=store, valid=store), plan)


def compare(kind: str, *, precision: str, turns: int, sizes: dict[str, int]) -> dict[str, Any]:
    """Least seconds per update with short documents and with a long one."""
    rng = np.random.default_rng(2)
    places = np.cumsum(rng.integers(20, 61, TOKENS // 20))
    short = np.concatenate([[0], places[places < TOKENS]])
    trainings = {
        "short": make_training(kind, short, precision, sizes),
        "long": make_training(kind, np.array([0]), precision, sizes),
    }
    least = dict.fromkeys(trainings, float("inf"))
    for turn in range(turns + 2):
        for name, training in trainings.items():
            for _ in range(3):
                begin = time.process_time()
                training.update()
                if turn >= 2:  # the first ones set up what later ones use
                    least[name] = min(least[name], time.process_time() - begin)
    ratio = least["short"] / least["long"]
    return {
        "kind": kind,
        "precision": precision,
        "documents": len(short),
        "short_ms": round(1000 * least["short"], 3),
        "long_ms": round(1000 * least["long"], 3),
        "ratio": round(ratio, 3),
        "bar": BAR,
        "holds": ratio < BAR,
    }


def main() -> None:
    from elman.models.registry import entry, trainable

    kinds = [kind for kind in trainable() if entry(kind).learns]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a small network and few turns")
    parser.add_argument("--kinds", nargs="+", default=kinds, choices=kinds)
    parser.add_argument("--precision", default="auto", choices=("auto", "fp32", "bf16"))
    options = parser.parse_args()
    options.precision = precision_for(parser, options.precision)
    sizes = {"embedding": 64, "hidden": 128} if options.quick else {"embedding": 256, "hidden": 512}
    for kind in options.kinds:
        print(json.dumps(compare(kind, precision=options.precision, turns=5 if options.quick else 12, sizes=sizes)))


if __name__ == "__main__":
    main()
