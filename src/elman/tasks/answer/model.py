"""PassageReader: a trained reader of passages and its uses, computed by the engine without
torch."""

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from elman.data.padding import in_order
from elman.data.squad import SquadFile, read_squad_text
from elman.data.vocabulary import VOCABULARY_FILE, Vocabulary
from elman.errors import UsageError
from elman.evaluation.answers import AnswerReport
from elman.inference.answer_spans import best_span
from elman.inference.reader import InferenceReader, InferenceReaderConfig, inference_reader
from elman.models.reader_config import ReaderConfig
from elman.models.word_features import WordFeatures
from elman.progress import Progress
from elman.storage import folder as model_folder
from elman.tasks.answer.prediction import PassageAnswer, best_candidate
from elman.tasks.answer.windows import MOST_QUESTION, Words, window_starts
from elman.tasks.engine_file import engine_network
from elman.tasks.folder_model import FolderModel
from elman.text.readers.delimited import read_csv, read_tsv
from elman.text.readers.json_lines import read_json_lines
from elman.text.readers.record import text_of

if TYPE_CHECKING:
    from elman.tasks.folder_model import Weights

_BATCH = 64
_FIELDS = ("passage", "context")
"""Names of the field that holds the passage."""

Asked = tuple[str, str] | Mapping[str, str]
"""A question and a passage; as a mapping also with an ``id``."""


class _Task(NamedTuple):
    """A question with its passage, cut into words."""

    question: str
    passage: str
    id: str | None
    asked: tuple[str, ...]
    words: Words


