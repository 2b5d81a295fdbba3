"""The data of a reader: questions about paragraphs, their windows, and all of it as numbers."""

import dataclasses
import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.data.example_splits import hold_out_tenth
from elman.data.padding import pad
from elman.data.squad import SquadFile, SquadQuestion, read_squad
from elman.errors import TextError
from elman.inference.reader import Pair
from elman.models.reader_batch import ReaderBatch
from elman.models.reader_config import ReaderConfig
from elman.models.reader_features import FEATURES, match_features
from elman.models.word_features import WordFeatures
from elman.progress import Progress, counted
from elman.tasks.answer.request import AnswerRequest
from elman.tasks.answer.windows import MOST_QUESTION, Words, window_starts

_TRIES = 20
"""Paragraphs that are drawn to find one without an answer to a question."""


@dataclasses.dataclass(frozen=True)
class ReaderData:
    """The three parts."""

    train: SquadFile
    valid: SquadFile
    test: SquadFile | None
    hash: str

    def about(self) -> dict[str, Any]:
        """For the model card."""
        parts = {"train": self.train, "valid": self.valid, "test": self.test}
        counts = {
            name: {
                "paragraphs": len(part.paragraphs),
                "questions": len(part.questions),
                "without_answer": sum(not each.answers for each in part.questions),
            }
            for name, part in parts.items()
            if part is not None
        }
        return {"hash": self.hash, **counts}


def read_data(request: AnswerRequest, *, progress: Progress) -> ReaderData:
    """Read the questions for a training.

    Raises:
        TextError: anything wrong with the data.
    """

    def read(sources: Sequence[str]) -> SquadFile | None:
        return read_squad(*sources, progress=progress) if sources else None

    train, valid, test = read_squad(*request.sources, progress=progress), read(request.valid), read(request.test)
    if valid is None:
        texts = [each.text for each in train.paragraphs]
        train, valid = map(train.part, hold_out_tenth(range(len(texts)), texts.__getitem__, unit="paragraphs"))
    digest = hashlib.sha256(repr((train, valid, test, request.data.to_json())).encode()).hexdigest()[:16]
    share = request.data.unanswerable_share
    data = ReaderData(with_unanswerable(train, share), with_unanswerable(valid, share), test, digest)
    for name, part in (("training", data.train), ("validation", data.valid)):
        for each in part.questions:
            if each.answers and each.start is None:
                paragraph = part.paragraphs[each.paragraph].id
                raise TextError(
                    f"the {name} part: the answer {each.answers[0][:40]!r} of question {each.id!r} does not stand in "
                    f"its paragraph {paragraph!r}; correct it, or mark the question is_impossible"
                )
        if not any(each.answers for each in part.questions):
            raise TextError(f"no question of the {name} part has an answer; give more questions")
    counts = data.about()
    progress.say(
        f"{counted(counts['train']['questions'], 'question')} on "
        f"{counted(counts['train']['paragraphs'], 'paragraph')} to train on, "
        f"{counts['train']['without_answer']:,} without an answer; {counts['valid']['questions']:,} to validate "
        f"(hash {digest[:12]})"
    )
    return data


def with_unanswerable(part: SquadFile, share: float) -> SquadFile:
    """The questions of a part, and a share of those with answers once more, asked of another
    paragraph, drawn at random, that has none of their answers in it.
    """
    rng, more = np.random.default_rng(1), list[SquadQuestion]()
    for each in part.questions if share and len(part.paragraphs) > 1 else ():
        if not each.answers or rng.random() >= share:
            continue
        for number in rng.integers(0, len(part.paragraphs), _TRIES).tolist():
            text = part.paragraphs[number].text.lower()
            if number != each.paragraph and not any(answer.lower() in text for answer in each.answers):
                more.append(SquadQuestion(f"{each.id}, unanswerable", each.text, number, ()))
                break
    return part._replace(questions=[*part.questions, *more])


def has_unanswerable(train: SquadFile, config: ReaderConfig) -> bool:
    """Whether training has questions without an answer, or passages so long that windows of them
    have none."""
    return any(not each.answers for each in train.questions) or any(
        len(Words.of(each.text).words) > config.passage_words for each in train.paragraphs
    )


