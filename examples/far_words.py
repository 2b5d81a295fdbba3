"""Sentences in which a word depends on one far before it: "I called her but after a while she did
not answer".

    python examples/far_words.py [LINES] > far.txt
    elman train far.txt --out far-lstm --minutes 0.5
    elman train far.txt --out far-3gram --model ngram --order 3
    elman serve far-lstm far-3gram

What stands between "her" and "she" has 0 to 12 words, so that no n-gram sees both; who is meant is
drawn anew for each sentence. The page's Memory view shows which model still knows.
"""

import random
import sys

WHO = {"her": "she", "him": "he", "them": "they", "me": "I", "you": "you", "us": "we"}
VERBS = ["called", "asked", "saw", "told", "met", "heard"]
JOINS = ["but", "and", "so", "then"]
FILLERS = [
    "after a while", "on the way home", "in the rain", "late at night", "for a long time", "before the meeting",
    "in the old town", "as always", "without a word", "near the river", "on a cold day",
]  # fmt: skip
ENDS = ["did not answer", "came back", "went away", "said nothing", "was not there", "laughed"]


def sentence(draw: random.Random) -> str:
    """One sentence."""
    who = draw.choice(list(WHO))
    fill = draw.sample(FILLERS, draw.choice([0, 0, 1, 1, 2, 3]))
    end = draw.choice(ENDS)
    if WHO[who] in ("they", "you", "we"):
        end = end.replace("was", "were")
    subject = draw.choice(["Anna", "Ben", "The teacher", "My friend", "Somebody"])
    return " ".join([subject, draw.choice(VERBS), who, draw.choice(JOINS), *fill, WHO[who], end]) + "."


def main() -> None:
    lines = int(sys.argv[1]) if len(sys.argv) > 1 else 6000
    draw = random.Random(1)
    for _ in range(lines):
        print(sentence(draw))


if __name__ == "__main__":
    main()
