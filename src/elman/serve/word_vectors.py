"""/v1/similar and /v1/embeddings: words that are used alike, and vectors of words and texts."""

import base64
from typing import Any

from elman.models.word_vectors import UnknownWord
from elman.serve.abilities import GivesVectors
from elman.serve.batching import too_slow
from elman.serve.errors import Problem, check_unicode
from elman.serve.input_texts import input_texts
from elman.serve.request_context import RequestContext
from elman.serve.vector_schemas import EmbeddingsBody, SimilarBody


def similar_answer(body: SimilarBody, able: GivesVectors, context: RequestContext) -> dict[str, Any]:
    """The nearest words that may be shown.

    Raises:
        Problem: too much is asked for, or a word has no vector.
    """
    limits = context.limits
    if body.word is not None and body.positive is not None:
        raise Problem(422, "word and positive are the same; send one of them", param="word")
    name = "positive" if body.word is None else "word"
    near, far = _several(body.positive if body.word is None else body.word), _several(body.negative)
    if not near and not far:
        raise Problem(422, "word is missing; send word, positive or negative", param="word")
    if body.n > limits.max_words:
        raise Problem(422, f"n is {body.n}; this server gives up to {limits.max_words} words", param="n")
    if len(near) + len(far) > limits.max_texts:
        raise Problem(
            422, f"{len(near) + len(far)} words were sent; this server compares with up to {limits.max_texts} at once",
            param=name,
        )  # fmt: skip
    for param, words in ((name, near), ("negative", far)):
        check_unicode(words, param=param)
        # Words spelled nearly so are not named: they may be hidden ones.
        unknown = [word for word in words if not able.model.has_vector(word)]
        if unknown:
            raise Problem(422, str(UnknownWord.of(unknown)), param=param, code="unknown_word")
    count = body.n
    while True:
        found = able.model.most_similar(near, far, count)
        shown = [{"text": word, "similarity": score} for word, score in found if not context.hidden.hides(word)]
        if len(shown) >= body.n or len(found) < count:
            return {"model": able.name, "words": shown[: body.n]}
        count *= 2


def embeddings_answer(body: EmbeddingsBody, able: GivesVectors, context: RequestContext) -> dict[str, Any]:
    """The vector of each word or text, in the order of the request.

    Raises:
        Problem: too much is asked for, a text has no known word, or it takes too long.
    """
    size = able.model.dimensions
    if body.dimensions not in (None, size):
        raise Problem(422, f"dimensions is {body.dimensions}; vectors of this model have {size}", param="dimensions")
    texts = input_texts(body.input, context.limits, size=size, parts="numbers each", numbers="numbers")
    data, read = [], 0
    for number, text in enumerate(texts):
        if context.patience.over:
            raise too_slow()
        words = able.model.split(text)
        read += len(words)
        try:
            vector = able.model.mean_vector(words)
        except UnknownWord as error:
            raise Problem(422, f"text {number} of input: {error}", param="input", code="unknown_word") from None
        plain = base64.b64encode(vector.astype("<f4").tobytes()).decode()
        shown = plain if body.encoding_format == "base64" else vector.tolist()
        data.append({"object": "embedding", "index": number, "embedding": shown})
    return {"object": "list", "data": data, "model": able.name, "usage": {"prompt_tokens": read, "total_tokens": read}}


def _several(words: str | list[str] | None) -> list[str]:
    return [words] if isinstance(words, str) else words or []