class Windows(NamedTuple):
    """The windows of passages, one for each row."""

    question: NDArray[np.int64]
    """The number of its question ``[N]``."""
    paragraph: NDArray[np.int64]
    """The number of its paragraph ``[N]``."""
    start: NDArray[np.int64]
    """Words of the paragraph before it ``[N]``."""
    answers: NDArray[np.int64]
    """The first and the last word of the answer in it, counted from 1; zeros without one
    ``[N, 2]``."""


class EncodedQuestions:
    """The windows of a part's passages with their questions, as the network reads them.

    Args:
        config: sizes of windows; with ``unanswerable`` false, windows without an answer are left
            out.
    """

    def __init__(self, part: SquadFile, features: WordFeatures, config: ReaderConfig) -> None:
        self._numbers: dict[str, int] = {}
        self.passages = [Words.of(each.text) for each in part.paragraphs]
        self.questions = [Words.of(each.text).words[:MOST_QUESTION] for each in part.questions]
        size, windows = config.passage_words, list[tuple[int, ...]]()
        for number, each in enumerate(part.questions):
            passage = self.passages[each.paragraph]
            first = last = 0
            if each.start is not None:
                first, last = passage.between(each.start, each.start + len(each.answers[0]))
            for before in window_starts(len(passage.words), size, config.passage_stride):
                inside = before < first and last <= before + size
                places = (first - before, last - before) if inside else (0, 0)
                windows.append((number, each.paragraph, before, *places))
        rows = np.array(windows, np.int64).reshape(-1, 5)
        rows = rows if config.unanswerable else rows[rows[:, 3] > 0]
        self.windows = Windows(rows[:, 0], rows[:, 1], rows[:, 2], rows[:, 3:])
        self._size = size
        self._asked = [self._numbered(words) for words in self.questions]
        self._read = [self._numbered(passage.words) for passage in self.passages]
        different = list(self._numbers)
        self._ids, (self._starts, self._buckets) = features.ids(different), features.pieces(different)

    def _numbered(self, words: Sequence[str]) -> NDArray[np.int64]:
        return np.array([self._numbers.setdefault(word, len(self._numbers)) for word in words], np.int64)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Words of each window ``[N]``."""
        whole = np.array([len(passage.words) for passage in self.passages], np.int64)
        return np.minimum(whole[self.windows.paragraph], self._size)

    def pair(self, row: int) -> Pair:
        """The words of a window's question and its own."""
        question, paragraph, start = (int(column[row]) for column in self.windows[:3])
        return self.questions[question], self.passages[paragraph].words[start : start + self._size]

    def batch(self, rows: NDArray[np.int64]) -> ReaderBatch:
        """The windows of the given numbers, padded."""
        chosen = Windows._make(column[rows] for column in self.windows)
        asked = [self._asked[number] for number in chosen.question.tolist()]
        places = zip(chosen.paragraph.tolist(), chosen.start.tolist(), strict=True)
        read = [self._read[paragraph][start : start + self._size] for paragraph, start in places]
        (question, question_lengths), (passage, lengths) = pad(asked, fill=0), pad(read, fill=0)
        different, numbers = np.unique(np.concatenate([question, passage], axis=None), return_inverse=True)
        sizes = self._starts[different + 1] - self._starts[different]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        # Where the n-grams of the chosen words lie, one word after the other.
        ngrams = np.arange(starts[-1]) + np.repeat(self._starts[different] - starts[:-1], sizes)
        features = np.zeros((*passage.shape, FEATURES), np.float32)
        for row, number in enumerate(rows.tolist()):
            features[row, : lengths[row]] = match_features(*self.pair(number))
        return ReaderBatch(
            question=numbers[: question.size].reshape(question.shape).astype(np.int64),
            question_lengths=question_lengths,
            passage=numbers[question.size :].reshape(passage.shape).astype(np.int64),
            passage_lengths=lengths,
            features=features,
            answers=chosen.answers,
            ids=self._ids[different],
            starts=starts,
            buckets=self._buckets[ngrams],
        )
