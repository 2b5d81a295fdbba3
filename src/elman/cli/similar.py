"""elman similar MODEL WORD [WORD]"""

from pathlib import Path
from typing import Annotated

import typer

from elman.cli.flags import Json
from elman.cli.screen import print_json, table
from elman.errors import UsageError

VectorsArgument = Annotated[
    str, typer.Argument(metavar="MODEL", help="A folder of word vectors, or a file of word2vec, fastText or GloVe.")
]
Count = Annotated[int, typer.Option("-n", help="How many words.")]


def run(
    model: VectorsArgument,
    words: Annotated[list[str], typer.Argument(metavar="WORD [WORD]", help="One word, or two to compare.")],
    n: Count = 10,
    as_json: Json = False,
) -> None:
    from elman.tasks.vectors.model import load_any

    if len(words) > 2:
        raise UsageError(f"{len(words)} words were given; give one for its neighbours, or two to compare")
    if n < 1:
        raise UsageError(f"-n is {n}; it must be at least 1")
    vectors = load_any(Path(model))
    if len(words) == 2:
        found = vectors.similarity(words[0], words[1])
        if as_json:
            print_json({"words": words, "similarity": found})
        else:
            print(f"{found:.4f}")
        return
    show_neighbours(vectors.most_similar(words[0], topn=n), {"word": words[0]}, as_json=as_json)


def show_neighbours(found: list[tuple[str, float]], asked: dict[str, object], *, as_json: bool) -> None:
    """Print words with their scores."""
    if as_json:
        print_json({**asked, "words": [{"text": word, "score": score} for word, score in found]})
        return
    for line in table(["", ""], [[word, f"{score:.4f}"] for word, score in found]).split("\n")[1:]:
        print(line)
