"""The estimator: the model that the command trains, scikit-learn's own checks, and what its tools
do with it."""

import copy
import importlib
import importlib.util
import json
import pickle
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import check_is_fitted, validate_data

import elman
import elman.sklearn
from elman.data.example_splits import split_examples
from elman.data.examples import Example
from elman.errors import FolderError, Interrupted, MissingExtra, UsageError
from elman.sklearn import TextClassifier
from elman.tasks.classify import estimator as module

QUICK: dict[str, Any] = {
    "hidden_size": 8, "embedding_size": 8, "bidirectional": False, "bag": True, "epochs": 12, "rate": 0.1,
    "input_dropout": 0.0, "output_dropout": 0.0, "threads": 1,
}  # fmt: skip
WORDS = ("good", "bad", "late")
TEXTS = [f"{word} film of the year {n}" for n in range(12) for word in WORDS]
NAMES = ["pos", "neg", "other"] * 12


@pytest.fixture(scope="module")
def fitted() -> TextClassifier:
    return TextClassifier(**QUICK).fit(TEXTS, NAMES)


class Rows(TextClassifier):
    """Rows of numbers as texts, a word for each number, so that scikit-learn can feed them."""

    def fit(self, X: Any, y: Any) -> "Rows":
        if y is not None:
            X, y = validate_data(self, X, y, multi_output=True)
        return super().fit(texts_of(X), y)

    def predict_proba(self, X: Any) -> Any:
        check_is_fitted(self)
        return super().predict_proba(texts_of(validate_data(self, X, reset=False)))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.input_tags.one_d_array, tags.input_tags.string = True, False, False
        return tags


def texts_of(rows: Any) -> list[str]:
    return [" ".join(f"f{k}v{round(2 * float(value))}" for k, value in enumerate(row)) for row in rows]


LEFT_OUT = {
    # Arrays of numbers: only the class above takes them, so that these would test scikit-learn's
    # validate_data.
    "check_complex_data", "check_dtype_object", "check_estimators_dtypes", "check_estimators_nan_inf",
    "check_estimators_empty_data_messages", "check_estimator_sparse_tag", "check_estimator_sparse_array",
    "check_estimator_sparse_matrix", "check_f_contiguous_array_estimator", "check_readonly_memmap_input",
    "check_n_features_in", "check_n_features_in_after_fitting", "check_fit1d", "check_fit2d_1feature",
    "check_fit2d_predict1d", "check_positive_only_tag_during_fit",
    # Array APIs of other libraries: a text is no array.
    "check_array_api_input",
    # There is no decision_function; scikit-learn skips it.
    "check_classifiers_multilabel_output_format_decision_function", "check_decision_proba_consistency",
    # It ends by asking for pandas, which is not installed here; lists and arrays are tested below.
    "check_classifier_data_not_an_array",
    # There is neither partial_fit nor max_iter.
    "check_estimators_partial_fit_n_features", "check_non_transformer_estimators_n_iter",
}  # fmt: skip
"""Of scikit-learn's checks; all others must pass."""


@pytest.mark.slow
@parametrize_with_checks([Rows(**{**QUICK, "epochs": 3})])  # of three dozen trainings; one part is fitted anyway
def test_scikit_learns_checks(estimator: Any, check: Any) -> None:
    # Arrays that cannot be written are arrays of numbers too.
    if getattr(check, "func", check).__name__ in LEFT_OUT or getattr(check, "keywords", {}).get("readonly_memmap"):
        pytest.skip("left out, see LEFT_OUT")
    check(estimator)


