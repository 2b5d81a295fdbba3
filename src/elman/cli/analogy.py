"""elman analogy MODEL A B C"""

from pathlib import Path
from typing import Annotated

import typer

from elman.cli.flags import Json
from elman.cli.similar import Count, VectorsArgument, show_neighbours
from elman.errors import UsageError
from elman.progress import counted


def run(
    model: VectorsArgument,
    words: Annotated[list[str], typer.Argument(metavar="A B C", help="A is to B as C is to the answer.")],
    n: Count = 5,
    multiply: Annotated[bool, typer.Option("--multiply", help="Rank by 3CosMul instead of 3CosAdd.")] = False,
    as_json: Json = False,
) -> None:
    from elman.tasks.vectors.model import load_any

    if len(words) != 3:
        raise UsageError(f"{counted(len(words), 'word')} given; an analogy needs three: elman analogy v man king woman")
    if n < 1:
        raise UsageError(f"-n is {n}; it must be at least 1")
    first, second, third = words
    method = "mul" if multiply else "add"
    vectors = load_any(Path(model))
    found = vectors.most_similar(positive=[second, third], negative=[first], topn=n, method=method)
    show_neighbours(found, {"question": words, "method": method}, as_json=as_json)
