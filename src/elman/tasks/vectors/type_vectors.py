"""Word vectors that the embeddings of another model begin as."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.fasttext_binary import is_fasttext_binary, read_fasttext_binary
from elman.data.pretrained_vectors import read_vectors
from elman.errors import UsageError
from elman.models.vectors.fasttext_file import fasttext_vectors
from elman.models.word_features import form_of
from elman.models.word_vectors import WordVectors
from elman.progress import Progress
from elman.tasks.vectors.model import load


def type_vectors(path: str, types: Sequence[str], *, spread: float, progress: Progress) -> NDArray[np.float32]:
    """Vectors of the types of a model ``[V, E]``. A type without a vector begins as that of its
    lower-case form, and if there is none, as random numbers.

    Args:
        path: a folder of word vectors, or a file of word2vec, fastText or GloVe.
        spread: the standard deviation of these random numbers, as a share of that of the vectors.

    Raises:
        UsageError: none of the types has a vector.
        ElmanError: what is wrong with the folder or the file.
    """
    words = [token.strip() for token in types]
    wanted = {form for word in words for form in (word, word.lower())} - {""}
    found, matrix = _vectors_of(Path(path), wanted, progress)
    if not found:
        raise UsageError(f"{path} has no vector for any of the {len(words):,} types; is it for another language?")
    place = {word: number for number, word in enumerate(found)}
    rng = np.random.default_rng(0)
    table = rng.normal(0, spread * float(matrix.std()), (len(words), matrix.shape[1])).astype(np.float32)
    sources = [place.get(word, place.get(word.lower())) for word in words]
    known = [number for number, source in enumerate(sources) if source is not None]
    table[known] = matrix[[source for source in sources if source is not None]]
    progress.say(f"vectors: {len(known):,} of {len(words):,} types have one of {path}")
    return table


def vocabulary_vectors(
    path: str, vocabulary: Sequence[str], words: Sequence[str], *, progress: Progress
) -> NDArray[np.float32]:
    """Vectors of a vocabulary of forms of words ``[1 + V, E]``; the first is that of all other
    words.

    Args:
        path: as in ``type_vectors``.
        vocabulary: forms as ``form_of`` returns them; that of a word is looked up as the word is
            spelled.
        words: those of ``words_with_vectors``.

    Raises:
        ElmanError: as in ``type_vectors``.
    """
    spelled = {form_of(word): word for word in reversed(words)} | {word: word for word in words}
    types = ("", *(spelled.get(form, form) for form in vocabulary))
    return type_vectors(path, types, spread=0.5, progress=progress)


def words_with_vectors(path: str, most: int, *, progress: Progress) -> Sequence[str]:
    """The first words of a folder or a file of word vectors, which are the most frequent ones.

    Args:
        path: as in ``type_vectors``.
        most: at most so many words.

    Raises:
        ElmanError: what is wrong with the folder or the file.
    """
    if Path(path).is_dir():
        vectors: WordVectors = load(Path(path))
        return vectors.words[:most]
    if is_fasttext_binary(Path(path)):
        return read_fasttext_binary(Path(path), progress=progress).words[:most]
    return read_vectors(path, most=most, progress=progress).words


def check_size(config: Mapping[str, Any], vectors: NDArray[np.float32] | None, path: str | None) -> None:
    """See that embeddings can begin as vectors.

    Raises:
        UsageError: the user wants embeddings of another size.
    """
    size = config.get("embedding_size")
    if vectors is not None and size not in (None, vectors.shape[1]):
        raise UsageError(
            f"--embedding-size is {size}, and vectors of {path} have {vectors.shape[1]} numbers; leave it out"
        )


def _vectors_of(path: Path, words: set[str], progress: Progress) -> tuple[Sequence[str], NDArray[np.float32]]:
    """Those of the words that have a vector, perhaps by their subwords, and the vectors."""
    if path.is_dir():
        vectors: WordVectors = load(path)
    elif is_fasttext_binary(path):
        file = read_fasttext_binary(path, progress=progress).only(words)
        vectors = fasttext_vectors(file, lowercase=False, progress=progress)
    else:
        read = read_vectors(path, words, progress=progress)
        return read.words, read.matrix
    known = [word for word in sorted(words) if vectors.has_vector(word)]
    return known, vectors[known] if known else vectors.vectors[:0]
