"""Questions with their texts in the JSON of SQuAD 1.1 and 2.0."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from elman.apps.ranking.build import IndexedDocument
from elman.errors import TextError


class SquadQuestion(NamedTuple):
    """A question about a paragraph."""

    id: str
    text: str
    paragraph: int
    """The place of its paragraph among all."""
    answers: tuple[str, ...]
    """The right answers; none if the paragraph has no answer."""


class SquadFile(NamedTuple):
    """The paragraphs of a file, and the questions about them."""

    paragraphs: list[IndexedDocument]
    """Called by the title of their article and a number."""
    questions: list[SquadQuestion]


def read_squad(file: str | Path) -> SquadFile:
    """Read a file of SQuAD's shape: ``{"data": [{"title", "paragraphs": [{"context", "qas": [...]}]}]}``.

    Raises:
        TextError: it cannot be read, or is of another shape; says where.
    """
    try:
        data = json.loads(Path(file).read_bytes())
    except OSError as error:
        raise TextError(f"{file}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise TextError(f"{file} is no JSON ({str(error)[:80]})") from error
    found = SquadFile([], [])
    for article, place in _items(data, "data", str(file)):
        title = str(article.get("title") or "text").replace(" ", "_")
        for paragraph, where in _items(article, "paragraphs", place):
            number = len(found.paragraphs)
            found.paragraphs.append(IndexedDocument(f"{title}/{number}", _text(paragraph, "context", where)))
            for question, here in _items(paragraph, "qas", where):
                answers = tuple(
                    dict.fromkeys(_text(each, "text", at) for each, at in _items(question, "answers", here))
                )
                answers = () if question.get("is_impossible") is True else answers
                found.questions.append(
                    SquadQuestion(_text(question, "id", here), _text(question, "question", here), number, answers)
                )
    if not found.questions:
        raise TextError(f"{file}: there is no question in it")
    return found


def _items(value: dict[str, Any], name: str, place: str) -> list[tuple[dict[str, Any], str]]:
    items = value.get(name) if isinstance(value, dict) else None
    if not isinstance(items, list) or not all(isinstance(each, dict) for each in items):
        raise TextError(f"{place}: {name} is no list of objects, as SQuAD's files have there")
    return [(each, f"{place}, {name} {number}") for number, each in enumerate(items)]


def _text(value: dict[str, Any], name: str, place: str) -> str:
    text = value.get(name)
    if not isinstance(text, str) or any("\ud800" <= character <= "\udfff" for character in text):
        raise TextError(f"{place}: {name} is no text")
    return text
