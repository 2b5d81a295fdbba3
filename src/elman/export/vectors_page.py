"""Word vectors as one web page: neighbours from 8-bit vectors, and a map."""

from pathlib import Path
from typing import Any

from elman.errors import UsageError
from elman.export.byte_vectors import ByteVectors
from elman.export.ngram_page import encoded
from elman.export.one_file import one_file
from elman.export.word_map import make_map
from elman.models.word_vectors import WordVectors, unit_rows
from elman.system.files import write_atomic

_SCRIPTS = ("bytes.js", "dom.js", "bytevectors.js", "wordmap.js", "wordvectors.js")


def write_vectors_page(
    file: Path, vectors: WordVectors, *, words: int = 5000, name: str, version: str
) -> dict[str, Any]:
    """Write the page of the most frequent words; returns its facts.

    Args:
        words: how many words stand in it.
        name: its title.

    Raises:
        UsageError: ``words`` is below 2.
        StorageError: the disk is full or the folder not writable.
    """
    if words < 2:
        raise UsageError(f"--words is {words}; a page needs at least 2 words")
    units = unit_rows(vectors.vectors[:words])
    kept = vectors.words[: len(units)]
    coded, drawn = ByteVectors(units), make_map(units)
    loss = coded.loss(units)
    data = {
        "words": kept, "lowercase": vectors.lowercase, "codes": encoded(coded.codes), "places": encoded(drawn.places),
        "clusters": encoded(drawn.clusters), "names": [[kept[row] for row in rows] for rows in drawn.examples],
    }  # fmt: skip
    facts = [
        ("words", f"{len(kept):,} of {len(vectors):,}, the most frequent"),
        ("dimensions", f"{vectors.dimensions}"),
        ("8 bits", str(loss)),
    ]
    shown = (
        "The map shows the two directions in which the vectors differ most, stretched to fill it. They hold "
        f"{100 * drawn.share:.0f}% of the variance, so that words may stand side by side here and be far apart; the "
        f"list compares all dimensions. Colours are clusters. {len(kept):,} words, vectors in 8 bits: {loss}."
    )
    page = one_file(
        "wordvectors.html", data, styles=("onefile.css", "wordvectors.css"), scripts=_SCRIPTS, title=name,
        version=version, facts=facts, shown=shown,
    ).encode()  # fmt: skip
    write_atomic(file, page)
    return {
        "bytes": len(page),
        "words": len(kept),
        "variance": drawn.share,
        "loss": {"neighbours": loss.neighbours, "cosine": loss.cosine, "words": loss.words},
    }
