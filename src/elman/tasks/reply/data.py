"""The data of a dual encoder: dialogues as token ids, and the pairs of messages and replies in
them."""

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.dialogues import Dialogue, Pair, hold_out, pairs_of, read_dialogues
from elman.data.example_splits import random_part
from elman.data.vocabulary import Vocabulary
from elman.errors import TextError
from elman.progress import Progress, counted
from elman.tasks.reply.request import ReplyDataConfig, ReplyRequest
from elman.text.tokenizer import Tokenizer

MOST_REPLIES = 1000
"""The most frequent replies of the training part are kept with the model, this many."""
MOST_MEASURED = 2000
"""Of a larger validation or test part, figures are of so many pairs, which are drawn at random."""
Ids = NDArray[np.int64]


@dataclasses.dataclass(frozen=True)
class DialoguePart:
    """Dialogues of one part, and their messages with replies."""

    dialogues: list[Dialogue]
    turns: list[list[Ids]]
    """The token ids of each turn of each dialogue."""
    pairs: list[Pair]

    @classmethod
    def of(
        cls,
        dialogues: Sequence[Dialogue],
        tokenizer: Tokenizer,
        config: ReplyDataConfig,
        *,
        reach: int = 1,
        most: int | None = None,
    ) -> "DialoguePart":
        """The pairs of dialogues, by a tokenizer; of more than ``most`` pairs, so many at
        random."""
        pairs = pairs_of(dialogues, min_words=config.min_words, reach=reach)
        encoded = iter(tokenizer.encode_lines([turn for each in dialogues for turn in each.turns]))
        turns = [[next(encoded) for _ in each.turns] for each in dialogues]
        return cls(list(dialogues), turns, pairs if most is None else random_part(pairs, most))

    def texts(self, pair: Pair, *, earlier: int) -> tuple[list[str], str]:
        """The turns of a message, those before it first, and the reply."""
        turns = self.dialogues[pair.dialogue].turns
        return list(turns[max(pair.message - earlier, 0) : pair.message + 1]), turns[pair.reply]

    def ids(self, pair: Pair, *, earlier: int, most: int) -> tuple[Ids, Ids]:
        """The ids of ``texts``."""
        turns = self.turns[pair.dialogue]
        return message_ids(turns[max(pair.message - earlier, 0) : pair.message + 1], most), turns[pair.reply][:most]


def message_ids(turns: Sequence[Ids], most: int) -> Ids:
    """The ids of a message with the turns before it, the last ``most`` of them.

    >>> message_ids([np.array([1, 2]), np.array([3, 4])], 3).tolist()
    [2, 3, 4]
    """
    return np.concatenate([*turns])[-most:] if len(turns) else np.zeros(0, np.int64)


@dataclasses.dataclass(frozen=True)
class ReplyData:
    """The parts, and what was fitted on the first."""

    tokenizer: Tokenizer
    replies: Vocabulary
    """The most frequent replies of the training part."""
    train: DialoguePart
    valid: DialoguePart
    test: DialoguePart | None
    hash: str

    def about(self) -> dict[str, Any]:
        """For the model card."""
        parts = {"train": self.train, "valid": self.valid, "test": self.test}
        counts = {
            name: {"dialogues": len(part.dialogues), "pairs": len(part.pairs)}
            for name, part in parts.items()
            if part is not None
        }
        return {"hash": self.hash, **counts}

    def type_weights(self) -> NDArray[np.float64]:
        """How much each type counts ``[V]``: the logarithm of its rarity, as a share of the
        largest."""
        every = [ids for turns in self.train.turns for ids in turns]
        counts = np.bincount(np.concatenate(every), minlength=self.tokenizer.size)
        rarity = np.log(counts.sum() / np.maximum(counts, 1))
        return rarity / max(rarity.max(), 1e-9)


def read_data(
    request: ReplyRequest,
    *,
    tokenizer: Tokenizer | None = None,
    replies: Vocabulary | None = None,
    progress: Progress,
) -> ReplyData:
    """Read the dialogues for a training.

    Args:
        tokenizer, replies: those of an interrupted training.

    Raises:
        TextError: anything wrong with the data.
    """
    config = request.data

    def read(sources: Sequence[str]) -> list[Dialogue]:
        return list(read_dialogues(sources, config=config, progress=progress)) if sources else []

    train, valid, test = map(read, (request.sources, request.valid, request.test))
    if not valid:
        train, valid = hold_out(train)
    tokenizer = tokenizer or config.fit([turn for each in train for turn in each.turns])
    learned = DialoguePart.of(train, tokenizer, config, reach=config.reach)
    parts = [DialoguePart.of(each, tokenizer, config, most=MOST_MEASURED) for each in (valid, test)]
    for name, part in zip(("training", "validation"), (learned, parts[0]), strict=True):
        if len(part.pairs) < 2:
            raise TextError(
                f"{counted(len(part.pairs), 'message')} with a reply in the {name} part; at least 2 are needed, "
                f"of {counted(config.min_words, 'word')} or more (--min-words)"
            )
    digest = hashlib.sha256(repr((train, valid, test, config.to_json())).encode()).hexdigest()[:16]
    data = ReplyData(
        tokenizer, replies or frequent_replies(learned), learned, parts[0], parts[1] if test else None, digest
    )
    progress.say(
        f"{counted(len(train), 'dialogue')} with {counted(len(learned.pairs), 'pair')} to train on, "
        f"{counted(len(data.valid.pairs), 'message')} to validate (hash {digest[:12]}); "
        f"level {tokenizer.config.level}, {counted(tokenizer.size, 'type')}"
    )
    return data


def frequent_replies(part: DialoguePart) -> Vocabulary:
    """The most frequent replies, with their counts."""
    counts = Counter(part.dialogues[pair.dialogue].turns[pair.reply] for pair in part.pairs)
    kept = sorted(counts.items(), key=lambda each: (-each[1], each[0]))[:MOST_REPLIES]
    return Vocabulary([text for text, _ in kept], [count for _, count in kept])
