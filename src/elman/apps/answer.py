"""Answers from documents: by rules, the sentence that has most of the question's words and the part
of it that fits; or by a trained reader, the part of the first passages that it finds likeliest.

With rules everything is counted, so that each answer can say why: which share of the question's
words the sentence has, weighted by how rare they are; whether the part is of the kind that the
question asks for; and how near it stands to those words. Where too little is found, the answer is
that the text does not say.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

from elman.apps.answering.question import NAME, NUMBER, PHRASE, PLACE, REASON, Question, candidates
from elman.apps.rank import RankConfig, Ranker
from elman.apps.ranking.analysis import STOP_WORDS, TermSpan
from elman.apps.ranking.index import Index
from elman.apps.ranking.rerankers import TextModel
from elman.apps.ranking.scoring import idf
from elman.config import Config
from elman.decode.scoring import score_lines
from elman.errors import UsageError
from elman.text.english_endings import without_ending
from elman.text.normalise import normalise_line
from elman.text.sentences import sentence_spans

EMPTY_QUESTION = "the question is empty; ask one, such as: When was Ada born?"
_BEFORE = 0.5
"""What a word of the question counts that is only in the sentence before, or in the first one of
the text."""
_REACH = 4.0
"""Words over which nearness falls to a third."""
_FUNCTION = STOP_WORDS["english"] | {"many", "much", "often"}
_BY = {
    NAME: ("by",),
    PLACE: ("in", "at", "from", "to", "near"),
    REASON: (),
    PHRASE: ("is", "are", "was", "were", "called"),
}
_LEAST, _WEIGHT = 0.5, 0.05
_ASKED = 12
"""Candidates that a language model weighs."""


@dataclass(frozen=True, kw_only=True)
class AnswerConfig(Config):
    """How answers are found."""

    passages: int = 10
    """How many of the first passages are read."""
    passage_words: int = 100
    """Words of the passages into which texts are cut, at ends of sentences; an index stays as it
    is."""
    least: float | None = None
    """The share of the question's words, weighted by their idf, that a sentence must have; by
    default 0.5. A reader has a threshold of its own."""
    weight: float | None = None
    """The weight of a language model's log-probabilities, in nats; by default 0.05."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("passages", "passage_words"):
            self.require(name, 1 <= getattr(self, name) <= 10_000, "1 to 10,000")
        for name in ("least", "weight"):
            self.require(name, 0 <= (getattr(self, name) or 0) <= 1, "0 to 1")


class Answer(NamedTuple):
    """An answer, or that there is none."""

    text: str | None
    """None if the documents do not say."""
    document: str | None
    """The name of the document of the best sentence; None if no document has a word of the
    question."""
    sentence: str
    start: int
    """The first character of the answer in its document, of the sentence if there is no answer."""
    end: int
    score: float
    parts: dict[str, float]
    """What the score is the sum of."""
    reason: str
    """Why, in one sentence."""
    probability: float | None = None
    """A trained reader's, that its first and last word are right; of the likeliest part if there is
    no answer. None where rules answer, which know none."""

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return {
            **self._asdict(),
            "score": round(self.score, 4),
            "parts": {k: round(v, 4) for k, v in self.parts.items()},
            "probability": None if self.probability is None else round(self.probability, 4),
        }


@runtime_checkable
class AnswersQuestions(Protocol):
    """A trained reader of passages (``elman.tasks.answer.model.PassageReader``)."""

    threshold: float | None
    """The least score of an answer that is given."""

    def predictions(self, questions: Iterable[tuple[str, str]]) -> Iterator[Any]:
        """The answers to questions, each with its passage."""
        ...


class _Sentence(NamedTuple):
    document: int
    start: int
    text: str
    coverage: float
    terms: list[TermSpan]


