"""The keyboards of a server: its models, alone or side by side, and the words that users taught
it."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from elman.apps.keyboard.keyboard import Keyboard
from elman.apps.keyboard.keyboard_model import KeyboardModel
from elman.apps.keyboard.learned_words import MOST, LearnedWord, LearnedWords
from elman.decode.prompt_state import whole_words
from elman.errors import StorageError, UsageError
from elman.serve.abilities import ContinuesText
from elman.serve.batching import Batched
from elman.serve.errors import Problem
from elman.serve.limits import Limits
from elman.serve.sessions import SessionReader, Sessions

_OF_A_SESSION = 1000
"""Words that one session may teach."""
_KEPT = 64


class _Own(NamedTuple):
    """The words of a session."""

    words: LearnedWords
    used: float


class Keyboards:
    """Learned words are those of the file given at the start, the same for all clients; without
    one, each session has its own in memory, for the models that have words, for as long as it is
    used.

    Raises:
        UsageError: there is no folder for the file to be in, or a model of ``served`` has no words.
        TextError: the file holds something else.
    """

    def __init__(
        self,
        learned: Path | None,
        limits: Limits,
        served: Iterable[ContinuesText],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        served = list(served)
        if learned is not None:
            _check(learned, served)
        self._file, self._limits, self._clock = learned, limits, clock
        # Words are replaced, never changed: who has them may go on reading.
        self._shared = None if learned is None else LearnedWords.read(learned)
        self._own: OrderedDict[str, _Own] = OrderedDict()
        self._made: OrderedDict[tuple[bool | str | None, ...], Keyboard] = OrderedDict()
        self._lock = threading.Lock()
        """Held for moments only: the event loop waits for it."""
        self._changing = threading.Lock()
        """Held while words change, in the file too; always before the other lock."""
        for each in filter(_has_words, served):
            # The first people to type shall not all wait for, and build, the indexes of typos and
            # names.
            self.keyboard([each], None).complete("a teh")

    def keyboard(self, served: Sequence[ContinuesText], session: str | None, *, typos: bool | None = None) -> Keyboard:
        """A keyboard of models side by side, with the words of a session.

        Raises:
            UsageError: models that have no words.
        """
        key = typos, *(each.name for each in served)
        with self._lock:
            if key not in self._made:
                parts = [KeyboardModel(each.model.lm, each.model.speller) for each in served]
                self._made[key] = Keyboard(parts, typos=typos)
                if len(self._made) > _KEPT:
                    self._made.popitem(last=False)
            made = self._made[key]
        learned = self._kept(session, used=True)
        return made.with_learned(learned) if learned and all(map(_has_words, served)) else made

    def learn(self, keyboard: Keyboard, text: str, session: str | None) -> tuple[list[str], int]:
        """Learn the words of a text; returns them, and how many words there are now.

        Raises:
            Problem: neither a file nor a session keeps them, or the file cannot be written.
        """
        if self._shared is None and session is None:
            raise Problem(
                422, "learned words belong to a session here; name one, or start the server with --learned FILE",
                param="session",
            )  # fmt: skip
        most = MOST if self._shared is not None else _OF_A_SESSION
        fresh = LearnedWords(most=most)
        found = keyboard.with_learned(fresh).learn(text)
        with self._changing:
            kept = self._kept(session, used=True)
            words = LearnedWords(most=most) if kept is None else kept.copy()
            if found:
                words.add(fresh)
                self._keep(session, words)
            return found, len(words)

    def words(self, session: str | None) -> list[LearnedWord]:
        """The learned words of a session, the most frequent first; none of no session."""
        return sorted(self._kept(session) or (), key=lambda each: -each.count)

    def forget(self, session: str | None, word: str | None = None) -> int:
        """Erase a word, or all; returns how many there were.

        Raises:
            Problem: the file cannot be written.
        """
        with self._changing:
            kept = self._kept(session)
            if kept is None:
                return 0
            words = kept.copy()
            found = len(words) if word is None else int(words.forget(word))
            if word is None:
                words.clear()
            if found:
                self._keep(session, words)
            return found

    def end_session(self, session: str) -> bool:
        """Erase what a session has learned; returns whether there was something."""
        if self._shared is not None:
            return False
        with self._changing, self._lock:
            return self._own.pop(session, None) is not None

    def forget_old(self) -> None:
        """Erase what sessions have learned that have not been used for long."""
        before = self._clock() - self._limits.session_seconds
        with self._lock:
            while self._own and next(iter(self._own.values())).used < before:
                self._own.popitem(last=False)

    def _kept(self, session: str | None, *, used: bool = False) -> LearnedWords | None:
        if self._shared is not None or session is None:
            return self._shared
        with self._lock:
            own = self._own.get(session)
            if own is not None and used:
                self._own[session] = own._replace(used=self._clock())
                self._own.move_to_end(session)
            return own.words if own is not None else None

    def _keep(self, session: str | None, words: LearnedWords) -> None:
        if self._file is None:
            with self._lock:
                self._own.pop(session or "", None)
                if len(words):
                    self._own[session or ""] = _Own(words, self._clock())
                if len(self._own) > self._limits.sessions:
                    self._own.popitem(last=False)
            return
        try:
            words.write(self._file)
        except StorageError:
            # The path is nobody's business who may only type.
            raise Problem(507, "the words could not be saved: the file cannot be written", code="not_saved") from None
        self._shared = words


def _check(learned: Path, served: Iterable[ContinuesText]) -> None:
    if not learned.parent.is_dir():
        raise UsageError(f"--learned is {learned}, and there is no folder {learned.parent}; make it first")
    for each in served:
        if not _has_words(each):
            raise UsageError(
                f"--learned is for models of words, and {each.name} has {each.model.lm.tokenizer.config.level} tokens; "
                "train it with --level word, or serve it apart"
            )


def _has_words(served: ContinuesText) -> bool:
    return whole_words(served.model.lm.tokenizer)


@contextmanager
def readers(
    models: Sequence[Batched], served: Sequence[ContinuesText], sessions: Sessions, name: str | None, *, wait: bool
) -> Iterator[list[SessionReader] | None]:
    """The models as one client's session remembers them; None if it is busy and ``wait`` is not
    given."""
    if name is None:
        yield [sessions.new().reader(model) for model in models]
        return
    own = [sessions.get(each.name, name) for each in served]
    with ExitStack() as stack:
        # In one order, so that no two requests wait for each other.
        for place in sorted(range(len(own)), key=lambda place: served[place].name):
            if not own[place].lock.acquire(blocking=wait):
                yield None
                return
            stack.callback(own[place].lock.release)
        yield [session.reader(model) for session, model in zip(own, models, strict=True)]
    for each, session in zip(served, own, strict=True):
        sessions.settle(each.name, name, session)