class PassageReader(FolderModel):
    """A trained reader.

    Attributes:
        reader: its network in the engine.
        config: its configuration.
        threshold: answers with a lower score are not given; None gives all.
    """

    kind = "reader"
    article_and_kind = "a reader"

    def __init__(self, reader: InferenceReader, config: ReaderConfig, *, folder: Path | None = None) -> None:
        super().__init__(folder)
        self.reader, self.config = reader, config
        self.threshold: float | None = None

    @classmethod
    def _from_folder(cls, folder: Path, values: dict[str, Any], weights: "Weights") -> "PassageReader":
        config = ReaderConfig.from_json(values)
        vocabulary = Vocabulary.from_bytes(model_folder.static_files(folder)[VOCABULARY_FILE])
        features = WordFeatures(vocabulary, config.words)
        reader = engine_network(
            folder,
            weights,
            InferenceReaderConfig,
            {"network": config.to_json(), "vocab_size": features.size},
            stored=lambda arrays, own: InferenceReader(arrays, own, features),
            made=lambda arrays: inference_reader(arrays, config, features, int8=()),
        )
        return cls(reader, config, folder=folder)

    def calibrate(self, found: Mapping[str, Any]) -> None:
        self.threshold = found.get("threshold")

    def __repr__(self) -> str:
        return f"PassageReader({self.config.cell}, {self.reader.features.size} words)"

    def predict(self, questions: Asked | Iterable[Asked]) -> Any:
        """The answer to each question; of a single one, its own.

        Args:
            questions: a pair of a question and a passage, or several; each is a tuple, or has the
                keys ``question`` and ``passage`` (or ``context``).

        Returns:
            A ``PassageAnswer``, or a list of them: its ``text`` is None if the passage does not
                say.

        Raises:
            UsageError: something else than pairs.

        >>> import elman
        >>> model = elman.load("reader")  # doctest: +SKIP
        >>> model.predict(("When was Ada born?", "Ada was born in Turin in 1912.")).text  # doctest: +SKIP
        '1912'
        """
        if isinstance(questions, (tuple, Mapping)):
            one: Any = questions
            return next(self.predictions([one]))
        if isinstance(questions, str) or not isinstance(questions, Iterable):
            raise UsageError(f"questions are a {type(questions).__name__}; give pairs of a question and a passage")
        return list(self.predictions(questions))

    def predictions(self, questions: Iterable[Asked]) -> Iterator[PassageAnswer]:
        """The answers to a stream of questions, in its order and in constant memory."""
        yield from in_order(
            map(_task_of, questions), self._predict, length=lambda each: len(each.words.words), batch=_BATCH
        )

    def _predict(self, tasks: Sequence[_Task]) -> list[PassageAnswer]:
        size, stride = self.config.passage_words, self.config.passage_stride
        windows = [
            (number, before)
            for number, each in enumerate(tasks)
            for before in window_starts(len(each.words.words), size, stride)
        ]
        scores = self.reader.scores(
            [(tasks[number].asked, tasks[number].words.words[before : before + size]) for number, before in windows]
        )
        choices: list[list[Any]] = [[] for _ in tasks]
        for (number, before), own in zip(windows, scores, strict=True):
            choices[number].append((before, best_span(own, self.config.answer_words)))
        return [self._answer(each, own) for each, own in zip(tasks, choices, strict=True)]

    def _answer(self, task: _Task, choices: list[Any]) -> PassageAnswer:
        start, end, score, probability = best_candidate(task.words, choices)
        given = end > start and (self.threshold is None or score >= self.threshold)
        text = task.passage[start:end] if given else None
        return PassageAnswer(task.question, text, start, end, score, probability, task.id)

    def rows_of(self, lines: Iterator[str], *, name: str) -> Iterator[dict[str, str]]:
        """The questions of lines, as ``predictions`` takes them: of JSON of SQuAD's shape, or of
        JSON lines, CSV or TSV with the fields question and passage. TSV needs no head: its columns
        are question and passage.

        Raises:
            TextError: they are of another form; says where.
        """
        first = next((line for line in lines if line.strip()), None)
        if first is None:
            return
        lines, question = chain([first], lines), "question"
        if first.lstrip().startswith("{"):
            names = _keys_of(first)
            if question not in names:
                yield from _questions_of(read_squad_text("\n".join(lines), name, SquadFile([], [])))
                return
            reader = read_json_lines
        else:
            names = re.split("[,;\t]", first.lower())
            reader = read_csv if name.lower().endswith(".csv") else read_tsv
        passage = next((each for each in _FIELDS if each in names), _FIELDS[0])
        if reader is read_tsv and question not in names:
            question, passage = "1", "2"
        for record in reader(lines, name=name, fields=(question, passage)):
            own = record.fields.get("id")
            more = {} if own is None else {"id": str(own)}
            yield {"question": text_of(record, question), "passage": text_of(record, passage), **more}

    def evaluate(self, *sources: str | Path, rival: bool = True, progress: Progress | None = None) -> AnswerReport:
        """Exact match and F1 on files of SQuAD's shape, next to those of the rules of
        ``elman.answer`` and of the best sentence.

        Args:
            sources: files, folders, globs or ``-``.
            rival: whether the rivals are compared.
        """
        from elman.data.squad import read_squad
        from elman.tasks.answer.evaluation import evaluate_part

        progress = progress or Progress()
        part = read_squad(*map(str, sources), progress=progress)
        return evaluate_part(self, part, rival=rival, progress=progress)

    @property
    def model_hash(self) -> str:
        """Hex digest of configuration, words, threshold and weights as they are used."""
        words = hashlib.sha256(self.reader.features.vocabulary.to_bytes()).hexdigest()
        return self.hash_of(self.reader, [words, repr(self.threshold)])

    def describe(self) -> dict[str, Any]:
        """For tables and model cards."""
        config = self.config
        return {
            "name": config.cell,
            "size": config.layers_in_words + (", two directions" * config.bidirectional),
            "not in the text": "is an answer" if config.unanswerable else "is never the answer",
            "precision": self.reader.precision,
            "vocabulary": self.reader.features.size,
        }


def _task_of(asked: Any) -> _Task:
    if isinstance(asked, Mapping):
        passage = next((asked[name] for name in _FIELDS if name in asked), None)
        values = asked.get("question"), passage, asked.get("id")
    else:
        values = (*asked, None) if isinstance(asked, tuple) and len(asked) == 2 else (None, None, None)
    question, passage, own = values
    if not isinstance(question, str) or not isinstance(passage, str):
        raise UsageError(f"a question is {str(asked)[:60]!r}; give the question and the passage that answers it")
    return _Task(question, passage, own, Words.of(question).words[:MOST_QUESTION], Words.of(passage))


def _keys_of(line: str) -> Collection[str]:
    """The keys of a line of JSON; none if it is only a part of some."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return ()


def _questions_of(file: SquadFile) -> Iterator[dict[str, str]]:
    for each in file.questions:
        yield {"id": each.id, "question": each.text, "passage": file.paragraphs[each.paragraph].text}
