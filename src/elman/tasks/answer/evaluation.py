"""The figures of a reader, next to those of its rivals."""

from typing import TYPE_CHECKING

from elman.apps.answer import Answerer
from elman.apps.ranking.build import IndexedDocument, temporary_index
from elman.data.squad import SquadFile
from elman.evaluation.answers import AnswerReport, evaluate_answers
from elman.evaluation.verdict import RULES
from elman.progress import Progress

if TYPE_CHECKING:
    from elman.tasks.answer.model import PassageReader

SENTENCE = "the best sentence"


def evaluate_part(model: "PassageReader", part: SquadFile, *, rival: bool, progress: Progress) -> AnswerReport:
    """Exact match and F1 of a reader on questions about paragraphs."""
    asked = ((each.text, part.paragraphs[each.paragraph].text) for each in part.questions)
    texts = (each.text or "" for each in model.predictions(asked))
    found = progress.collect("reading", texts, total=len(part.questions), unit="questions")
    systems = {str(model.config.cell): found}
    if rival:
        systems |= rival_answers(part, progress=progress)
    return evaluate_answers(
        systems,
        [each.answers for each in part.questions],
        paragraphs=[each.paragraph for each in part.questions],
        notes=[] if rival else ["the rivals were left out (--no-rival)"],
    )


def rival_answers(part: SquadFile, *, progress: Progress) -> dict[str, list[str]]:
    """Answers without a network, each from the question's own paragraph: by the rules of
    ``elman.answer``, and the whole sentence that has most of the question's words.
    """
    answers: dict[str, list[str]] = {RULES: [], SENTENCE: []}
    documents = [IndexedDocument(*each) for each in part.paragraphs]
    with (
        temporary_index(documents, progress=progress) as index,
        progress.stage("answering by rules", total=len(part.questions), unit="questions") as advance,
    ):
        answerer = Answerer(index)
        for each in part.questions:
            found = answerer.answer(each.text, documents=[each.paragraph])
            answers[RULES].append(found.text or "")
            answers[SENTENCE].append(found.sentence)
            advance(1)
    return answers
