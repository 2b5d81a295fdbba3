"""Lines encoded together against the tokenizer, one by one."""

import numpy as np
import pytest

from elman.data.oov import unknown_tokens
from elman.decode import line_ids as module
from elman.decode.line_ids import line_ids
from elman.text.tokenizer import EOS_ID, Tokenizer, TokenizerConfig

TEXT = ["the cat sat, the dog (can't)", "The  cat\tsat", "a\u00a0b 猫が 座る", "x --- y 12 <unk>"]
LINES = [
    *TEXT, "", " the cat", "the  dog", "the\u00a0cat", "zorgl the zorgl, zorgl's", "the \u0301cat", "Ünknown <unk>",
    "the cat", "the\u2003cat sat", "</s> the <s>", "x" * 300 + " cat", "the \x1c cat \x85 sat", "\u200d the", "12the 3",
    "''the '' 'cat'", "-- -", "the… cat 👩‍👩‍👧 👍🏽 dog",
]  # fmt: skip
CONFIGS = [
    {"level": "word", "min_count": 1},
    {"level": "word", "min_count": 1, "lowercase": True},
    {"level": "word", "min_count": 1, "rules": 2},
    {"level": "word", "min_count": 1, "rules": 2, "lowercase": True, "compatibility": True},
    {"level": "word", "pretokenized": True},
    {"level": "word", "pretokenized": True, "rules": 2, "lowercase": True},
    {"level": "word", "pretokenized": True, "rules": 2, "compatibility": True},
    {"level": "word", "pretokenized": True, "lowercase": True},
    {"level": "subword", "vocab_size": 300},
    {"level": "char", "min_count": 1},
    {"level": "byte"},
]


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: "-".join(str(value) for value in config.values()))
def test_the_same_as_one_by_one(config: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = Tokenizer.fit(TEXT, config=TokenizerConfig(**config))
    for kept in (1 << 16, 3):
        monkeypatch.setattr(module, "_MOST_KEPT", kept)
        for lines in (LINES, LINES[::-1], []):
            found = line_ids(tokenizer, lines)
            wanted = [tokenizer.encode(line) for line in lines]
            assert [ids.tolist() for ids in found.split()] == [[*each.ids.tolist(), EOS_ID] for each in wanted]
            unknown = [unknown_tokens(tokenizer, *each) for each in zip(lines, wanted, strict=True)]
            assert found.unknown == {row: tokens for row, tokens in enumerate(unknown) if tokens}
    assert found.ids.dtype == np.int64
