"""TextClassifier: the text classifier as a scikit-learn estimator, exported by `elman.sklearn`."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d

from elman.data.example_splits import split_examples
from elman.data.examples import Example, normalise_text
from elman.errors import Interrupted, TextError, UsageError
from elman.progress import Progress, ScreenProgress
from elman.storage import folder as model_folder
from elman.system.files import write_atomic
from elman.tasks.classify import model as classifier
from elman.tasks.classify.request import ClassifyRequest
from elman.tasks.classify.task import ClassifyTask
from elman.tasks.fitting import train_model

_OWN = ("cell", "start", "epochs", "minutes", "threads", "validation_fraction", "verbose")
"""Parameters that are not settings of ``elman train``, or that are not simply passed on."""
_LONGEST_NAME = 1000


class InputError(UsageError, ValueError):
    """Texts or classes that an estimator cannot take; scikit-learn expects a ``ValueError``."""


class TextClassifier(ClassifierMixin, BaseEstimator):
    """A network that labels texts, for pipelines, grid searches and cross-validation.

    ``fit`` trains as `elman train --task classify` does, in a temporary folder that is removed. A
    part of the examples is held out: it chooses the best weights and calibrates probabilities.
    Equal data, parameters and threads give equal models, unless ``minutes`` sets the length.

    Args:
        cell: the recurrent cell: lstm, gru, rnn, mingru, ... (default: lstm).
        start: folder of a language model whose tokens, embeddings and layers training starts from.
        vectors: initial word vectors: a folder, or a file of word2vec, GloVe or fastText.
        layers: layers of each direction (default: 1).
        hidden_size: size of recurrent layers (default: 96).
        embedding_size: size of embeddings (default: 96, or that of the vectors).
        bidirectional: whether a second stack reads from the end to the start (default: yes; with
            ``start`` no).
        pooling: how the outputs of all tokens become one vector: mean-max-last, mean, max, last or
            attention (default: mean-max-last).
        bag: whether each token also contributes to the labels directly, wherever it stands.
        ngrams: whether logistic regression on n-grams of words and characters has a share in the
            answer.
        level: what a token is: auto, word, subword or char.
        lowercase: whether case is ignored.
        min_count: words seen less often are unknown (default: 2, of fewer than 2,000 examples 1).
        vocab_size: keep at most this many types, the most frequent ones (default: all).
        max_tokens: tokens of a text that are read.
        epochs: how often training reads the examples.
        minutes: train for this many minutes instead.
        batch: texts of one update (default: 16, 32 or 64, by the number of examples).
        rate: the highest learning rate (default: 0.003; with ``start`` 0.004).
        dropout: dropout between layers (default: 0.3).
        input_dropout: dropout of embedded tokens (default: 0.3).
        output_dropout: dropout of the pooled vector (default: 0.5).
        weight_decay: decay of the weight matrices (default: 0.05).
        class_weights: none, balanced, or auto: balanced where labels are very uneven.
        validation_fraction: share of the examples of each class that is held out, at most 0.25.
        seed: all that is random follows from it.
        threads: threads that train (default: all cores).
        verbose: whether progress is shown on stderr.

    Attributes:
        classes_: the classes, sorted, as in ``y``; of an indicator matrix the numbers of its
            columns.
        model_: the trained model; its methods are those of what ``elman.load`` returns.

    >>> texts = [f"a {word} film, number {n}" for n in range(10) for word in ("good", "bad")]
    >>> classes = ["pos", "neg"] * 10
    >>> fitted = TextClassifier(bag=True, epochs=20, rate=0.05, threads=1).fit(texts, classes)
    >>> fitted.predict(["a good story"]), fitted.classes_
    (array(['pos'], dtype='<U3'), array(['neg', 'pos'], dtype='<U3'))
    """

    def __init__(
        self,
        *,
        cell: str | None = None,
        start: str | Path | None = None,
        vectors: str | Path | None = None,
        layers: int | None = None,
        hidden_size: int | None = None,
        embedding_size: int | None = None,
        bidirectional: bool | None = None,
        pooling: str | None = None,
        bag: bool = False,
        ngrams: bool = True,
        level: str = "auto",
        lowercase: bool = True,
        min_count: int | None = None,
        vocab_size: int | None = None,
        max_tokens: int = 400,
        epochs: float = 10,
        minutes: float | None = None,
        batch: int | None = None,
        rate: float | None = None,
        dropout: float | None = None,
        input_dropout: float | None = None,
        output_dropout: float | None = None,
        weight_decay: float | None = None,
        class_weights: str = "auto",
        validation_fraction: float = 0.1,
        seed: int = 1,
        threads: int | None = None,
        verbose: bool = False,
    ) -> None:
        self.cell = cell
        self.start = start
        self.vectors = vectors
        self.layers = layers
        self.hidden_size = hidden_size
        self.embedding_size = embedding_size
        self.bidirectional = bidirectional
        self.pooling = pooling
        self.bag = bag
        self.ngrams = ngrams
        self.level = level
        self.lowercase = lowercase
        self.min_count = min_count
        self.vocab_size = vocab_size
        self.max_tokens = max_tokens
        self.epochs = epochs
        self.minutes = minutes
        self.batch = batch
        self.rate = rate
        self.dropout = dropout
        self.input_dropout = input_dropout
        self.output_dropout = output_dropout
        self.weight_decay = weight_decay
        self.class_weights = class_weights
        self.validation_fraction = validation_fraction
        self.seed = seed
        self.threads = threads
        self.verbose = verbose

    def fit(self, X: Any, y: Any) -> Self:
        """Train on texts.

        Args:
            X: N texts: a list, an array or a Series of strings.
            y: their classes ``[N]``, or an indicator matrix ``[N, K]`` where a text may have any
                number of K labels.

        Raises:
            InputError: a text that is no string, or too few texts or classes; a ``ValueError``.
            UsageError: a parameter that is not allowed.
        """
        texts = _texts(X)
        several, targets = _targets(y)
        check_consistent_length(texts, targets)
        if not len(texts):
            raise InputError("there are no texts; give at least a few of each class")
        if several:
            classes = np.arange(targets.shape[1])
            names = list(map(str, classes.tolist()))
            labels = [tuple(names[k] for k in np.flatnonzero(row)) for row in targets]
        else:
            classes, ids = np.unique(targets, return_inverse=True)
            names = _names(classes)
            labels = [(names[k],) for k in ids.tolist()]
            if len(classes) < 2:
                raise InputError(f"y has one class, {names[0]}; give examples of two classes or more")
        examples = [
            Example(normalise_text(text), label, "X", number)
            for number, (text, label) in enumerate(zip(texts, labels, strict=True), start=1)
        ]
        self.model_, self._files = self._train(examples, several=several)
        self.classes_ = classes
        self._names = names
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Calibrated probabilities ``[N, K]``, in the order of ``classes_``."""
        check_is_fitted(self)
        given = self.model_.predict_proba(_texts(X))
        ids = [self.model_.label_set.id_of(name) for name in self._names]
        # A label that no training example had is never predicted.
        columns = [np.zeros(len(given)) if k is None else given[:, k] for k in ids]
        return np.stack(columns, axis=1)

    def predict(self, X: Any) -> NDArray[Any]:
        """The most probable class of each text ``[N]``, or an indicator matrix ``[N, K]``."""
        probabilities = self.predict_proba(X)
        if self.model_.config.multi_label:
            return (probabilities >= classifier.THRESHOLD).astype(np.int64)
        return self.classes_[probabilities.argmax(axis=1)]

    def save(self, folder: str | Path) -> None:
        """Write the trained model into a new folder, for ``elman.load`` and the command line.

        Raises:
            FolderError: the folder exists and is not empty.
        """
        check_is_fitted(self)
        model_folder.create(Path(folder))
        _write(Path(folder), self._files)

    def _train(
        self, examples: Sequence[Example], *, several: bool
    ) -> tuple[classifier.TextClassifier, dict[str, bytes]]:
        """The model, and the files that it needs."""
        try:
            parts = split_examples(examples, self.validation_fraction, seed=self.seed)
        except TextError as error:
            raise InputError(
                f"n_samples={len(examples)} is too few to hold {self.validation_fraction:.0%} of each class out for "
                "validation; give more texts"
            ) from error
        start = None if self.start is None else Path(self.start)
        task = ClassifyTask()
        kind, implied = task.kind_of(self.cell or (task.model_of(start) if start else task.default_kind))
        settings = {name: value for name, value in self.get_params(deep=False).items() if name not in _OWN}
        settings["vectors"] = None if self.vectors is None else str(self.vectors)
        request = ClassifyRequest.of(
            kind=kind,
            sources=(),
            examples=parts,
            epochs=self.epochs if self.minutes is None else None,
            minutes=self.minutes,
            threads=self.threads,
            settings={
                **{name: value for name, value in settings.items() if value is not None},
                **implied,
                "multi_label": several,
                "rival": False,
            },
        )
        progress = ScreenProgress() if self.verbose else Progress()
        with tempfile.TemporaryDirectory(prefix="elman-fit-") as folder:
            out = Path(folder) / "model"
            try:
                train_model(request, out=out, start=start, progress=progress, pictures=False)
            except Interrupted:
                # A grid search continues after an ordinary exception, and there is no folder to
                # resume.
                raise KeyboardInterrupt from None
            return _without_folder(out), model_folder.used_files(out)

    def __getstate__(self) -> dict[str, Any]:
        """Without the model, whose files hold the same and are checked when they are read."""
        state: Any = super().__getstate__()
        return {name: value for name, value in state.items() if name != "model_"}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        super().__setstate__(dict(state))
        if hasattr(self, "_files"):
            with tempfile.TemporaryDirectory(prefix="elman-fit-") as folder:
                _write(Path(folder), self._files)
                self.model_ = _without_folder(Path(folder))

    def __sklearn_tags__(self) -> Any:
        parent: Any = super()
        tags = parent.__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.one_d_array = True
        tags.input_tags.string = True
        assert tags.classifier_tags is not None
        tags.classifier_tags.multi_label = True
        return tags


