"""How memory and time of training grow with the text: each kind of model, on 1, 4, 16 and 64 times
the tokens.

    python benchmarks/memory.py [--quick] [--kinds lstm gru ...]

Every training is a process of its own. It trains on a very small text before, with the same
validation, and what that takes is subtracted, since it is paid once. Prints one JSON line for each
training, and one for each kind with

    slope       of log processor seconds against log tokens, the number of epochs being fixed: 1 is linear
    growth      bytes of peak memory for each further training token
    bounded     whether that is less than 8, which is what mapping the text itself may take, or, for what is
                counted, less than fifteen times as much as the model itself grew

Growth is that from sixteen times to sixty-four times the tokens: from 3.2 to 12.8 millions. Below,
buffers still come to their full size: the first embeddings are counted from up to two million
tokens (``elman.tasks.language.cooccurrence``).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

VOCABULARY = 2000
FACTORS = (1, 4, 16, 64)
SETTINGS = {"embedding_size": 64, "hidden_size": 64, "layers": 1, "batch": 20, "bptt": 35, "epochs": 1, "threads": 1}


def write_text(path: Path, tokens: int, seed: int) -> None:
    """Words as frequent as Zipf's law says, twenty tokens a line; each comes twice, so that none is
    unknown."""
    rng = np.random.default_rng(seed)
    share = 1 / np.arange(1, VOCABULARY + 1)
    drawn = rng.choice(VOCABULARY, size=max(tokens // 20 * 19 - 2 * VOCABULARY, 0), p=share / share.sum())
    words = np.concatenate([np.tile(np.arange(VOCABULARY), 2), drawn])
    with open(path, "w", encoding="utf-8") as file:
        for start in range(0, len(words), 19):
            file.write(" ".join(spell(int(word)) for word in words[start : start + 19]) + "\n")


def spell(number: int) -> str:
    """A word of letters only, which no tokenizer cuts.

    >>> spell(0), spell(27)
    ('aaa', 'bba')
    """
    return "".join(chr(ord("a") + number // 26**place % 26) for place in range(3))


def train_once(kind: str, folder: Path) -> dict[str, Any]:
    """One training, in this process; what it took."""
    import elman
    from elman.models.registry import entry
    from elman.system.machine import peak_memory

    settings = SETTINGS if entry(kind).learns else {"order": 3}
    held = {"valid": folder / "held.txt", "test": folder / "held.txt"}
    small = 0.0
    for _ in range(2):  # the first one also imports and compiles
        begin = time.process_time()
        model = elman.train(folder / "held.txt", model=kind, **held, **settings)  # type: ignore[arg-type]
        small = time.process_time() - begin
    before, spared = peak_memory() or 0, model.card["data"]["train"]["tokens"]
    begin = time.process_time()
    model = elman.train(folder / "train.txt", model=kind, out=folder / kind, **held, **settings)  # type: ignore[arg-type]
    seconds = time.process_time() - begin
    return {
        "kind": kind,
        "tokens": model.card["data"]["train"]["tokens"] - spared,
        "seconds": round(seconds - small, 3),
        "peak_bytes": peak_memory(),
        "bytes_before": before,
        "model_bytes": (folder / kind / "model.safetensors").stat().st_size,
    }


def run(kind: str, tokens: int, folder: Path) -> dict[str, Any]:
    """One training in a process of its own."""
    folder.mkdir()
    write_text(folder / "train.txt", tokens, seed=1)
    write_text(folder / "held.txt", 2 * VOCABULARY, seed=2)
    command = [sys.executable, __file__, "--child", kind, str(folder)]
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "ELMAN_CACHE": str(folder / "cache")}
    )
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def summary(kind: str, found: list[dict[str, Any]]) -> dict[str, Any]:
    """What the trainings of one kind say together."""
    from elman.models.registry import entry

    tokens = np.array([each["tokens"] for each in found], float)
    seconds = np.array([each["seconds"] for each in found], float)
    slope = float(np.polyfit(np.log(tokens), np.log(np.maximum(seconds, 1e-3)), 1)[0])
    first, last = found[-2], found[-1]
    growth = (last["peak_bytes"] - first["peak_bytes"]) / (last["tokens"] - first["tokens"])
    allowed = 8.0
    if not entry(kind).learns:
        allowed = 15 * (last["model_bytes"] - first["model_bytes"]) / (last["tokens"] - first["tokens"])
    return {
        "kind": kind,
        "slope": round(slope, 3),
        "growth": round(growth, 2),
        "bounded": bool(growth <= allowed),
        "peak_over_model": round((last["peak_bytes"] - last["bytes_before"]) / last["model_bytes"], 1),
    }


def main() -> None:
    from elman.models.registry import trainable

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the tokens")
    parser.add_argument("--kinds", nargs="+", default=trainable(), choices=trainable())
    parser.add_argument("--child", nargs=2, metavar=("KIND", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(train_once(options.child[0], Path(options.child[1]))))
        return
    least = 20_000 if options.quick else 200_000
    with tempfile.TemporaryDirectory() as folder:
        for kind in options.kinds:
            found = []
            for factor in FACTORS:
                found.append(run(kind, least * factor, Path(folder) / f"{kind}-{factor}"))
                print(json.dumps(found[-1]), flush=True)
            print(json.dumps(summary(kind, found)), flush=True)


if __name__ == "__main__":
    main()
