"""Which level suits a text: words, or characters where no spaces stand between words."""

import re
from typing import Literal

UNSPACED = re.compile(
    "[\u0e00-\u109f\u1780-\u17ff\u1950-\u1aaf\u1b00-\u1b7f\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\ua000-\ua4cf\ua980-\ua9ff\uaa60-\uaadf\uf900-\ufaff\uff66-\uff9f\U0001b000-\U0001b16f\U00020000-\U0003ffff]+"
)
"""Runs of letters of scripts without spaces between words: Chinese, Japanese, Thai, Lao, Burmese,
Khmer, .."""

_LONGEST_WORD = 12
"""Letters to a word on average at most, where zero-width spaces mark the words."""


def choose_level(sample: str) -> Literal["word", "char"]:
    """The level for a text: char if more than 3 in 10 letters are of scripts without spaces between
    words.

    >>> choose_level("The cat sat."), choose_level("猫が座った。")
    ('word', 'char')

    Scripts without spaces may mark the words by zero-width spaces:

    >>> choose_level("ខ្ញុំ\\u200bទៅ\\u200bផ្សារ")
    'word'
    """
    unspaced = sum(len(run) for run in UNSPACED.findall(sample))
    spaced = sum(char.isalpha() for char in UNSPACED.sub("", sample))
    if sample.count("\u200b") * _LONGEST_WORD > unspaced:
        return "word"
    # Not subwords: without spaces, prompts often end inside a merge.
    return "char" if unspaced > 0.3 * (unspaced + spaced) else "word"
