"""Does a model know word order? Real sentences against shuffled ones, and a headline against its
twin.

    python examples/word_order.py MODEL TEXT

MODEL is a model folder, TEXT a file that it was not trained on. Of up to 500 lines with 10 to 25
words, each is compared with 20 shuffles of itself; then two headlines of the same words are.
"""

import random
import statistics
import sys
from collections.abc import Iterator

import elman

SENTENCES, SHUFFLES = 500, 20
HEADLINES = ("Market falls into bear territory", "Bear falls into market territory")


def shuffles(line: str, rng: random.Random) -> Iterator[str]:
    words = line.split()
    for _ in range(SHUFFLES):
        yield " ".join(rng.sample(words, len(words)))


def share_in_order(model: elman.Model, lines: list[str]) -> float:
    """The share of lines that are likelier than the median of their shuffles."""
    rng = random.Random(1)
    variants = [variant for line in lines for variant in (line, *shuffles(line, rng))]
    scores = [scored.log_prob for scored in model.score_lines(variants)]
    groups = [scores[place : place + SHUFFLES + 1] for place in range(0, len(scores), SHUFFLES + 1)]
    return sum(group[0] > statistics.median(group[1:]) for group in groups) / len(groups)


def main() -> None:
    folder, text = sys.argv[1:]
    model = elman.load(folder)
    with open(text, encoding="utf-8") as file:
        lines = [" ".join(line.split()) for line in file if 10 <= len(line.split()) <= 25][:SENTENCES]
    if not lines:
        sys.exit(f"{text} has no line of 10 to 25 words")
    share = share_in_order(model, lines)
    print(f"{share:.1%} of {len(lines)} sentences are likelier than the median of their {SHUFFLES} shuffles")
    lower = model.lm.tokenizer.encode(HEADLINES[0].lower()).ids
    known = model.lm.tokenizer.encode(HEADLINES[0]).ids
    for headline in HEADLINES:
        # A model of lower-cased text knows the words only so.
        line = headline.lower() if (lower == 0).sum() < (known == 0).sum() else headline
        print(f"{model.score(line).log_prob:9.2f} nats  {line}")


if __name__ == "__main__":
    main()
