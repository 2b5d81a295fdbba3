"""A sample of every task's data, and the flags of a small training on it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image
from tests.tasks import counting_task

WORDS = {"good": ("fine", "lovely", "great"), "bad": ("poor", "awful", "dull")}


class Subject(NamedTuple):
    """A small training of one task."""

    write: Callable[[Path, int], None]
    """Write data to a file, from a seed."""
    settings: dict[str, Any]
    inputs: list[Any]
    """Inputs of ``predict``, of odd lengths, an empty one among them; none for tasks that predict
    no labels."""
    loop: str = "elman.training.loop"
    """The module whose loop trains."""


def labelled_texts(path: Path, seed: int, count: int = 120) -> None:
    rng, rows = np.random.default_rng(seed), []
    for _ in range(count):
        label = str(rng.choice(list(WORDS)))
        words = [str(rng.choice(["the", "film", "is", "a", f"w{rng.integers(40)}"])) for _ in range(rng.integers(1, 9))]
        words.insert(int(rng.integers(len(words) + 1)), str(rng.choice(WORDS[label])))
        rows.append(f"{label},{' '.join(words)}")
    path.write_text("\n".join(["label,text", *rows]) + "\n")


def lines_of_digits(path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    path.write_text("\n".join("".join(map(str, rng.integers(0, 2, rng.integers(1, 12)))) for _ in range(200)))


def sentences(path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    subjects, verbs = ("Anna", "Ben", "Clara"), ("sees the house", "hears a bird", "likes the river")
    path.write_text("".join(f"{rng.choice(subjects)} {rng.choice(verbs)}.\n" for _ in range(300)))


def tagged_sentences(path: Path, seed: int) -> None:
    """A word and its tag on each line."""
    rng, lines = np.random.default_rng(seed), []
    names = {"B-person I-person": "Anna Lee", "B-place": "Paris", "O": "sees", "O O": "the river"}
    for _ in range(80):
        for kind in rng.choice(list(names), rng.integers(1, 5)):
            lines += [f"{word}\t{tag}" for word, tag in zip(names[kind].split(), kind.split(), strict=True)]
        lines += [f"w{rng.integers(40)}\tO", ""]
    path.write_text("\n".join(lines) + "\n")


def matches(path: Path, seed: int) -> None:
    """Two players, a hall, and who won; a later seed plays later."""
    rng, lines = np.random.default_rng(seed), ["day,one,other,hall,points,outcome"]
    for match in range(60):
        one, other = rng.choice(["Anna", "Ben", "Clara", "Dan"], 2, replace=False)
        points = int(rng.integers(-2, 3)) + (one == "Anna")
        outcome = "won" if points > 0 else "lost" if points < 0 else "drawn"
        lines.append(f"{60 * (seed - 1) + match // 2},{one},{other},{rng.choice(['fine', 'old'])},{points},{outcome}")
    path.write_text("\n".join(lines) + "\n")


def sales(path: Path, seed: int) -> None:
    """Two shops by the day, with missing values and a day of sale that is known before; a later
    seed is later."""
    rng, lines = np.random.default_rng(seed), ["day,shop,sold,sale"]
    for shop in ("Anna", "Ben"):
        for day in range(60):
            sale = day % 9 == 4
            sold = "" if rng.random() < 0.05 and day else f"{20 + 5 * (day % 7) + 9 * sale + rng.normal():.2f}"
            lines.append(f"{np.datetime64('2024-01-01') + day + 60 * (seed - 1)},{shop},{sold},{int(sale)}")
    path.write_text("\n".join(lines) + "\n")


def pairs(path: Path, seed: int) -> None:
    """Digits, and their names in another language."""
    rng, names = np.random.default_rng(seed), ["null", "eins", "zwei", "drei", "Anna", "fine"]
    rows = [rng.integers(0, len(names), rng.integers(1, 5)) for _ in range(80)]
    lines = [f"{' '.join(map(str, row.tolist()))},{' '.join(names[each] for each in row)}" for row in rows]
    path.write_text("\n".join(["source,target", *lines]) + "\n")


def captions(path: Path, seed: int) -> None:
    """Pictures of two colours beside a file of their captions."""
    rng, lines = np.random.default_rng(seed), ["image,caption"]
    colours = {"Anna": (250, 0, 0), "fine": (0, 0, 250), "dull": (90, 90, 90)}
    for number in range(40):
        names = [str(name) for name in rng.choice(list(colours), 2)]
        sides = np.repeat([[colours[name] for name in names]], 6, 0).repeat(3, 1)
        noise = rng.integers(0, 6, sides.shape)
        Image.fromarray((sides + noise).astype(np.uint8)).save(path.parent / f"{seed}-{number}.png")
        lines += [f"{seed}-{number}.png,{' '.join(names)}", f"{seed}-{number}.png,{names[0]} left"]
    path.write_text("\n".join(lines) + "\n")


def dialogues(path: Path, seed: int) -> None:
    """Questions on three matters with their answers, in dialogues of four turns."""
    rng, lines = np.random.default_rng(seed), []
    answers = {"film": ("fine", "dull"), "train": ("late", "gone"), "Anna": ("well", "away")}
    for _ in range(60):
        for _ in range(2):
            about = str(rng.choice(list(answers)))
            lines += [f"{about} w{rng.integers(20)}", f"{rng.choice(answers[about])} w{rng.integers(20)}"]
        lines.append("")
    path.write_text(
        "message,reply\n" + "".join(f"{a},{b}\n" for a, b in zip(lines, lines[1:], strict=False) if a and b)
    )


def questions(path: Path, seed: int) -> None:
    """Where people live and how they are, asked in the JSON of SQuAD; of some the paragraph says
    nothing."""
    rng, paragraphs = np.random.default_rng(seed), []
    for _ in range(60):
        one, other = rng.choice(["Anna", "Ben", "Clara", "Dan"], 2, replace=False)
        place, state = str(rng.choice(["Rome", "Paris", f"w{rng.integers(40)}"])), str(rng.choice(["fine", "old"]))
        text = f"{one} lives in {place}. {other} is {state}."
        asked = [(f"Where does {one} live?", place), (f"How is {other}?", state), (f"Where does {other} live?", None)]
        paragraphs.append({
            "context": text,
            "qas": [
                {
                    "id": f"{len(paragraphs)}/{number}",
                    "question": question,
                    "answers": [] if answer is None else [{"text": answer, "answer_start": text.index(answer)}],
                    "is_impossible": answer is None,
                }
                for number, (question, answer) in enumerate(asked)
            ],
        })  # fmt: skip
    path.write_text(json.dumps({"version": "v2.0", "data": [{"title": "people", "paragraphs": paragraphs}]}))


COMMON: dict[str, Any] = {"updates": 14, "threads": 1, "precision": "fp32", "validations": 2, "batch": 8}
SMALL = {"embedding_size": 6, "hidden_size": 5}
SUBJECTS = {
    "language": Subject(sentences, {**COMMON, **SMALL, "layers": 1, "bptt": 8}, []),
    "classify": Subject(
        labelled_texts,
        {**COMMON, **SMALL, "rival": False, "dropout": 0.2},
        ["fine film", "", "the film is awful and so dull", "lovely", "w1 w2 w3 w4 w5 w6 w7", "never seen before"],
    ),
    "tag": Subject(
        tagged_sentences,
        {
            **COMMON,
            **SMALL,
            "subword_size": 4,
            "format": "columns",
            "crf": True,
            "ngrams": True,
            "dropout": 0.2,
            "rival": False,
        },  # fmt: skip
        ["Anna Lee sees Paris", "", ["the", "river"], "w1 w2 w3 w4 w5 w6 w7", "Ben", []],
    ),
    "translate": Subject(
        pairs,
        {**COMMON, **SMALL, "layers": 1, "vocab_size": 280, "bpe_dropout": 0.1, "dropout": 0.2},
        ["1 2 3", "", "0", "4 4 4 4 4 4 4 4", "never seen", "5 1"],
    ),
    "caption": Subject(
        captions,
        {**COMMON, **SMALL, "vocab_size": 280, "dropout": 0.2, "picture_size": "6", "patch_size": "3"},
        [np.full((4, 5, 3), shade, np.uint8) for shade in (0, 60, 120)] + [np.zeros((6, 6, 3), np.uint8)],
    ),
    "outcome": Subject(
        matches,
        {
            **COMMON,
            "embedding_size": 3,
            "hidden_size": 4,
            "dense_size": 5,
            "time": "day",
            "entities": "one,other",
            "outcomes": "won,drawn,lost",
            "rival": False,
        },
        [
            {"one": "Anna", "other": "Ben", "day": "90"},
            {"one": "Zoe", "other": "Ben"},
            "one=Ben, other=Clara, hall=fine",
            {"one": "Clara", "other": "Anna", "day": 95, "hall": "new"},
            {"one": "Dan", "other": "Eve", "day": "300"},
        ],
    ),
    "forecast": Subject(
        sales,
        {
            **COMMON,
            **SMALL,
            "dense_size": 4,
            "time": "day",
            "value": "sold",
            "group": "shop",
            "covariates": "sale",
            "horizon": 3,
            "context_window": 14,
            "dropout": 0.2,
            "rival": False,
        },
        [
            {"series": "Anna"},
            [5.0, 6.0, 9.5],
            {"series": "new", "start": "2024-05-04", "values": [1, None, *range(30)], "covariates": {"sale": [0] * 35}},
            [2.0],
            {"series": "Ben", "covariates": {"sale": [1, 0, 1]}},
        ],
    ),
    "reply": Subject(dialogues, {**COMMON, **SMALL, "vector_size": 8, "rival": False, "min_count": 1}, []),
    "answer": Subject(
        questions,
        {**COMMON, **SMALL, "subword_size": 4, "align_size": 3, "buckets": 90, "dropout": 0.2, "rival": False},
        [
            ("Where does Anna live?", "Anna lives in Rome."),
            ("", ""),
            ("Who?", ""),
            {"question": "How is Ben?", "context": "Clara lives in Paris. Ben is fine. " * 60, "id": "1"},
            ("", "never seen before"),
        ],
    ),
    "vectors": Subject(
        sentences,
        {"model": "skipgram", "epochs": 20, "threads": 2, "min_count": 1, "dimensions": 6, "document": "line"},
        [],
        "elman.tasks.vectors.training",
    ),
    counting_task.CountTask.name: Subject(lines_of_digits, COMMON, ["1", "", "10101", "111111111", "0", "0110110"]),
}
