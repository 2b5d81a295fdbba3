"""elman quickstart"""

import dataclasses
import shutil
from pathlib import Path
from typing import Annotated

import typer

from elman.cli.flags import Json
from elman.cli.screen import bar, make_progress, print_json, table
from elman.errors import UsageError
from elman.storage import folder as model_folder


def run(
    out: Annotated[str, typer.Option(metavar="DIR", help="Where the models go.")] = "elman-quickstart",
    minutes: Annotated[float, typer.Option(help="How long the network trains.")] = 1.0,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Start over: remove what an earlier quickstart wrote.")
    ] = False,
    as_json: Json = False,
) -> None:
    from elman.studies.quickstart import SOURCE, check_folder, quickstart
    from elman.system.machine import require_torch

    if not 0.01 <= minutes <= 1e6:
        raise UsageError(f"--minutes is {minutes:g}; it must be at least 0.01: try --minutes 1")
    require_torch()
    folder = Path(out)
    check_folder(folder)
    if fresh:
        shutil.rmtree(folder, ignore_errors=True)
    reused = model_folder.card_file(folder / "lstm").exists()
    found = quickstart(folder, minutes=minutes, progress=make_progress())
    if as_json:
        print_json({**dataclasses.asdict(found), "folder": str(found.folder)})
        return
    rows = [
        [
            row.name,
            f"{row.bits_per_byte:.3f}",
            f"{row.perplexity:.1f}",
            f"{100 * row.oov_rate:.1f}%",
            f"{row.parameters / 1e6:.2f} M",
            f"{row.seconds:.1f} s",
        ]
        for row in found.rows
    ]
    print(f"\n{SOURCE} (hash {found.data_hash[:12]}): the held-out test part, context document\n")
    print(table(["model", "bits/byte", "perplexity", "OOV", "parameters", "training"], rows))
    shares = ", ".join(f"{weight:.2f} {name}" for weight, name in zip(found.weights, ("n-gram", "LSTM"), strict=True))
    print(f"\n{found.best} is best. {found.why[0].upper()}{found.why[1:]} (Mixture: {shares}.)")
    print(f"\nNext words, by the {found.best}:")
    for prompt, words in found.completions:
        print(f"  {prompt} ...")
        for word, probability in words:
            print(f"      {word:<16} {100 * probability:5.1f}%  {bar(probability, 30)}".rstrip())
    print(f"\nA passage that the {found.best} makes up:\n")
    print("\n".join(f"  {line}" for line in found.passage.splitlines()))
    best = folder / {"n-gram": "ngram", "LSTM": "lstm", "mixture": "mixture"}[found.best]
    print(f"\nThe models are in {folder}/ (picture: {folder / 'lstm' / 'learning-curve.png'}). Try next")
    print("(elman not found? It lies where Python was installed to; after make demo: . .venv/bin/activate)\n")
    print(f'  elman complete {best} "The name of the"')
    print(f'  elman complete {best} "The name of the mod" --partial')
    print(f'  elman generate {best} "A dictionary" --temperature 0.8')
    print(f"  elman info {folder / 'lstm'}")
    print("  elman train YOUR-TEXT.txt --out my-model --minutes 10")
    if reused:
        print("\nThe models were there already; to start over: elman quickstart --fresh")
