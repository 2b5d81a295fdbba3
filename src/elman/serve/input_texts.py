"""The texts of a request: those of ``input``, and those that are read as a whole."""

from elman.decode.forced_prefix import check_begin
from elman.errors import UsageError
from elman.serve.errors import Problem, check_unicode
from elman.serve.limits import Limits
from elman.serve.sessions import too_long

_LETTERS = 20
"""Most characters of a text for each token that is allowed."""


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


def check_begun(begin: str) -> None:
    """See that the beginning of an answer is text of one line.

    Raises:
        Problem: it is not.
    """
    check_unicode([begin], param="begin")
    try:
        check_begin(begin)
    except UsageError as error:
        raise Problem(422, str(error), param="begin", code=error.code) from None


def check_words(text: str, limits: Limits, *, param: str) -> None:
    """See that a text is one, and that it has no more words than the server reads.

    Raises:
        Problem: it is not, or has more.
    """
    check_unicode([text], param=param)
    # Without blanks a text is one word, however long.
    most = limits.max_prompt_tokens
    if len(text) > _LETTERS * most or len(text.split()) > most:
        raise too_long(most, param=param)
