import numpy as np
import torch

from elman.tasks.language import cooccurrence
from elman.tasks.language.cooccurrence import cooccurrence_vectors

TEXT = (np.cumsum(np.random.default_rng(1).choice([0, 1, 4], 4000, p=[0.3, 0.5, 0.2])) % 13).clip(max=11)


def slow_information(ids: np.ndarray, vocab: int) -> np.ndarray:
    """The matrix by its definition, pair by pair."""
    counts = np.zeros((vocab, vocab))
    for place, left in enumerate(ids):
        for distance in range(1, 5):
            if place + distance < len(ids):
                right = ids[place + distance]
                counts[left, right] += 1 / distance
                counts[right, left] += 1 / distance
    totals = counts.sum(1)
    smooth = totals**0.75 / (totals**0.75).sum()
    found = np.zeros((vocab, vocab))
    for v in range(vocab):
        for w in range(vocab):
            if counts[v, w]:
                one = np.log(counts[v, w] / (totals[v] * smooth[w]))
                other = np.log(counts[v, w] / (totals[w] * smooth[v]))
                found[v, w] = max(0, (one + other) / 2)
    return found


def test_the_matrix_is_the_smoothed_positive_information() -> None:
    found = cooccurrence._information([TEXT.astype(np.int64)], 12).to_dense().numpy()
    np.testing.assert_allclose(found, slow_information(TEXT, 12), atol=1e-6)
    assert (found > 0).any() and (found == 0).any()


def test_the_vectors_span_the_best_approximation() -> None:
    vectors = cooccurrence_vectors(TEXT, vocab=12, size=4, seed=3)
    values, axes = np.linalg.eigh(slow_information(TEXT, 12))
    strongest = np.argsort(-abs(values))[:4]
    expected = axes[:, strongest] * np.sqrt(abs(values[strongest]))
    # The same up to a rotation: all angles between types agree.
    cosine = [rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9) for rows in (vectors, expected)]
    seen = np.linalg.norm(expected, axis=1) > 1e-3
    assert seen.sum() >= 8
    np.testing.assert_allclose(cosine[0][seen] @ cosine[0][seen].T, cosine[1][seen] @ cosine[1][seen].T, atol=1e-3)


def test_a_seed_means_the_same_vectors_and_no_type_is_infinite() -> None:
    first, second = (cooccurrence_vectors(TEXT, vocab=20, size=6, seed=5) for _ in range(2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, cooccurrence_vectors(TEXT, vocab=20, size=6, seed=6))
    assert np.isfinite(first).all() and np.linalg.norm(first, axis=1)[12:].max() < 1e-3
    assert first.dtype == np.float32 and first.shape == (20, 6)


def test_texts_without_company_give_finite_vectors() -> None:
    for ids in (np.zeros(1, np.int64), np.zeros(50, np.int64)):
        assert np.isfinite(cooccurrence_vectors(ids, vocab=4, size=2, seed=1)).all()


def test_a_long_text_is_read_in_pieces_from_all_over() -> None:
    pieces = cooccurrence._pieces(np.arange(5_000_000))
    assert sum(map(len, pieces)) == 2_000_000
    assert pieces[0][0] == 0 and pieces[-1][-1] == 4_999_999
    torch.testing.assert_close(
        cooccurrence._information([TEXT, TEXT], 12).to_dense(), cooccurrence._information([TEXT], 12).to_dense()
    )
