"""TextClassifier: a trained classifier and its uses, computed by the engine without torch."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.data.examples import normalise_text
from elman.data.labels import LABELS_FILE, LabelSet
from elman.errors import UsageError
from elman.evaluation.explanation import Explanation, explain_text, words_of
from elman.evaluation.labels import LabelReport
from elman.inference.encoder import InferenceEncoder
from elman.metrics.calibration import sigmoid, softmax
from elman.models.classifier_config import ClassifierConfig
from elman.models.ngram_regression import NGRAMS_FILE, NgramRegression, mixed
from elman.progress import Progress
from elman.storage import folder as model_folder
from elman.tasks.classify.texts import encode_texts, shortened
from elman.tasks.engine_file import engine_encoder
from elman.tasks.folder_model import FolderModel
from elman.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from elman.tasks.folder_model import Weights

_BATCH = 1024
"""Texts read at a time: enough for compiled code to split them into words."""
THRESHOLD = 0.5
"""With several labels per text, the probability from which a label is predicted."""
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")


class Prediction(NamedTuple):
    """The prediction for one text."""

    labels: tuple[str, ...]
    """The likeliest label; with several labels per text, those with a probability of at least a
    half.
    """
    probabilities: NDArray[np.float64]
    """Of all labels ``[K]``."""
    names: tuple[str, ...]
    """All labels, in the order of their probabilities."""

    @property
    def by_name(self) -> dict[str, float]:
        """The probability of each label."""
        return dict(zip(self.names, self.probabilities.tolist(), strict=True))

    def to_json(self) -> dict[str, Any]:
        return {"labels": list(self.labels), "probabilities": self.by_name}

    def rows(self) -> list[list[str]]:
        """Its lines in a table of probabilities (``TextClassifier.head``)."""
        return [[",".join(self.labels), *(f"{probability:.4f}" for probability in self.probabilities.tolist())]]

    def __str__(self) -> str:
        # If no label is predicted, the number is one minus the likeliest label's probability.
        chances = self.by_name
        likely = min((chances[label] for label in self.labels), default=1 - max(chances.values()))
        return f"{','.join(self.labels)}\t{likely:.4f}"


class TextClassifier(FolderModel):
    """A trained text classifier.

    Attributes:
        labels: the names of the labels, by id.
        temperature: what logits are divided by, fitted on the validation part.
        ngrams: the linear part, if the model has one.
        share: its share in the logits, fitted on the validation part.
    """

    kind = "classifier"
    article_and_kind = "a text classifier"

    def __init__(
        self,
        encoder: InferenceEncoder,
        tokenizer: Tokenizer,
        labels: LabelSet,
        config: ClassifierConfig,
        *,
        ngrams: NgramRegression | None = None,
        folder: Path | None = None,
    ) -> None:
        super().__init__(folder)
        self.encoder, self.tokenizer, self.config, self.ngrams = encoder, tokenizer, config, ngrams
        self.label_set = labels
        self.temperature, self.share = 1.0, 0.0

    @classmethod
    def _from_folder(cls, folder: Path, values: dict[str, Any], weights: "Weights") -> "TextClassifier":
        files = model_folder.static_files(folder)
        tokenizer = Tokenizer.from_files({name: files[name] for name in _TOKENIZER_FILES})
        labels, config = LabelSet.from_bytes(files[LABELS_FILE]), ClassifierConfig.from_json(values)
        encoder = engine_encoder(folder, weights, config, vocab=tokenizer.size, outputs=len(labels))
        ngrams = NgramRegression.from_files(files, labels=len(labels))
        return cls(encoder, tokenizer, labels, config, ngrams=ngrams, folder=folder)

    def calibrate(self, found: Mapping[str, Any]) -> None:
        self.temperature = float(found.get("temperature", 1.0))
        self.share = float(found.get("ngrams", 0.0))

    def __repr__(self) -> str:
        return f"TextClassifier({self.config.cell}, {len(self.labels)} labels, {self.tokenizer.size} types)"

    @property
    def labels(self) -> tuple[str, ...]:
        return self.label_set.names

    @property
    def head(self) -> list[str]:
        """The columns of ``Prediction.rows``."""
        return ["label", *self.labels]

    def predict(self, texts: str | Sequence[str]) -> Any:
        """The label of each text; for a single text, its label. With several labels per text,
        tuples of them.

        >>> import elman
        >>> model = elman.load("reviews-model")  # doctest: +SKIP
        >>> model.predict(["a fine film", "a waste of time"])  # doctest: +SKIP
        ['pos', 'neg']
        """
        if isinstance(texts, str):
            return self.predict([texts])[0]
        if not isinstance(texts, Iterable):
            raise UsageError(f"texts are a {type(texts).__name__}; give a string or a list of strings")
        answers = [found.labels for found in self.predictions(texts)]
        return answers if self.config.multi_label else [labels[0] for labels in answers]

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Calibrated probabilities of the labels ``[N, K]``, in the order of ``labels``."""
        return np.concatenate([np.zeros((0, len(self.labels))), *(rows for _, rows in self._batches(texts))])

    def predictions(self, texts: Iterable[str]) -> Iterator[Prediction]:
        """Predictions for a stream of texts, in its order and in constant memory."""
        labels = self.labels
        for named, probabilities in self._batches(texts):
            yield from (
                Prediction(tuple(labels[k] for k in some), row, labels)
                for some, row in zip(named, probabilities, strict=True)
            )

    def _batches(self, texts: Iterable[str]) -> Iterator[tuple[list[list[int]], NDArray[np.float64]]]:
        """The numbers of the predicted labels of each text, and the probabilities of all
        ``[n, K]``."""
        stream = map(_checked, _several(texts))
        while batch := [normalise_text(text) for text in islice(stream, _BATCH)]:
            probabilities = self.probabilities_of(self.logits(batch))
            if self.config.multi_label:
                yield [np.flatnonzero(row >= THRESHOLD).tolist() for row in probabilities], probabilities
            else:
                yield probabilities.argmax(axis=1)[:, None].tolist(), probabilities

    def explain(self, text: str, *, label: str | None = None) -> Explanation:
        """What each word of a text contributes to a label: the change when it is left out.

        Args:
            label: the label to explain; by default the most probable one.

        Returns:
            An ``Explanation``. It prints as text; ``to_json`` and ``elman.report.explanation_page``
            give its other forms. A text without words has no contributions.

        Raises:
            UsageError: there is no such label.

        >>> import elman
        >>> model = elman.load("reviews-model")  # doctest: +SKIP
        >>> print(model.explain("not a good film"))  # doctest: +SKIP
        neg: 91.2%
          +3.10  ++++++++++  not
          +0.02              a
          -1.24  ----        good
          +0.11              film
        """
        if label is not None and label not in self.labels:
            raise UsageError(f"there is no label {label!r}; the labels are: {', '.join(self.labels)}")
        chosen = None if label is None else self.labels.index(label)
        if not words_of(_checked(text)):
            (row,) = self.predict_proba([text])
            chosen = int(row.argmax()) if chosen is None else chosen
            return Explanation(
                text=text,
                label=self.labels[chosen],
                probability=float(row[chosen]),
                words=(),
                names=self.labels,
                prefixes=(tuple(row.tolist()),),
            )
        return explain_text(self.predict_proba, text, names=self.labels, label=chosen)

    def explanation_files(self, explanation: Explanation) -> dict[str, bytes]:
        """An explanation as a page and as pictures: ``html``, ``png`` and ``svg``."""
        from elman.report.explanation_page import explanation_files

        return explanation_files(explanation.to_json())

    def encode(self, texts: Sequence[str]) -> list[NDArray[np.int32]]:
        """The token ids of each text, as the network reads them."""
        return encode_texts(self.tokenizer, [normalise_text(text) for text in texts], most=self.config.max_tokens)

    def logits(self, texts: Sequence[str], rows: Sequence[NDArray[np.int32]] | None = None) -> NDArray[np.float32]:
        """The logits ``[N, K]`` of texts in normal form, before calibration.

        Args:
            rows: their token ids, if they are known.
        """
        most = self.config.max_tokens
        rows = encode_texts(self.tokenizer, texts, most=most) if rows is None else rows
        logits = self.encoder.logits(rows)
        if self.ngrams is None or not self.share:
            return logits
        return mixed(logits, self.ngrams.logits(shortened(texts, most=most)), self.share)

    def probabilities_of(self, logits: NDArray[Any]) -> NDArray[np.float64]:
        """Calibrated probabilities of logits ``[N, K]``."""
        cooled = logits.astype(np.float64) / self.temperature
        return sigmoid(cooled) if self.config.multi_label else softmax(cooled)

    def evaluate(
        self, *sources: str | Path, rival: bool = True, progress: Progress | None = None, **settings: Any
    ) -> LabelReport:
        """Accuracy, F1, calibration and mistakes on labelled texts, next to the rivals' figures.

        Args:
            sources: files, folders, globs or ``-``.
            rival: whether TF-IDF with logistic regression is trained again for comparison.
            settings: how the files are read (``elman.data.examples.ExamplesConfig``); by default as
                in training.
        """
        from elman.tasks.classify.evaluation import evaluate_sources

        told = progress or Progress()
        names = [str(source) for source in sources]
        return evaluate_sources(self, names, settings=settings, rival=rival, progress=told)

    @property
    def model_hash(self) -> str:
        """Hex digest of configuration, vocabulary, labels and weights as they are used."""
        more = [] if self.ngrams is None else [self.ngrams.digest, repr(self.share)]
        facts = self.tokenizer.hash, repr(self.labels)
        return self.hash_of(self.encoder, facts, [repr(self.temperature), *more])

    def describe(self) -> dict[str, Any]:
        """For tables and model cards."""
        sizes = self.config.layers_in_words + (", two directions" * self.config.bidirectional)
        return {
            "name": self.config.cell,
            "size": sizes,
            "labels": len(self.labels),
            "precision": self.encoder.precision,
            "vocabulary": self.tokenizer.size,
            **({"ngrams": f"share {self.share:.3g}"} if self.ngrams is not None else {}),
        }


def _several(texts: Iterable[str]) -> Iterable[str]:
    if isinstance(texts, str):
        raise UsageError("this is one string, and several texts are expected; give a list of texts")
    return texts


def _checked(text: str) -> str:
    if not isinstance(text, str):
        raise UsageError(f"a text is of type {type(text).__name__}; give strings")
    return text


def classifier_files(tokenizer: Tokenizer, labels: LabelSet, ngrams: NgramRegression | None) -> dict[str, bytes]:
    """The static files of a text classifier."""
    files = {**tokenizer.to_files(), LABELS_FILE: labels.to_bytes()}
    return files if ngrams is None else {**files, NGRAMS_FILE: ngrams.to_bytes()}
