"""A chooser of replies from what users give: models as they are loaded, and files or lists of
replies."""

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

from elman.apps.reply import Replier, Reply, ReplyConfig
from elman.decode.offers import listed, offers_from
from elman.errors import UsageError
from elman.models.protocol import LanguageModel
from elman.text.corpus import CorpusConfig, read_lines


class TextModel(Protocol):
    """What ``elman.load`` gives for language models."""

    lm: LanguageModel


def load_replier(
    model: Any,
    *,
    lm: TextModel | None = None,
    replies: str | Path | Iterable[str] | None = None,
    block: Collection[str] | str = (),
    secrets: bool = False,
    config: ReplyConfig | None = None,
) -> Replier:
    """A chooser of replies of loaded models.

    Args:
        model: a model of replies, or a language model of dialogues.
        lm: a language model beside a model of replies.
        replies: a file with a reply a line, or texts; by default the most frequent ones that a
            model of replies learned.
        block: words that are never offered.
        secrets: whether replies with long numbers, addresses and random strings are offered.

    Raises:
        UsageError: models that cannot rank replies, or no replies.
        TextError: a file cannot be read, or no reply is left.
    """
    encoder = model if hasattr(model, "reply_vectors") else None
    if encoder is None and not hasattr(model, "lm"):
        raise UsageError(f"a {type(model).__name__} ranks no replies; give a model of --task reply or a language model")
    if encoder is None and lm is not None:
        raise UsageError("two language models were given; give a model of --task reply and a language model beside it")
    if replies is None:
        if encoder is None:
            raise UsageError("a language model keeps no replies; give a file with a reply a line: --replies FILE")
        texts: Iterable[str] = encoder.replies
    elif isinstance(replies, (str, Path)):
        texts = [line for line, _ in read_lines([str(replies)], config=CorpusConfig())]
    else:
        texts = replies
    language = lm if encoder is not None else model
    offers = offers_from(listed(block), secrets=secrets)
    own = None if language is None else language.lm
    return Replier(texts, encoder=encoder, lm=own, offers=offers, config=config)


def reply(
    model: Any,
    message: str,
    *,
    replies: str | Path | Iterable[str] | None = None,
    earlier: Sequence[str] = (),
    n: int = 3,
    lm: TextModel | None = None,
    block: Collection[str] | str = (),
    secrets: bool = False,
    **settings: Any,
) -> list[Reply]:
    """Choose replies to a message: the best, each with another meaning.

    ``elman.apps.reply.Replier`` does the same for many messages, and is prepared once.

    Args:
        model: a model of ``task="reply"``, or a language model of dialogues with a turn a line.
        replies: a file with a reply a line, or texts; by default the most frequent ones of the
            model.
        earlier: turns of the conversation before the message, the oldest first.
        n: how many at most.
        lm: a language model beside a model of replies.
        block: words that are never offered, as for ``Model.complete``.
        secrets: whether replies with long numbers, addresses and random strings are offered.
        settings: fields of ``ReplyConfig``, such as ``diversity=0.5``.

    Raises:
        UsageError: models or settings that do not fit.
        TextError: no reply is left to offer.

    >>> import elman
    >>> model = elman.load("reply-model")  # doctest: +SKIP
    >>> [each.text for each in elman.reply(model, "When do we eat?", replies="replies.txt")]  # doctest: +SKIP
    ['At six, I think.', 'Are you hungry?', 'I ate already.']
    """
    if n < 1:
        raise UsageError.of("n", n, "at least 1")
    config = ReplyConfig.from_json(settings)
    replier = load_replier(model, lm=lm, replies=replies, block=block, secrets=secrets, config=config)
    return replier.choose(message, earlier=earlier, n=n)
