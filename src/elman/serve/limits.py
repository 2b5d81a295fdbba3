"""What one client, and all of them together, may request; every limit is a flag of `elman
serve`."""

import dataclasses

from elman.config import Config
from elman.errors import UsageError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Limits(Config):
    """Bounds on requests, on memory and on waiting.

    >>> Limits(max_tokens=0)
    Traceback (most recent call last):
    ...
    elman.errors.UsageError: max_tokens is 0; it must be above 0
    """

    max_body: int = 1 << 20
    """Bytes of a request (default 1048576); larger ones get 413."""
    max_prompt_tokens: int = 16384
    """Tokens of a prompt, or of a text to score, words of a text to tag, to summarize or to read
    for an answer (default 16384); longer ones get 413."""
    max_memory_tokens: int = 256
    """Tokens of a text in /v1/memory, whose words are left out one by one (default 256); longer
    ones get 413."""
    max_tokens: int = 2048
    """Tokens of a completion (default 2048)."""
    max_choices: int = 128
    """Completions in one request, prompts times n (default 128)."""
    max_answer: int = 1 << 18
    """Tokens in one answer that is not streamed, counting echoed tokens and every alternative of
    ``logprobs``; probabilities or tags in one answer of /v1/predict, numbers in one of
    /v1/embeddings, weights of attention in one of /v1/caption (default 262144)."""
    max_words: int = 100
    """Words in one answer of /v1/complete or /v1/similar, documents in one of /v1/rank (default
    100)."""
    max_texts: int = 1024
    """Texts in one request of /v1/predict, /v1/translate or /v1/embeddings, hypotheses in one of
    /v1/rescore, words in one of /v1/similar, replies or earlier turns in one of /v1/reply, pictures
    in one of /v1/caption (default 1024)."""
    max_explain: int = 4000
    """Characters of a request of /v1/predict that asks for explanations (default 4000); longer ones
    get 413."""
    max_translate: int = 2000
    """Characters of a text to translate (default 2000); longer ones get 413."""
    max_pixels: int = 1 << 24
    """Pixels of a picture in /v1/caption (default 16777216); larger ones are refused before they
    are decoded."""
    max_corrections: int = 64
    """Megabytes of the file of ``--corrections`` (default 64); once it is full, corrections get
    507."""
    max_stop: int = 16
    """Stop strings in one request, of at most 200 characters each (default 16)."""
    max_running: int = 64
    """Completions requests that run at once (default 64); more get 429."""
    max_waiting: int = 256
    """Other requests that run or wait at once (default 256); more get 429."""
    max_connections: int = 512
    """Open connections (default 512); more get 503."""
    sessions: int = 1000
    """Typing sessions that are kept (default 1000); the least recently used one goes first."""
    session_seconds: float = 900.0
    """Seconds after which an unused session is forgotten (default 900)."""
    session_megabytes: int = 256
    """Megabytes that all sessions may hold together (default 256)."""
    body_seconds: float = 10.0
    """Seconds in which a request has to arrive (default 10); slower ones get 408."""
    send_seconds: float = 30.0
    """Seconds that a client may leave part of an answer unread (default 30); then the connection is
    dropped.
    """
    request_seconds: float = 300.0
    """Seconds that answering may take (default 300); then the request gets 503."""
    drain_seconds: float = 30.0
    """Seconds that running requests get to finish after SIGTERM (default 30)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, value in self.to_json().items():
            if value <= 0:
                raise UsageError.of(name, value, "above 0")
