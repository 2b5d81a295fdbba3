"""The figures of a dual encoder, next to those of its rivals."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from elman.data.dialogues import read_dialogues
from elman.errors import TextError
from elman.evaluation.replies import (
    MOST_FREQUENT,
    TFIDF,
    ReplyReport,
    Scores,
    evaluate_replies,
    frequent_scores,
    tfidf_scores,
)
from elman.progress import Progress
from elman.tasks.reply.data import MOST_MEASURED, DialoguePart
from elman.tasks.reply.request import ReplyDataConfig, ReplyRequest

if TYPE_CHECKING:
    from elman.tasks.reply.model import ReplyModel


def evaluate_sources(
    model: "ReplyModel", sources: Sequence[str], *, settings: Mapping[str, Any], rival: bool, progress: Progress
) -> ReplyReport:
    """The figures of a model on the dialogues of files.

    Args:
        settings: fields of ``DialoguesConfig``; by default as in training.
    """
    config = data_config(model).replace(**settings)
    dialogues = list(read_dialogues(sources, config=config, progress=progress))
    part = DialoguePart.of(dialogues, model.tokenizer, config, most=MOST_MEASURED)
    if len(part.pairs) < 2:
        raise TextError(f"{len(part.pairs)} messages with a reply of at least {config.min_words} words; give more")
    return evaluate_part(model, part, earlier=config.earlier, rival=rival)


def data_config(model: "ReplyModel") -> ReplyDataConfig:
    """How the data of its training was read, if the folder still says so."""
    request = ReplyRequest.of_training(model.folder)
    return ReplyDataConfig() if request is None else request.data


def evaluate_part(model: "ReplyModel", part: DialoguePart, *, earlier: int, rival: bool = True) -> ReplyReport:
    """The figures of a model on messages with their replies.

    Args:
        earlier: most turns that are read before a message; with some, the message alone is measured
            too.
    """
    groups = [pair.dialogue for pair in part.pairs]
    replies = [part.texts(pair, earlier=0)[1] for pair in part.pairs]
    vectors = model.reply_vectors(replies)
    systems: dict[str, Scores] = {}
    rivals: dict[str, Scores] = {MOST_FREQUENT: frequent_scores(replies, model.reply_counts)}
    notes = [] if rival else [f"{TFIDF} was left out (--no-rival)"]
    for turns in dict.fromkeys((earlier, 0)):
        conversations = [part.texts(pair, earlier=turns)[0] for pair in part.pairs]
        what = f"{turns} earlier turns" if turns else "the message alone"
        systems[f"{model.config.cell}, {what}"] = model.message_vectors(conversations) @ vectors.T
        if rival:
            found, note = tfidf_scores([" ".join(each) for each in conversations], replies)
            rivals |= {} if found is None else {f"{TFIDF}, {what}": found}
            notes += [] if note in notes else filter(None, [note])
    return evaluate_replies(systems, rivals, replies, groups=groups, notes=notes)
