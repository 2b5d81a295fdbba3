"""elman similar MODEL WORD [WORD], or elman similar [MODEL] --documents FILE TEXT"""

from pathlib import Path
from typing import Annotated

import typer

from elman.cli.flags import Json, refuse
from elman.cli.screen import print_json, table
from elman.errors import UsageError

VectorsArgument = Annotated[
    str, typer.Argument(metavar="MODEL", help="A folder of word vectors, or a file of word2vec, fastText or GloVe.")
]
Count = Annotated[int, typer.Option("-n", help="How many words.")]
_SHOWN = 100


def run(
    call: typer.Context,
    given: Annotated[
        list[str],
        typer.Argument(
            metavar="[MODEL] WORD [WORD]",
            help="A folder of word vectors, or a file of word2vec, fastText or GloVe; then one word, or two to "
            "compare. With --documents a text in place of words, and the model may be left out.",
        ),
    ],
    n: Annotated[int, typer.Option("-n", help="How many words or documents.")] = 10,
    documents: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|DIR",
            help="Rank documents by similarity to a text: the lines of a file, the files of a folder, or a folder of "
            "--model tfidf. Shared words count (TF-IDF), and with MODEL words of like meaning (SIF).",
        ),
    ] = None,
    field: Annotated[
        str | None, typer.Option(help="Of documents in .jsonl, .csv and .tsv: the field that holds the text.")
    ] = None,
    as_json: Json = False,
) -> None:
    from elman.tasks.vectors.model import load_any

    if n < 1:
        raise UsageError(f"-n is {n}; it must be at least 1")
    if documents is not None:
        if len(given) > 2:
            raise UsageError(f"{len(given)} arguments; give a text in quotation marks, and before it perhaps a model")
        _show_documents(given, documents, field, n, as_json=as_json)
        return
    if field is not None:
        raise UsageError("--field applies to documents only; add --documents, or leave it out")
    model, *words = given
    if not 1 <= len(words) <= 2:
        what = f"{len(words)} words were given" if words else "no word was given"
        raise UsageError(f"{what}; give a model and one word for its neighbours, or two to compare")
    vectors = load_any(Path(model))
    if len(words) == 2:
        refuse(call, ["n"], "is for neighbours, and two words are compared")
        found = vectors.similarity(words[0], words[1])
        if as_json:
            print_json({"words": words, "similarity": found})
        else:
            print(f"{found:.4f}")
        return
    show_neighbours(vectors.most_similar(words[0], topn=n), {"word": words[0]}, as_json=as_json)


def _show_documents(given: list[str], source: str, field: str | None, n: int, *, as_json: bool) -> None:
    from elman.tasks.vectors.documents import read_documents, similar_documents
    from elman.tasks.vectors.model import load_any
    from elman.tasks.vectors.trained_documents import holds_documents
    from elman.tasks.vectors.trained_documents import load as load_documents

    counted = load_documents(Path(source)) if holds_documents(Path(source)) else None
    if counted is not None and (len(given) == 2 or field is not None):
        raise UsageError(f"{source} holds counted documents; give the text alone, without a model and --field")
    vectors = load_any(Path(given[0])) if len(given) == 2 else None
    if counted is not None:
        documents, found = counted.documents, counted.most_similar(given[-1], n)
    else:
        documents = read_documents(source, field=field)
        found = similar_documents(given[-1], [each.text for each in documents], vectors=vectors, topn=n)
    if as_json:
        ranked = [
            {"document": number + 1, "file": documents[number].name, "text": documents[number].text, "score": score}
            for number, score in found
        ]
        print_json({"text": given[-1], "method": "tfidf" if vectors is None else "sif", "documents": ranked})
        return
    for number, score in found:
        each = documents[number]
        shown = each.name or " ".join(each.text.split())
        print(f"{score:7.4f}  {shown if len(shown) <= _SHOWN or each.name else shown[: _SHOWN - 1] + '…'}")


def show_neighbours(found: list[tuple[str, float]], asked: dict[str, object], *, as_json: bool) -> None:
    """Print words with their scores."""
    if as_json:
        print_json({**asked, "words": [{"text": word, "score": score} for word, score in found]})
        return
    for line in table(["", ""], [[word, f"{score:.4f}"] for word, score in found]).split("\n")[1:]:
        print(line)
