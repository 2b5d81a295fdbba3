"""ARPA files for tests, and what they say by a reader that is slow and plain."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from elman.models.ngram.arpa_reader import Arpa

PLAIN = """\\data\\
ngram 1=6
ngram 2=6
ngram 3=3

\\1-grams:
-1.5\t<unk>\t-0.125
0\t<s>\t-0.30103
-0.47712123\t</s>
-0.69897\tsun\t-0.2
-1\train\t0
-0.845098\tand\t0.1

\\2-grams:
-0.2\t<s> sun\t-0.5
-0.9\t<s> rain\t-0.7
-0.3\tsun and\t-0.0
-0.60206\tand rain
-0.05\train </s>
-1.25\t<unk> and\t-1

\\3-grams:
-0.1\t<s> sun and
-0.0457575\tsun and rain
-0.2\tsun and sun

\\end\\
"""
"""`<unk>` as a context, a backoff above 0 and one of minus zero; nothing follows `<s> rain`, which
has a backoff; and "sun and sun" is there, though "and sun" is not."""

CAMBRIDGE = """This file is in the ARPA-standard format.
Data formats:
Beginning of data mark: \\data\\
ngram 1=nr            # number of 1-grams
\\1-grams:
p_1     wd_1 bo_wt_1
end of data mark: \\end\\

\\data\\
ngram  1=   6
ngram 2 = 6

\\1-grams:
-3.2721 <UNK>\t0.0000
-1.2699 </s>\t-2.0000
-98.9998 <s>\t-0.4131
 -2.7884  's\t-1.0510

-2 -7 .25\r
-2.0614 1.5\t-0.6539

\\2-grams:
-0.0044 </s> <s> \x20
-0.5172 <s> 's \t
-0.4 </s> 1.5
-0.5 's 1.5 0
-1.3e+0 1.5 -7
-.7 1.5 's

\\end\\
"""
"""As the toolkits of Cambridge and Carnegie Mellon write: prose in front, blanks anywhere, `<UNK>`,
and n-grams across lines; words that look like numbers; a Windows line end."""

Table = dict[tuple[str, ...], tuple[np.float32, np.float32]]


def plain_read(text: str) -> Table:
    """The obvious reader: words to (probability, backoff); for well-formed text."""
    found: Table = {}
    order = 0
    for line in text.split("\n\\data\\\n")[-1].removeprefix("\\data\\\n").splitlines():
        fields = line.split()
        if line.startswith("\\"):
            order = 0 if line == "\\end\\" else int(line[1])
        elif order and fields:
            words = ["<unk>" if word == "<UNK>" else word for word in fields[1 : order + 1]]
            numbers = [np.float32(float(field)) for field in (fields[0], *fields[order + 1 :])]
            found[tuple(words)] = (numbers[0], numbers[1] if numbers[1:] else np.float32(0))
    return found


def log10_prob(table: Table, context: Sequence[str], word: str) -> float:
    """The obvious query: the longest n-gram that is there, and the backoffs of the contexts that
    were too long.
    """
    if (*context, word) in table:
        return float(table[(*context, word)][0])
    assert context, word
    return float(table.get(tuple(context), (0, 0))[1]) + log10_prob(table, context[1:], word)


def log10_line(table: Table, words: Sequence[str]) -> list[float]:
    """The log10-probability of each word of a line and of its end."""
    known = ["<s>", *(word if (word,) in table else "<unk>" for word in words), "</s>"]
    return [min(log10_prob(table, known[:place], known[place]), 0.0) for place in range(1, len(known))]


def as_table(arpa: Arpa) -> Table:
    """What was read, n-gram by n-gram."""
    words, tables = [*arpa.words, "<s>"], arpa.tables
    found: Table = {("<s>",): (np.float32(0), tables.log10_backoffs[0][-1] if tables.order > 1 else np.float32(0))}
    for order, probs in enumerate(tables.log10_probs, start=1):
        backoffs = tables.log10_backoffs[order - 1] if order < tables.order else np.zeros(len(probs), np.float32)
        for ids, prob, backoff in zip(
            tables.tokens(order, np.arange(len(probs))), probs, backoffs[: len(probs)], strict=True
        ):
            found[tuple(words[token] for token in ids)] = (prob, backoff)
    return found


def same(one: Arpa, other: Arpa) -> None:
    """The two hold the same, bit for bit."""
    assert one.words == other.words
    for name in ("keys", "log10_probs", "log10_backoffs"):
        for mine, theirs in zip(getattr(one.tables, name), getattr(other.tables, name), strict=True):
            assert mine.dtype == theirs.dtype
            np.testing.assert_array_equal(mine, theirs)
            assert not np.signbit(mine[mine == 0]).any() and not np.signbit(theirs[theirs == 0]).any()


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path
