import hashlib

import pytest

from elman.text.splits import pieces
from elman.text.store import TextWriter


def text_of(folder, documents):
    with TextWriter(folder, "all") as writer:
        for document in documents:
            for place, line in enumerate(document):
                writer.write(line, starts=place == 0)
    return writer.text()


def rank(line):
    return hashlib.sha256(f"{line}\n".encode()).digest()


@pytest.mark.parametrize(
    ("lines", "train", "valid", "test"),
    [(100, 90, 5, 5), (15, 13, 1, 1), (10, 9, 1, 0), (5, 4, 1, 0), (4, 4, 0, 0), (30, 27, 2, 1), (1, 1, 0, 0)],
)
def test_ends_of_a_document_by_hand(tmp_path, lines, train, valid, test):
    cut = list(pieces(text_of(tmp_path, [["é"] * lines]), share=0.05, parts=2))
    expected = [(3 * count, part) for part, count in enumerate((train, valid, test)) if count]
    assert cut == expected


def test_one_part_only_takes_its_share(tmp_path):
    cut = list(pieces(text_of(tmp_path, [["a"] * 100]), share=0.05, parts=1))
    assert cut == [(190, 0), (10, 1)]


def test_documents_of_one_size_are_held_out_by_rank(tmp_path):
    lines = [f"{number:04}" for number in range(40)]
    cut = list(pieces(text_of(tmp_path, [[line] for line in lines]), share=0.05, parts=2))
    ranked = sorted(lines, key=rank)
    expected = {**dict.fromkeys(ranked, 0), **dict.fromkeys(ranked[:2], 1), **dict.fromkeys(ranked[2:4], 2)}
    assert cut == [(5, expected[line]) for line in lines]


def test_the_first_document_by_rank_stays_if_it_is_more_than_twice_the_share(tmp_path):
    lines = [f"{number:04}" for number in range(40)]
    # Longer lines keep being tried until one ranks first.
    large = next(line for line in (f"{n}" * 40 for n in range(10_000)) if rank(line) < min(map(rank, lines)))
    cut = list(pieces(text_of(tmp_path, [*([line] for line in lines), [large]]), share=0.05, parts=2))
    ranked = sorted(lines, key=rank)
    held = {part: [line for line, (_, at) in zip(lines, cut, strict=False) if at == part] for part in (1, 2)}
    assert cut[-1] == (len(large) + 1, 0)
    assert set(held[1]) == set(ranked[: len(held[1])])
    total = sum(size for size, _ in cut)
    assert all(0.025 * total <= 5 * len(lines) <= 0.1 * total for lines in held.values())