@pytest.mark.slow
def test_its_model_is_that_of_the_command(fitted: TextClassifier, tmp_path: Path) -> None:
    examples = [Example(text, (name,), "X", n) for n, (text, name) in enumerate(zip(TEXTS, NAMES, strict=True))]
    parts = split_examples(examples, 0.1, seed=1)
    for name in ("train", "valid"):
        lines = [json.dumps({"text": each.text, "label": each.labels[0]}) for each in getattr(parts, name)]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines))
    model = elman.train(
        tmp_path / "train.jsonl", valid=tmp_path / "valid.jsonl", task="classify", rival=False, **QUICK
    )  # fmt: skip
    assert model.model_hash == fitted.model_.model_hash
    assert model.card["data"]["hash"] == fitted.model_.card["data"]["hash"]
    assert model.card["recipe"] == fitted.model_.card["recipe"]
    assert np.array_equal(model.predict_proba(TEXTS), fitted.predict_proba(TEXTS))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("classes", "names"),
    [
        ([10, 9, 100], ["9", "10", "100"]),
        ([5.0, -1.0, 12.0], ["-1.0", "5.0", "12.0"]),
        (["a b", " a b", ""], ["0", "1", "2"]),  # no labels in normal form
        (["x", "10", "9"], ["10", "9", "x"]),  # elman sorts them otherwise
    ],
)
def test_columns_are_those_of_the_classes(classes: list[Any], names: list[str]) -> None:
    y = np.array(classes * 12)
    fitted = TextClassifier(**QUICK).fit(np.array(TEXTS), y)
    assert fitted.classes_.tolist() == sorted(classes) and set(fitted.model_.labels) == set(names)
    assert fitted.predict(TEXTS).tolist() == y.tolist() and fitted.score(TEXTS, y) == 1.0
    probabilities = fitted.predict_proba(TEXTS)
    for name, label in zip(names, fitted.classes_, strict=True):
        column = fitted.model_.predict_proba(TEXTS)[:, fitted.model_.labels.index(name)]
        assert np.array_equal(probabilities[:, fitted.classes_.tolist().index(label)], column)


@pytest.mark.slow
def test_several_labels_a_text() -> None:
    y = np.zeros((36, 4), int)
    y[0::3, 0] = 1
    y[1::3, [0, 2]] = 1
    fitted = TextClassifier(**QUICK).fit(TEXTS, y)
    assert fitted.classes_.tolist() == [0, 1, 2, 3] and fitted.model_.config.multi_label
    assert np.array_equal(fitted.predict(TEXTS), y)
    probabilities = fitted.predict_proba(TEXTS)
    assert not probabilities[:, [1, 3]].any()  # no text had them
    assert np.array_equal(probabilities[:, [0, 2]], fitted.model_.predict_proba(TEXTS))
    assert fitted.score(TEXTS, y) == 1.0


@pytest.mark.slow
def test_pipeline_grid_search_and_cross_validation() -> None:
    shout = FunctionTransformer(lambda texts: [text.upper() for text in texts])
    pipeline = make_pipeline(shout, TextClassifier(**QUICK, lowercase=False, ngrams=False))
    search = GridSearchCV(pipeline, {"textclassifier__rate": [0.0, 0.1]}, cv=3, n_jobs=1, error_score="raise")
    search.fit(TEXTS, NAMES)
    assert search.best_params_ == {"textclassifier__rate": 0.1} and search.best_score_ > 0.9
    best = search.best_estimator_.named_steps["textclassifier"].model_
    assert any("GOOD" in token for token in best.tokenizer.tokens)
    scores = cross_val_score(TextClassifier(**QUICK), TEXTS, NAMES, cv=2, scoring="neg_log_loss")
    assert len(scores) == 2 and scores.mean() > np.log(1 / 3)


def test_clones_have_the_parameters_and_not_the_model(fitted: TextClassifier) -> None:
    other = clone(fitted).set_params(cell="gru", seed=7)
    assert other.get_params() == {**fitted.get_params(), "cell": "gru", "seed": 7}
    assert fitted.cell is None and not hasattr(other, "model_")
    with pytest.raises(NotFittedError):
        other.predict(["x"])
    with pytest.raises(NotFittedError):
        other.save("nowhere")


def test_saved_and_loaded(fitted: TextClassifier, tmp_path: Path) -> None:
    for name in ("one", "two"):
        fitted.save(tmp_path / name)
        loaded = elman.load(tmp_path / name)
        assert loaded.labels == ("neg", "other", "pos") and loaded.card == fitted.model_.card
        assert np.array_equal(loaded.predict_proba(TEXTS), fitted.predict_proba(TEXTS))
    with pytest.raises(FolderError, match="not empty"):
        fitted.save(tmp_path / "one")


def test_copies_are_checked_as_folders_are(fitted: TextClassifier) -> None:
    expected = fitted.predict_proba(TEXTS)
    for again in (copy.deepcopy(fitted), pickle.loads(pickle.dumps(fitted))):
        assert np.array_equal(again.predict_proba(TEXTS), expected) and again.get_params() == fitted.get_params()
        assert pickle.loads(pickle.dumps(again)).model_.model_hash == fitted.model_.model_hash
    damaged = copy.deepcopy(fitted)
    damaged._files["labels.json"] = damaged._files["labels.json"].replace(b"neg", b"nag")
    with pytest.raises(FolderError, match=r"labels\.json was changed or damaged"):
        pickle.loads(pickle.dumps(damaged))