class Answerer:
    """Answers questions from the documents of an index.

    Args:
        model: a trained reader, which takes the place of the rules; or a language model, which
            weighs the question with each answer in it.

    Raises:
        UsageError: ``least`` is given with a reader, or ``weight`` without a language model.

    >>> from elman.apps.ranking.build import IndexedDocument, temporary_index
    >>> texts = ["Ada Lovelace was born in London in 1815.", "Charles Babbage built two engines in London."]
    >>> with temporary_index(IndexedDocument(str(n), text) for n, text in enumerate(texts)) as index:
    ...     answerer = Answerer(index)
    ...     [answerer.answer(each).text for each in ("When was Ada born?", "Who built engines?", "Where is Paris?")]
    ['1815', 'Charles Babbage', None]
    """

    def __init__(
        self,
        index: Index,
        *,
        method: str | Sequence[str] = "bm25",
        model: TextModel | AnswersQuestions | None = None,
        config: AnswerConfig | None = None,
        ranking: RankConfig | None = None,
    ) -> None:
        self.index, self.config = index, config or AnswerConfig()
        self.reader = model if isinstance(model, AnswersQuestions) else None
        self.model = None if isinstance(model, AnswersQuestions) else model
        if self.reader is not None and self.config.least is not None:
            raise UsageError(
                "least does not apply to a reader, which has a threshold of its own; leave it out", field="least"
            )
        if self.model is None and self.config.weight is not None:
            raise UsageError("weight is that of a language model; name one, or leave the weight out", field="weight")
        self._least = _LEAST if self.config.least is None else self.config.least
        self._weight = _WEIGHT if self.config.weight is None else self.config.weight
        methods = [method] if isinstance(method, str) else list(method)
        self._ranker = Ranker(index, methods=methods, config=ranking)

    def answer(self, question: str, *, documents: Iterable[int] | None = None) -> Answer:
        """The best answer to a question.

        Args:
            documents: numbers of the documents to read; by default the first ones by their ranking.
        """
        asked = Question.of(normalise_line(" ".join(question.split())))
        weights = self._weights(asked)
        if documents is None:
            documents = [hit.number for hit in self._ranker.rank(asked.text, self.config.passages)]
        if self.reader is not None:
            texts = self.index.texts
            return read_passages(self.reader, asked.text, [(self.index.ids[each], texts[each]) for each in documents])
        sentences = sorted(
            (each for number in documents for each in self._sentences(number, weights)), key=lambda each: -each.coverage
        )
        if not sentences or not weights:
            return Answer(None, None, "", 0, 0, 0.0, {}, "no document has a word of the question")
        best = sentences[0]
        enough = [each for each in sentences if each.coverage >= self._least]
        if not enough:
            share = f"{best.coverage:.0%} of the question's words by weight, {self._least:.0%} are needed"
            return self._none(best, f"the best sentence has {share}")
        if asked.kind is None:
            end = best.start + len(best.text)
            name = self.index.ids[best.document]
            parts = {"sentence": best.coverage}
            return Answer(best.text, name, best.text, best.start, end, best.coverage, parts,
                          "no question word says what is asked for: the whole sentence")  # fmt: skip
        found = [each for sentence in enough for each in self._candidates(asked, sentence, weights)]
        if not found:
            return self._none(best, f"no {asked.kind} is in the sentences with the question's words")
        found.sort(key=lambda each: -each.score)
        return self._weighed(asked, found[:_ASKED]) if self.model is not None else found[0]

    def _none(self, best: _Sentence, reason: str) -> Answer:
        end = best.start + len(best.text)
        parts = {"sentence": best.coverage}
        return Answer(None, self.index.ids[best.document], best.text, best.start, end, best.coverage, parts, reason)

    def _weights(self, question: Question) -> dict[str, float]:
        """The idf of the question's terms, without function words and question words; an unknown
        one is rarest."""
        found = {}
        for span in self.index.analyzer.spans(question.text):
            word = question.text[span.start : span.end].casefold()
            # How long asks for a number, and long is a word to look for.
            asked = question.kind != NUMBER and question.asked[0] <= span.start < question.asked[1]
            if asked or word in _FUNCTION:
                continue
            number = self.index.number(span.term)
            found[self._key(span.term)] = (
                math.log1p(2 * len(self.index) + 1) if number is None else idf(self.index, number)
            )
        return found

    def _sentences(self, document: int, weights: dict[str, float]) -> Iterator[_Sentence]:
        text = self.index.texts[document]
        total = math.fsum(weights.values()) or 1.0
        first: set[str] = set()
        before: set[str] = set()
        for start, end in sentence_spans(text):
            spans = self.index.analyzer.spans(text[start:end])
            terms = [each._replace(term=self._key(each.term)) for each in spans]
            own = {each.term for each in terms} & weights.keys()
            near = (first | before) - own
            gained = math.fsum(weights[term] for term in own) + _BEFORE * math.fsum(weights[term] for term in near)
            if own:
                yield _Sentence(document, start, text[start:end], gained / total, terms)
            before = own
            first = first or own

    def _key(self, term: str) -> str:
        """A term as question and sentence compare it; without a language without its ending."""
        return term if self.index.config.language else without_ending(term)

    def _candidates(self, question: Question, sentence: _Sentence, weights: dict[str, float]) -> Iterator[Answer]:
        assert question.kind is not None
        matched = [(place, each) for place, each in enumerate(sentence.terms) if each.term in weights]
        total = math.fsum({each.term: weights[each.term] for _, each in matched}.values())
        places = [(each.start, each.end) for _, each in matched]
        for start, end, fit in candidates(sentence.text, question.kind, places):
            inside = [(place, each) for place, each in enumerate(sentence.terms) if start <= each.start < end]
            said = (
                sentence.text[each.start : each.end].casefold() in _FUNCTION or each.term in weights
                for _, each in inside
            )
            if all(said):
                continue  # it says what the question says
            first, last = inside[0][0], inside[-1][0]
            near: dict[str, float] = {}
            for place, each in matched:
                distance = max(first - place, place - last, 0)
                value = weights[each.term] * math.exp(-distance / _REACH)
                near[each.term] = max(near.get(each.term, 0.0), value)
            before = sentence.text[:start].split()
            cue = bool(before) and before[-1].casefold() in _BY.get(question.kind, ("in", "on", "at", "since"))
            follows = sum(place < first for place, _ in matched) - sum(place > last for place, _ in matched)
            side = (follows < 0) == question.subject if follows else False
            parts = {
                "sentence": sentence.coverage,
                "kind": 0.3 * fit,
                "near": 0.5 * math.fsum(near.values()) / max(total, 1e-12),
                "place": 0.1 * cue + 0.2 * side,
            }
            offset = sentence.start + start
            name, text = self.index.ids[sentence.document], sentence.text[start:end]
            reason = f"a {question.kind} in a sentence with {sentence.coverage:.0%} of the question's words by weight"
            yield Answer(
                text, name, sentence.text, offset, offset + len(text), math.fsum(parts.values()), parts, reason
            )

    def _weighed(self, question: Question, found: list[Answer]) -> Answer:
        """The best answer with the model's log-probability of the question with the answer in it,
        for a token."""
        assert self.model is not None
        lines = [question.statement(each.text or "") for each in found]
        scored = [each.log_prob / each.tokens for each in score_lines(self.model.lm, self.model.speller, lines)]
        gains = [self._weight * (value - max(scored)) for value in scored]
        added = [
            each._replace(score=each.score + gain, parts={**each.parts, "model": gain})
            for each, gain in zip(found, gains, strict=True)
        ]
        return max(added, key=lambda each: each.score)


