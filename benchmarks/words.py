"""How far words of raw text agree with those of a treebank: elman's own, and with rules learned
from another part.

    python benchmarks/words.py TRAIN VALID

Both are CoNLL-U files with `# text`. F1 counts words whose first and last character are right.
Expect (UD English EWT, November 2026): 95.9 own, 98.1 with rules from words alone, 99.0 from texts.
"""

import dataclasses
import sys
import time
from collections.abc import Callable, Sequence

from elman.data.tagged import TaggedSentence, read_tagged
from elman.data.tagged_text import split_text
from elman.data.word_rules import WordRules


def report(name: str, split: Callable[[str], TaggedSentence], sentences: Sequence[TaggedSentence]) -> None:
    """Print a line of the table."""
    begin = time.process_time()
    found = [{*split(sentence.text).offsets} for sentence in sentences]
    seconds = time.process_time() - begin
    expected = [{*sentence.offsets} for sentence in sentences]
    right = sum(len(a & b) for a, b in zip(found, expected, strict=True))
    words = sum(map(len, expected))
    f1 = 2 * right / (words + sum(map(len, found)))
    whole = sum(a == b for a, b in zip(found, expected, strict=True)) / len(sentences)
    print(f"{name:12} F1 {100 * f1:.1f}  sentences {100 * whole:.1f} %  {words / seconds:,.0f} words/s")


def main(train: str, valid: str) -> None:
    learned, judged = list(read_tagged(train)), list(read_tagged(valid))
    words_only = [dataclasses.replace(sentence, text="", offsets=()) for sentence in learned]
    report("own", split_text, judged)
    report("words only", WordRules.fit(words_only).split, judged)
    report("with text", WordRules.fit(learned).split, judged)


if __name__ == "__main__":
    main(*sys.argv[1:])