def test_nothing_stays_in_the_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    fitted = TextClassifier(**{**QUICK, "epochs": 1}).fit(TEXTS, NAMES)
    copy.deepcopy(fitted)
    with pytest.raises(UsageError, match="--model is 'wavenet'"):
        TextClassifier(cell="wavenet").fit(TEXTS, NAMES)
    assert list(tmp_path.iterdir()) == []


def test_interruption_stops_a_grid_search(monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: Any, **__: Any) -> None:
        raise Interrupted("stopped; resume it")

    monkeypatch.setattr(module, "train_model", stopped)
    with pytest.raises(KeyboardInterrupt):
        GridSearchCV(TextClassifier(), {"epochs": [1]}, cv=2).fit(TEXTS, NAMES)


def test_a_language_model_is_the_start(lstm_folder: Path) -> None:
    rest = {name: value for name, value in QUICK.items() if name not in ("hidden_size", "embedding_size")}
    fitted = TextClassifier(**{**rest, "bag": False, "epochs": 1}, start=lstm_folder).fit(TEXTS, NAMES)
    assert (fitted.model_.config.cell, fitted.model_.config.hidden_size) == ("lstm", 32)
    assert fitted.model_.tokenizer.hash == elman.load(lstm_folder).lm.tokenizer.hash
    with pytest.raises(UsageError, match="embedding_size is 8, but the language model has 24"):
        TextClassifier(**QUICK, start=lstm_folder).fit(TEXTS, NAMES)


class Frame:
    """As much of a data frame as numpy sees."""

    def __init__(self, *columns: list[str]) -> None:
        self.columns = columns

    def __iter__(self) -> Any:
        return iter(["text"] * len(self.columns))

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.array(self.columns, dtype).T


def test_texts_come_in_many_forms(fitted: TextClassifier) -> None:
    some = TEXTS[:4]
    expected = fitted.predict_proba(some)
    forms = (tuple(some), np.array(some), np.array(some, object), iter(some), Frame(some), np.array([some]).T)
    for form in forms:
        assert np.array_equal(fitted.predict_proba(form), expected)
    assert fitted.predict_proba([]).shape == (0, 3) and fitted.predict([]).shape == (0,)
    with pytest.warns(DataConversionWarning):
        TextClassifier(**{**QUICK, "epochs": 1}).fit(TEXTS, np.array([NAMES]).T)


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        ("one text", NAMES, "X is one string; give a list of texts"),
        (3, NAMES, "X is a int; give a list of texts"),
        (np.zeros((36, 2)), NAMES, r"X has the shape \(36, 2\); give one text for each example"),
        (Frame(TEXTS, TEXTS), NAMES, r"X has the shape \(36, 2\)"),
        ([*TEXTS[:-1], None], NAMES, 'text 35 of X is a NoneType; give strings, "" for no text'),
        (TEXTS, ["pos"] * 36, "y has one class, pos; give examples of two classes or more"),
        (TEXTS[:3], NAMES[:3], "n_samples=3 is too few to hold 10% of each class out for validation; give more texts"),
        (TEXTS, NAMES[:-1], "inconsistent numbers of samples"),
        (TEXTS, None, "y"),
        (TEXTS, np.linspace(0, 1, 36), "continuous"),
        (TEXTS, np.array([*range(35), np.nan]), "NaN"),
        (TEXTS, np.array([*range(35), np.inf]), "infinity"),
    ],
)
def test_mistakes_are_value_errors(X: Any, y: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TextClassifier(**QUICK).fit(X, y)


def test_parameters_that_are_not_allowed() -> None:
    for wrong, message in (
        ({"pooling": "sum"}, "pooling"),
        ({"epochs": 0}, "--epochs is 0"),
        ({"minutes": 1, "epochs": 5, "seed": "x"}, "seed"),
        ({"validation_fraction": 0.5}, "share is 0.5"),
    ):
        with pytest.raises(UsageError, match=message):
            TextClassifier(**wrong).fit(TEXTS, NAMES)


def test_without_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "sklearn" else find(name))
    with pytest.raises(MissingExtra) as missing:
        importlib.reload(elman.sklearn)
    assert str(missing.value) == "elman.sklearn needs scikit-learn; run: pip install 'elman[tasks]'"