def read_passages(reader: AnswersQuestions, question: str, passages: Sequence[tuple[str | None, str]]) -> Answer:
    """The likeliest answer of a trained reader in any of some passages.

    Args:
        passages: names, None for a text without one, and texts.
    """
    read = list(reader.predictions((question, text) for _, text in passages))
    # A passage without words has a score of minus infinity.
    found = [each for each in zip(passages, read, strict=True) if each[1].end > each[1].start]
    if not found:
        reason = "there are no words to read" if passages else "no document has a word of the question"
        return Answer(None, passages[0][0] if passages else None, "", 0, 0, 0.0, {}, reason)
    (name, text), best = max(found, key=lambda each: each[1].score)
    inside = [span for span in sentence_spans(text) if span[0] < best.end and span[1] > best.start]
    start, end = (inside[0][0], inside[-1][1]) if inside else (0, 0)
    sentence, parts = text[start:end], {"reader": best.score}
    if best.text is None:
        assert reader.threshold is not None, "without one every answer is given"
        needed = f"{reader.threshold:.2f} is needed"
        reason = f"the likeliest part has log-odds of {best.score:.2f} against no answer, and {needed}"
        return Answer(None, name, sentence, start, end, best.score, parts, reason, best.probability)
    reason = f"the reader is sure of its first and last word by {best.probability:.0%}"
    return Answer(best.text, name, sentence, best.start, best.end, best.score, parts, reason, best.probability)
