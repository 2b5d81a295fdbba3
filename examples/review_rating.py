"""How three models read a review that begins with praise and ends with blame.

    python examples/review_rating.py DATA [--epochs 4 | --seconds 40] [--out review_rating.png]

DATA is the folder of SST-5 (``stsa.fine.train``, ``stsa.fine.test``; its labels 0 to 4 become
Negative, Neutral and Positive), or any file with labelled reviews that elman reads, such as CSV
with the columns ``text`` and ``label``. A plain RNN and an LSTM read from left to right and decide
after the last word; TF-IDF with logistic regression only counts words. A table shows how often each
is right on test reviews, and what it says of one sentence after the word ``performances`` and at
the end; the picture shows the probabilities after each word. On two cores it takes a minute.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import elman
from elman.data.example_splits import split_examples
from elman.data.examples import Example, ExamplesConfig, read_examples
from elman.errors import ElmanError
from elman.evaluation.explanation import Explanation, explain_text
from elman.evaluation.rivals import TfidfRegression
from elman.report.style import INK, OWN, drawn
from elman.sklearn import TextClassifier

SENTENCE = (
    "The movie started off great with an engaging plot and strong performances, "
    "but by the end, it became boring and predictable."
)
TURN = "performances"
"""The last word of the sentence's praise."""
FIVE = {"0": "Negative", "1": "Negative", "2": "Neutral", "3": "Positive", "4": "Positive"}
CELLS = {"rnn": "RNN", "lstm": "LSTM"}
COLOURS = (("#0072b2", "s"), ("#777777", "^"), (OWN, "o"), ("#009e73", "D"), ("#cc79a7", "v"))


class Reading(NamedTuple):
    """What a model makes of the test reviews and of the sentence."""

    name: str
    accuracy: float
    rating: str
    explanation: Explanation


def read(path: Path) -> tuple[list[Example], list[Example]]:
    """Reviews to train on and to test with."""
    if path.is_dir():
        return labelled(path / "stsa.fine.train"), labelled(path / "stsa.fine.test")
    train, test, _ = split_examples(labelled(path))
    return train, test


def labelled(path: Path) -> list[Example]:
    """The reviews of a file; the five labels of SST-5 become three."""
    if not path.name.startswith("stsa.fine"):
        return list(read_examples(str(path)))
    examples = read_examples(str(path), config=ExamplesConfig(label="first-word"))
    return [Example(one.text, (FIVE.get(one.labels[0], one.labels[0]),), one.name, one.line) for one in examples]


def network(cell: str, train: list[Example], test: list[Example], options: argparse.Namespace) -> Reading:
    """Train a network that reads in one direction and decides after the last word."""
    length = {"epochs": options.epochs, "minutes": None if options.seconds is None else options.seconds / 60}
    estimator = TextClassifier(cell=cell, bidirectional=False, pooling="last", threads=1, **length)
    estimator.fit([one.text for one in train], [one.labels[0] for one in train])
    accuracy = estimator.score([one.text for one in test], [one.labels[0] for one in test])
    model = estimator.model_
    return Reading(
        CELLS[cell], accuracy, elman.review_rating(options.sentence, model=model), model.explain(options.sentence)
    )


def bag_of_words(train: list[Example], test: list[Example], options: argparse.Namespace) -> Reading:
    """Train the rival that knows no order of words."""
    names = sorted({one.labels[0] for one in train})

    def ids(examples: list[Example]) -> np.ndarray:
        return np.array([names.index(one.labels[0]) if one.labels[0] in names else -1 for one in examples])

    rival = TfidfRegression(labels=len(names)).fit([one.text for one in train], ids(train))
    predict: Callable[[list[str]], Any] = rival.predict_proba
    accuracy = float((predict([one.text for one in test]).argmax(axis=1) == ids(test)).mean())
    explanation = explain_text(predict, options.sentence, names=names)
    return Reading("TF-IDF", accuracy, explanation.label, explanation)


def table(readings: list[Reading], sentence: str) -> str:
    """A line for each model."""
    lines = [f"{'model':8} {'accuracy':>8}  {'after ' + TURN:24} {'at the end':24} rating"]
    for reading in readings:
        words = [word.text for word in reading.explanation.words]
        turn = words.index(TURN) + 1 if TURN in words else len(words) // 2
        said = [likeliest(reading.explanation, turn), likeliest(reading.explanation, -1)]
        lines.append(f"{reading.name:8} {reading.accuracy:8.1%}  {said[0]:24} {said[1]:24} {reading.rating}")
    return "\n".join([sentence, "", *lines])


def likeliest(explanation: Explanation, words: int) -> str:
    """The most probable label after so many words."""
    probabilities = explanation.prefixes[words]
    best = int(np.argmax(probabilities))
    return f"{explanation.names[best]} {probabilities[best]:.0%}"


def draw(figure: Any, readings: list[Reading]) -> None:
    """The probabilities after each word, a panel for each model."""
    panels = figure.subplots(len(readings), 1, sharex=True, sharey=True)
    words = ["(start)", *(word.text for word in readings[0].explanation.words)]
    for axes, reading in zip(panels, readings, strict=True):
        probabilities = np.array(reading.explanation.prefixes)
        for label, (colour, marker) in zip(range(probabilities.shape[1]), COLOURS, strict=False):
            name = reading.explanation.names[label] if axes is panels[0] else None
            axes.plot(probabilities[:, label], color=colour, marker=marker, ms=3.5, lw=1.5, label=name)
        if TURN in words:
            axes.axvline(words.index(TURN) + 0.5, color=INK, lw=0.8, ls=":")
        axes.set_title(f"{reading.name}: {reading.rating}", loc="left")
        axes.set(ylim=(-0.02, 1.02))
        axes.grid(alpha=0.18, color=INK, lw=0.6)
    panels[len(panels) // 2].set_ylabel("probability after each word")
    panels[-1].set_xticks(range(len(words)), words, rotation=90)
    figure.legend(loc="outside upper center", ncols=len(COLOURS))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, metavar="DATA", help="folder of SST-5, or a file of labelled reviews")
    parser.add_argument("--epochs", type=float, default=4, help="how often each network reads the reviews (default 4)")
    parser.add_argument("--seconds", type=float, help="or: how long each network is trained")
    parser.add_argument("--sentence", default=SENTENCE, help="another review to read")
    parser.add_argument("--out", type=Path, default=Path("review_rating.png"), help="the picture")
    options = parser.parse_args()
    try:
        train, test = read(options.data)
        readings = [network(cell, train, test, options) for cell in CELLS]
        readings.append(bag_of_words(train, test, options))
    except ElmanError as error:
        raise SystemExit(f"review_rating: {error}") from None
    print(table(readings, options.sentence))
    picture = drawn("words", lambda figure: draw(figure, readings), width=6.4, height=6.8)
    options.out.write_bytes(picture["words.png"])


if __name__ == "__main__":
    main()
