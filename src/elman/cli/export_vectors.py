"""What elman export writes of word vectors."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from elman.cli.screen import make_progress, print_json
from elman.progress import counted


def export_vectors(model: Path, out: Path, to: str, *, limits: Mapping[str, Any], as_json: bool) -> None:
    """Write a file of vectors or their page (``limits`` are of ``write_vectors_page``), and print
    what it has."""
    from elman.export.vectors_page import write_vectors_page
    from elman.export.word2vec import write_word_vectors
    from elman.system.machine import version
    from elman.tasks.vectors.model import load_any

    vectors = load_any(model, progress=make_progress())
    found = {"model": str(model), "to": to, "out": str(out)}
    if to == "html":
        name = model.resolve().name
        page = write_vectors_page(out, vectors, name=name, version=version("elman") or "0", **limits)
        if as_json:
            print_json(found | page)
        else:
            loss = page["loss"]
            print(
                f"{out}: {counted(page['words'], 'word')}, {vectors.dimensions} dimensions, "
                f"{page['bytes'] / 1e6:.1f} MB"
            )
            if page["hidden"]:
                print(f"{page['hidden']:,} words are left out: blocked, or looking private (--secrets keeps these)")
            print(f"in 8 bits, {100 * loss['neighbours']:.1f}% of the ten nearest words stay; cosines change by "
                  f"{loss['cosine']:.4f} at most")  # fmt: skip
        return
    size = write_word_vectors(out, vectors, to=to)
    if as_json:
        print_json({**found, "bytes": size, "words": len(vectors)})
    else:
        print(f"{out}: {counted(len(vectors), 'word')}, {vectors.dimensions} dimensions, {size / 1e6:.1f} MB")


def store_vectors(model: Path, out: Path, *, how: Mapping[str, Any], as_json: bool) -> None:
    """Write a folder of word vectors (``how`` is of ``store``), and print what it has and what was
    lost."""
    from elman.report.word_vectors_table import quantised_lines
    from elman.tasks.vectors.model import load_any
    from elman.tasks.vectors.storing import store

    progress = make_progress()
    vectors = load_any(model, progress=progress)
    found = store(vectors, out, source=model, **how, progress=progress)
    if as_json:
        print_json({"model": str(model), "to": "folder", "out": str(out), **found})
        return
    print(f"{out}: {counted(found['words'], 'word')}, {vectors.dimensions} dimensions, {found['bytes'] / 1e6:.1f} MB")
    for line in quantised_lines(found):
        print(line)
