"""Types of a vocabulary that look private: told of in exports, and left out of them on request."""

from elman.decode.secrets import is_secret
from elman.errors import UsageError
from elman.text.tokenizer import EOS_ID, Tokenizer

_DIGITS = {ord(str(digit)): 0xE000 + digit for digit in range(10)}
"""Digits of private use: neither letters nor signs, so that nothing named by them is ever
offered."""


def private_types(tokenizer: Tokenizer) -> frozenset[int]:
    """The ids of types that look private by themselves (``elman.decode.secrets``).

    >>> from elman.text.tokenizer import TokenizerConfig
    >>> tokenizer = Tokenizer.fit(["call 555019 now"], config=TokenizerConfig(min_count=1))
    >>> [tokenizer.tokens[token] for token in private_types(tokenizer)]
    [' 555019']
    """
    words = enumerate(tokenizer.tokens[EOS_ID + 1 :], start=EOS_ID + 1)
    return frozenset(token for token, word in words if is_secret(word.removeprefix(" ")))


def without_private(tokenizer: Tokenizer) -> Tokenizer:
    """The same vocabulary with a name that no text holds for each private type, so that such a word
    is unknown.

    Raises:
        UsageError: its tokens are not words, so that private ones are spelled in pieces.
    """
    config = tokenizer.config
    if config.level != "word":
        raise UsageError(
            f"--no-secrets leaves out words, and this model has {config.level} tokens, which spell private ones in "
            "pieces; leave it out, or train with --level word"
        )
    tokens = list(tokenizer.tokens)
    for token in private_types(tokenizer):
        tokens[token] = f" <{str(token).translate(_DIGITS)}>"
    return Tokenizer(tokens, config=config)
