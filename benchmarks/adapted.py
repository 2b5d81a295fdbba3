"""What each adaptation gains and takes: static, temperature, n-gram, cache, dynamic evaluation, and
all of them.

    python benchmarks/adapted.py NETWORK NGRAM --tune valid.txt --test test.txt [--context carry] [--only cache ...]

All is fitted on the tuning text; the test text is read for the figures alone. Prints one JSON line
for each row, each adaptation alone on top of the network and then all together: perplexity, bits
per byte, ``ratio`` of the perplexity to the static one, seconds of fitting (what an earlier row has
fitted is not fitted again) and of evaluating.
"""

import argparse
import json
import time
from pathlib import Path

import elman
from elman.api import Model
from elman.evaluation.adaptation import Tuning
from elman.progress import Progress, ScreenProgress
from elman.system.machine import cache_folder, fingerprint
from elman.text.corpus import read_text

ROWS: dict[str, tuple[str, ...]] = {
    "static": (),
    "temperature": ("temperature",),
    "ngram": ("mix",),
    "cache": ("cache",),
    "dynamic": ("dynamic",),
    "ngram and cache": ("mix", "cache"),
    "all": ("mix", "cache", "dynamic"),
}
"""Which adaptations each row switches on; a temperature on top of all would ask for all types at
every token."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", type=Path)
    parser.add_argument("ngram", type=Path)
    parser.add_argument("--tune", required=True, help="text to fit on")
    parser.add_argument("--test", required=True, help="text to report on")
    parser.add_argument("--context", default="carry", choices=("carry", "document"))
    parser.add_argument("--only", nargs="+", choices=ROWS, default=list(ROWS))
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--quiet", action="store_true")
    options = parser.parse_args()
    from elman.system.machine import set_threads

    threads = set_threads(options.threads)
    progress = Progress() if options.quiet else ScreenProgress()
    network, ngram = elman.load(options.network), elman.load(options.ngram)
    machine = fingerprint(threads=threads, precision="fp32")
    print(json.dumps({"machine": machine, "network": repr(network), "ngram": repr(ngram)}), flush=True)
    how = {"context": options.context, "progress": progress}
    with read_text(options.tune, folder=cache_folder() / "texts", progress=progress) as text:
        tuning = Tuning(network.lm, [ngram.lm], text, **how)
        static = 0.0
        for name in dict.fromkeys(["static", *options.only]):
            begin = time.perf_counter()
            model = network
            if ROWS[name]:
                lm, facts = tuning.adapted(**dict.fromkeys(ROWS[name], True))
                model = Model(lm, network.speller, card={"adaptation": facts})
            fitted = time.perf_counter()
            found = model.evaluate(options.test, **how)
            static = static or found["perplexity"]
            row = {
                "row": name,
                "perplexity": round(found["perplexity"], 3),
                "bits_per_byte": round(found["bits_per_byte"], 5),
                "ratio": round(found["perplexity"] / static, 4),
                "fit_seconds": round(fitted - begin, 1),
                "seconds": round(time.perf_counter() - fitted, 1),
                "tokens": found["tokens"],
                "adaptation": model.card.get("adaptation"),
                "signature": found["signature"],
            }
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
