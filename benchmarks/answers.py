"""Questions about running text, made by leaving out a name or a number: an honest check of a reader
without SQuAD.

    python benchmarks/answers.py train1.txt.gz --characters 4499960 --count 3000 --seed 1 > cloze-train.json
    python benchmarks/answers.py valid.txt.gz --count 250 --seed 2 > cloze-valid.json
    python benchmarks/answers.py test.txt.gz --count 400 --seed 3 > cloze-test.json
    elman train cloze-train.json --task answer --valid cloze-valid.json --test cloze-test.json --epochs 5 --batch 32 \\
        --hidden-size 64 --embedding-size 64 --threads 1 --out cloze-reader

Texts are cut into passages of whole sentences, of 110 words or a few more. In one sentence of each
a name becomes "who" (after in, at, from, to or near "where"), or a number "how many"; of the other
words three in ten are left out. For a third of the questions the sentence is taken out of the
passage, if the answer is nowhere else in it: they have no answer.
"""

import argparse
import gzip
import json
import random
import re
from collections.abc import Iterator
from typing import Any

from elman.text.sentences import sentence_spans

_TITLE = r"(?:(?:Mr|Mrs|Miss|Dr|Sir|Lady|Lord|Captain)\.? )?"
_NAME = re.compile(rf"(?<![.!?\"'“‘] )(?<!^)\b{_TITLE}[A-Z][a-z]{{2,}}(?: [A-Z][a-z]{{2,}})*\b")
_NUMBER = re.compile(
    r"\b(?:\d[\d,]*|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|sixty|"
    r"hundred|thousand)(?: (?:hundred|thousand|million))?\b"
)
_NO_NAMES = frozenset({
    "The", "And", "But", "She", "His", "Her", "You", "They", "Then", "There", "What", "When", "That", "This", "Not",
    "For", "How", "Why", "Yes", "Oh", "Well", "Now", "God", "Sir", "Heaven", "Mr", "Mrs", "Miss", "Monday", "I'm",
})  # fmt: skip
_SIGNS = ".,;:!?\"“”‘’'()_-"
_WORDS, _MOST_WORDS = 110, 260


def passages(text: str) -> Iterator[str]:
    """Passages of whole sentences."""
    start = None
    for first, last in sentence_spans(text):
        start = first if start is None else start
        if len(text[start:last].split()) >= _WORDS:
            yield text[start:last]
            start = None


def gaps(passage: str) -> Iterator[tuple[int, int, int, int, str]]:
    """Sentences with a gap: the sentence's characters, those of the answer in the passage, and the
    question word."""
    for first, last in sentence_spans(passage):
        sentence = passage[first:last]
        if not 8 <= len(sentence.split()) <= 40:
            continue
        for pattern, word in ((_NAME, "who"), (_NUMBER, "how many")):
            for match in pattern.finditer(sentence):
                if match.start() and match.group().split()[0] not in _NO_NAMES:
                    place = pattern is _NAME and re.search(r"\b(?:in|at|from|to|near) $", sentence[: match.start()])
                    yield first, last, first + match.start(), first + match.end(), "where" if place else word


def question(rng: random.Random, before: str, word: str, after: str) -> str:
    """The words of a sentence that are kept, with a question word in the gap."""
    kept = []
    for part in (before, after):
        kept += [each.strip(_SIGNS) for each in part.split() if rng.random() > 0.3]
        kept += word.split() if part is before else []
    return " ".join([each for each in kept if each][:30]) + "?"


def questions(text: str, count: int, seed: int, *, without: float = 0.33) -> dict[str, Any]:
    """At most ``count`` passages with a question each, in the JSON of SQuAD 2.0."""
    rng = random.Random(seed)
    every = [each for each in passages(text.replace("\n", " ").replace("  ", " ")) if len(each.split()) < _MOST_WORDS]
    rng.shuffle(every)
    made: list[dict[str, Any]] = []
    for passage in every:
        found = list(gaps(passage))
        if len(made) == count or not found:
            continue
        first, last, start, end, word = rng.choice(found)
        asked, answer = question(rng, passage[first:start], word, passage[end:last]), passage[start:end]
        answers, rest = [{"text": answer, "answer_start": start}], (passage[:first] + passage[last:]).strip()
        if rng.random() < without:
            if answer.lower() in rest.lower() or len(rest.split()) < 30:
                continue
            answers, passage = [], rest
        entry = {"id": f"{seed}/{len(made)}", "question": asked, "answers": answers, "is_impossible": not answers}
        made.append({"context": passage, "qas": [entry]})
    return {"version": "v2.0", "data": [{"title": "cloze", "paragraphs": made}]}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", help="a gzipped text")
    parser.add_argument("--characters", type=int, default=-1, help="read so many characters of it")
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with gzip.open(given.file, "rt", encoding="utf-8") as source:
        print(json.dumps(questions(source.read(given.characters), given.count, given.seed)))
