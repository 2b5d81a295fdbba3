"""Questions about small paragraphs, in the JSON of SQuAD 2.0: data to try a reader on.

    python examples/questions.py 300 > people.json
    elman train people.json --task answer --epochs 6 --out reader

Each paragraph tells two facts about each of two people. Of each one fact is asked, and one that the
paragraph does not tell; facts and questions are worded in several ways. ``--always`` leaves out the
questions without an answer.
"""

import argparse
import json
import random
from typing import Any

NAMES = ("Ada", "Ben", "Clara", "Dora", "Emil", "Flora", "Georg", "Hanna")
PLACES = ("Turin", "Lyon", "Oslo", "Bern", "Graz", "Cork", "Porto")
JOBS = ("painter", "baker", "singer", "doctor", "teacher")
FACTS = {
    "place": ("{name} was born in {place}.", "{place} is where {name} was born."),
    "year": ("In {year} {name} left school.", "{name} left school in {year}."),
    "job": ("{name} worked as a {job}.", "For years {name} was a {job}."),
}
QUESTIONS = {
    "place": ("Where was {name} born?", "In which town was {name} born?", "What is the birthplace of {name}?"),
    "year": ("When did {name} leave school?", "In which year did {name} leave school?"),
    "job": ("What did {name} work as?", "What was the job of {name}?"),
}


def questions(count: int, seed: int = 1, *, always: bool = False) -> dict[str, Any]:
    """``count`` paragraphs with their questions."""
    rng = random.Random(seed)
    paragraphs = [_paragraph(rng, f"{seed}/{number}", always=always) for number in range(count)]
    return {"version": "v2.0", "data": [{"title": "people", "paragraphs": paragraphs}]}


def _paragraph(rng: random.Random, name_of: str, *, always: bool) -> dict[str, Any]:
    sentences, asked = [], list[tuple[str, str | None]]()
    for name in rng.sample(NAMES, 2):
        values = {"name": name, "place": rng.choice(PLACES), "job": rng.choice(JOBS), "year": rng.randint(1800, 1999)}
        told = rng.sample(sorted(FACTS), 2)
        sentences += [rng.choice(FACTS[fact]).format(**values) for fact in told]
        asked.append((rng.choice(QUESTIONS[told[0]]).format(name=name), str(values[told[0]])))
        (missing,) = set(FACTS) - set(told)
        if not always:
            asked.append((rng.choice(QUESTIONS[missing]).format(name=name), None))
    rng.shuffle(sentences)
    text = " ".join(sentences)
    return {"context": text, "qas": [_asked(f"{name_of}/{n}", text, *each) for n, each in enumerate(asked)]}


def _asked(name: str, text: str, question: str, answer: str | None) -> dict[str, Any]:
    answers = [] if answer is None else [{"text": answer, "answer_start": text.index(answer)}]
    return {"id": name, "question": question, "is_impossible": answer is None, "answers": answers}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", type=int, help="paragraphs")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--always", action="store_true", help="no questions without an answer")
    given = parser.parse_args()
    print(json.dumps(questions(given.count, given.seed, always=given.always)))
