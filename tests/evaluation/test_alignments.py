"""Alignments from attention and from counts."""

import numpy as np
import pytest

from elman.data.pairs import Pairs
from elman.evaluation.alignments import (
    agreement,
    attention_links,
    counted_links,
    pharaoh,
    word_attention,
    words_of_pieces,
)


@pytest.mark.parametrize(
    ("pieces", "words"),
    [
        (["A", "bc", " d", "e ", "f", "", " g"], [0, 0, 1, 1, 2, -1, 3]),
        ([" ", "a", "\u00a0", "b"], [-1, 0, -1, 1]),
        ([], []),
    ],
)
def test_blanks_part_the_words_of_pieces(pieces: list[str], words: list[int]) -> None:
    ends = np.cumsum([0, *map(len, pieces)])
    found = words_of_pieces("".join(pieces), np.stack([ends[:-1], ends[1:]], axis=1))
    assert found.tolist() == words
    assert found.max(initial=-1) + 1 == len("".join(pieces).split())


def test_attention_of_pieces_is_summed_by_source_word_and_averaged_by_target_word() -> None:
    """Against loops, with pieces of no word on both sides."""
    rng = np.random.default_rng(5)
    source, target = np.array([0, 0, -1, 1, 2, 2, -1]), np.array([0, 1, 1, -1, 2])
    attention = rng.dirichlet(np.ones(7), size=5)
    found = word_attention(attention, source, target)
    for row in range(3):
        for column in range(3):
            sums = [attention[piece, source == column].sum() for piece in np.flatnonzero(target == row)]
            assert found[row, column] == pytest.approx(np.mean(sums))
    assert (found.sum(axis=1) < 1).all()


def test_the_most_attended_word_is_linked_although_one_piece_has_more() -> None:
    attention = np.array([[0.3, 0.3, 0.4]])
    words = word_attention(attention, np.array([0, 0, 1]), np.array([0]))
    assert pharaoh(attention_links(words)) == "0-0"
    assert attention_links(np.zeros((0, 3))) == attention_links(np.zeros((2, 0))) == []


def test_counted_links_are_in_the_order_of_the_target() -> None:
    source = ["der Hund schläft", "Der Hund!", "eine Katze schläft", "die Katze", "der Mann.", "eine Frau schläft"]
    target = ["sleeping is the dog", "The dog", "sleeping is a cat", "the cat!", "the man", "sleeping is a woman"]
    links = list(counted_links(Pairs(source * 3, target * 3)))
    assert ("0-2" in pharaoh(links[0])) and (1, 3) in links[0] and (2, 0) in links[0]
    assert all([column for _, column in line] == sorted(column for _, column in line) for line in links)


def test_agreement_counts_links_of_all_sentences() -> None:
    one = [[(0, 0), (1, 1)], [(0, 0)], []]
    two = [[(0, 0), (1, 2)], [(0, 0)], [(3, 3)]]
    assert agreement(one, two) == pytest.approx(2 * 2 / (3 + 4))
    assert agreement(one, one) == agreement([], []) == 1
