"""The texts of a request's ``input``, as /v1/predict and /v1/embeddings take them."""

from elman.serve.errors import Problem, check_unicode
from elman.serve.limits import Limits


def input_texts(given: str | list[str], limits: Limits, *, size: int, parts: str, numbers: str) -> list[str]:
    """The texts, in their order.

    Args:
        size: numbers in the answer to one text.
        parts: what these belong to, such as ``labels``.
        numbers: what they are, such as ``probabilities``.

    Raises:
        Problem: there are too many texts or numbers, or a string is not valid text.
    """
    texts = [given] if isinstance(given, str) else given
    if len(texts) > limits.max_texts:
        raise Problem(
            422, f"input has {len(texts)} texts; this server takes up to {limits.max_texts} in one request",
            param="input",
        )  # fmt: skip
    if len(texts) * size > limits.max_answer:
        raise Problem(
            422, f"{len(texts)} texts, {size} {parts}: {len(texts) * size} {numbers}; this server gives up to "
            f"{limits.max_answer} in one answer", param="input",
        )  # fmt: skip
    check_unicode(texts, param="input")
    return texts