def _without_folder(folder: Path) -> classifier.TextClassifier:
    model = classifier.TextClassifier.load(folder)
    model.keep_in_memory()
    return model


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, data in files.items():
        write_atomic(folder / name, data)


def _texts(X: Any) -> list[str]:
    """The texts of a list, an array, a Series or one column of a frame."""
    if isinstance(X, (str, bytes)):
        raise InputError("X is one string; give a list of texts")
    if hasattr(X, "toarray") or not hasattr(X, "__iter__"):
        raise InputError(f"X is a {type(X).__name__}; give a list of texts")
    if hasattr(X, "__array__"):
        X = np.asarray(X, dtype=object)
        if X.ndim == 2 and X.shape[1] == 1:
            X = X[:, 0]
        if X.ndim != 1:
            raise InputError(f"X has the shape {X.shape}; give one text for each example")
    texts = list(X)
    for number, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputError(f'text {number} of X is a {type(text).__name__}; give strings, "" for no text')
    return texts


def _targets(y: Any) -> tuple[bool, NDArray[Any]]:
    """Whether texts may have several labels, and the classes ``[N]`` or an indicator matrix ``[N,
    K]``."""
    if y is None:
        raise InputError("requires y to be passed, but the target y is None")
    with np.errstate(invalid="ignore"):  # NaN and infinity are refused in words, not by a warning of numpy's
        check_classification_targets(y)
    if type_of_target(y, input_name="y").startswith("multilabel"):
        return True, np.asarray(y.toarray() if hasattr(y, "toarray") else y) != 0
    return False, column_or_1d(y, warn=True)


def _names(classes: NDArray[Any]) -> list[str]:
    """A label for each class: its own name, or numbers if elman does not allow the names as
    labels."""
    names = [str(value) for value in classes.tolist()]
    plain = all(0 < len(name) <= _LONGEST_NAME and normalise_text(name) == name for name in names)
    return names if plain and len({*names}) == len(names) else [str(number) for number in range(len(names))]
