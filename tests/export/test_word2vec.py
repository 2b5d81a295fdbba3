"""Files of word vectors are read back to the last bit, by elman and by gensim."""

from pathlib import Path

import numpy as np
import pytest

from elman.data.pretrained_vectors import read_vectors
from elman.data.vocabulary import Vocabulary
from elman.errors import ModelError
from elman.export.word2vec import FORMATS, write_word_vectors
from elman.models.word_vectors import WordVectors


@pytest.fixture(scope="module")
def vectors() -> WordVectors:
    random = np.random.default_rng(2)
    matrix = (random.standard_normal((50, 7)) * 10.0 ** random.integers(-30, 8, (50, 7))).astype(np.float32)
    return WordVectors(Vocabulary([f"wörd{row}" for row in range(49)] + ["3"], [1] * 50), matrix)


@pytest.mark.parametrize("to", FORMATS)
def test_read_back_to_the_last_bit(vectors: WordVectors, to: str, tmp_path: Path) -> None:
    path = tmp_path / "v"
    assert write_word_vectors(path, vectors, to=to) == path.stat().st_size
    read = read_vectors(path)
    assert read.words == vectors.words and read.total == 50
    assert np.array_equal(read.matrix, vectors.vectors)
    some = read_vectors(path, {"wörd3", "3", "none"}, most=50)
    assert some.words == ("wörd3", "3") and np.array_equal(some.matrix, vectors[["wörd3", "3"]])
    assert read_vectors(path, most=5).words == vectors.words[:5]


def test_the_bytes_of_small_files(tmp_path: Path) -> None:
    small = WordVectors(Vocabulary(["a", "b"], [2, 1]), np.array([[0.5, 1], [-2, 0.1]], np.float32))
    wanted = {
        "word2vec": b"2 2\na 0.5 1.0\nb -2.0 0.1\n",
        "word2vec-binary": b"2 2\na \0\0\0?\0\0\x80?\nb \0\0\0\xc0\xcd\xcc\xcc=\n",
        "glove": b"a 0.5 1.0\nb -2.0 0.1\n",
    }
    for to, data in wanted.items():
        write_word_vectors(tmp_path / to, small, to=to)
        assert (tmp_path / to).read_bytes() == data
    # gensim and Google's file have no line end behind numbers.
    (tmp_path / "bare").write_bytes(wanted["word2vec-binary"].replace(b"?\nb", b"?b").rstrip(b"\n"))
    assert read_vectors(tmp_path / "bare").matrix.tolist() == small.vectors.tolist()


def test_words_with_blanks_are_refused(tmp_path: Path) -> None:
    odd = WordVectors(Vocabulary(["new york"], [1]), np.ones((1, 2), np.float32))
    with pytest.raises(ModelError, match="new york"):
        write_word_vectors(tmp_path / "v", odd, to="glove")
    assert not (tmp_path / "v").exists()


def test_gensim_loads_them(vectors: WordVectors, tmp_path: Path) -> None:
    gensim = pytest.importorskip("gensim.models")
    for to in FORMATS:
        write_word_vectors(tmp_path / to, vectors, to=to)
        read = gensim.KeyedVectors.load_word2vec_format(
            str(tmp_path / to), binary=to == "word2vec-binary", no_header=to == "glove"
        )
        assert tuple(read.index_to_key) == vectors.words and np.array_equal(read.vectors, vectors.vectors)
        found, wanted = read.most_similar("wörd3", topn=5), vectors.most_similar("wörd3", topn=5)
        assert [word for word, _ in found] == [word for word, _ in wanted]
        read.save_word2vec_format(str(tmp_path / "back"), binary=to == "word2vec-binary")
        assert np.array_equal(read_vectors(tmp_path / "back").matrix, vectors.vectors)
