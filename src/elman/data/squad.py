"""Questions with their texts in the JSON of SQuAD 1.1 and 2.0 (Rajpurkar and others 2016, 2018)."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from elman.errors import TextError
from elman.progress import Progress, counted
from elman.text.decoding import raw_lines
from elman.text.readers.json_stream import json_values
from elman.text.sources import find_sources, total_bytes

_MOVED = "moved: answer_start names another place; the nearest one with this text is taken"
_MISSING = "not in the paragraph of the question"


class SquadQuestion(NamedTuple):
    """A question about a paragraph."""

    id: str
    text: str
    paragraph: int
    """The place of its paragraph among all."""
    answers: tuple[str, ...]
    """The right answers; none if the paragraph has no answer."""
    start: int | None = None
    """The first character of the first answer in its paragraph; None if it is not there."""


class Paragraph(NamedTuple):
    """A text that is asked about."""

    id: str
    """The title of its article, and a number."""
    text: str


class SquadFile(NamedTuple):
    """The paragraphs of files, and the questions about them."""

    paragraphs: list[Paragraph]
    questions: list[SquadQuestion]

    def part(self, paragraphs: Sequence[int]) -> "SquadFile":
        """Some of the paragraphs, and their questions."""
        numbers = {old: new for new, old in enumerate(paragraphs)}
        kept = [
            each._replace(paragraph=numbers[each.paragraph]) for each in self.questions if each.paragraph in numbers
        ]
        return SquadFile([self.paragraphs[number] for number in paragraphs], kept)


def read_squad(*sources: str, progress: Progress | None = None) -> SquadFile:
    """Read files of SQuAD's shape:
    ``{"data": [{"title", "paragraphs": [{"context", "qas": [...]}]}]}``; or records with
    ``context``, ``question`` and ``answers``, in an array or a line each.

    An answer stands where ``answer_start`` says, or else at its occurrence that is nearest to
    there; how many do not is said.

    Args:
        sources: files, folders, globs or ``-``.

    Raises:
        TextError: one cannot be read, or is of another shape; says where.
    """
    found, files = SquadFile([], []), find_sources([str(source) for source in sources])
    progress, odd = progress or Progress(), Counter[str]()
    with progress.stage("reading", total=total_bytes(files), unit="bytes") as advance:
        for source in files:
            read_squad_text("\n".join(raw_lines(source, encoding="utf-8", advance=advance)), source.name, found, odd)
    for what, count in odd.items():
        progress.say(f"note: {counted(count, 'answer')} {what}")
    if not found.questions:
        raise TextError(f"{', '.join(map(str, sources))}: there is no question in it")
    return found


def read_squad_text(text: str, name: str, found: SquadFile, odd: Counter[str] | None = None) -> SquadFile:
    """Add the paragraphs and questions of a text of SQuAD's shape to ``found``.

    Args:
        odd: counts the answers that are not where ``answer_start`` says.

    Raises:
        TextError: it is of another shape; says where.
    """
    data = _data(text, name)
    if isinstance(data, list):
        _add_records(data, name, found, odd)
        return found
    for article, place in _items(data, "data", name):
        for paragraph, where in _items(article, "paragraphs", place):
            number = _add_paragraph(found, article, _text(paragraph, "context", where))
            for question, here in _items(paragraph, "qas", where):
                found.questions.append(_question(question, number, here, found, odd))
    return found


def _data(text: str, name: str) -> dict[str, Any] | list[dict[str, Any]]:
    """An object of SQuAD's shape, or the records of a table of questions."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        try:
            data = [value for _, value in json_values(iter(text.split("\n")), name=name)]
        except TextError:
            data = []
        if not data:
            raise TextError(f"{name} is no JSON ({str(error)[:80]})") from error
    if isinstance(data, dict) and "context" in data and "question" in data:
        return [data]
    return data


def _add_records(records: list[Any], name: str, found: SquadFile, odd: Counter[str] | None) -> None:
    """Add records with ``context``, ``question`` and ``answers``; the same context is one
    paragraph."""
    numbers: dict[tuple[str, str], int] = {}
    for place, record in ((f"{name}, record {number}", each) for number, each in enumerate(records, start=1)):
        if not isinstance(record, dict):
            raise TextError(f"{place} is no object with context, question and answers")
        context = _text(record, "context", place)
        key = str(record.get("title")), context
        if key not in numbers:
            numbers[key] = _add_paragraph(found, record, context)
        answers = record.get("answers")
        if isinstance(answers, dict):  # lists of texts and of their starts, as in tables
            texts, starts = answers.get("text"), answers.get("answer_start")
            if not isinstance(texts, list) or not isinstance(starts, list) or len(texts) != len(starts):
                raise TextError(f"{place}: answers have no lists text and answer_start of the same length")
            pairs = zip(texts, starts, strict=True)
            record = {**record, "answers": [{"text": text, "answer_start": start} for text, start in pairs]}
        found.questions.append(_question(record, numbers[key], place, found, odd))


def _add_paragraph(found: SquadFile, titled: dict[str, Any], context: str) -> int:
    number, title = len(found.paragraphs), str(titled.get("title") or "text").replace(" ", "_")
    found.paragraphs.append(Paragraph(f"{title}/{number}", context))
    return number


def _question(
    question: dict[str, Any], paragraph: int, place: str, found: SquadFile, odd: Counter[str] | None
) -> SquadQuestion:
    """A question of its JSON; without an id it has its number."""
    context = found.paragraphs[paragraph].text
    answers = {} if question.get("is_impossible") is True else _answers(question, context, place, odd)
    own = question.get("id", len(found.questions) + 1)
    name = str(own) if type(own) is int else _text(question, "id", place)
    text = _text(question, "question", place)
    return SquadQuestion(name, text, paragraph, tuple(answers), next(iter(answers.values()), None))


def _answers(question: dict[str, Any], context: str, place: str, odd: Counter[str] | None) -> dict[str, int | None]:
    """The different answers, and where they begin."""
    answers: dict[str, int | None] = {}
    for each, at in _items(question, "answers", place):
        text, given = _text(each, "text", at), each.get("answer_start", 0)
        near = given if isinstance(given, int) else 0
        start = _nearest(context, text, near)
        answers.setdefault(text, start)
        if odd is not None and (start is None or start != given):
            odd[_MISSING if start is None else _MOVED] += 1
    return answers


def _nearest(context: str, text: str, near: int) -> int | None:
    """The occurrence of a text that begins nearest to a character."""
    if not text or context.startswith(text, near) and near >= 0:
        return near if text else None
    begin = min(max(near, 0), len(context))
    places = context.rfind(text, 0, begin + len(text)), context.find(text, begin)
    return min((place for place in places if place >= 0), key=lambda place: abs(place - near), default=None)


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
