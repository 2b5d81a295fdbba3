"""Results by the text that they were computed from, without a copy of the text."""

import hashlib
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class TextCache(Generic[T]):
    """Keeps the ``most`` latest results. Texts are what somebody types: only their hashes are kept,
    by a key that ends with the process. Threads may share it.

    >>> cache: TextCache[int] = TextCache(most=2)
    >>> cache.get("the cat", lambda: 7), cache.get("the cat", lambda: 8)
    (7, 7)
    """

    def __init__(self, *, most: int = 4096) -> None:
        self._most, self._key = most, secrets.token_bytes(16)
        self._results: OrderedDict[bytes, T] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, text: str | bytes, compute: Callable[[], T]) -> T:
        """The result of a text, computed where it is not kept."""
        data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
        digest = hashlib.blake2b(data, key=self._key, digest_size=16).digest()
        with self._lock:
            if digest in self._results:
                return self._results[digest]
        # Two threads may compute the same: that is cheaper than waiting for each other's models.
        result = compute()
        with self._lock:
            self._results[digest] = result
            if len(self._results) > self._most:
                self._results.popitem(last=False)
        return result
