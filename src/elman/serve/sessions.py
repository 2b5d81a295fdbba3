"""Typing sessions: the states of a text are kept, so that the next key costs next to nothing.

A session is a tree of token prefixes. The state after each typed token stays, so a key costs at
most one model step: none while a word is incomplete, none for backspace, none when the cursor goes
back into the text. Of a text that comes all at once every 32nd state stays, and the tokens between
are read again in one call; or one token after another where several at once would give different
last bits (networks that torch computes, alone or in a mixture).

A session never changes an answer, only how soon it comes. Sessions end by themselves: unused for a
while, or when too many or too large.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.models.protocol import State
from elman.notation import Lengths, LogProbs, TokenIds
from elman.serve.batching import Batched
from elman.serve.errors import Problem
from elman.serve.limits import Limits

_GAP = 32
_TYPED = 4
"""Up to this many new tokens count as typed, and each state stays."""
_TABLES = 8
"""Most prefixes whose probabilities are kept."""
_PLACE_BYTES = 400
_PLACES = 4


class _Place:
    """A prefix: all tokens from the root to here."""

    __slots__ = ("depth", "log_probs", "next", "state")

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.next: dict[int, _Place] = {}
        self.state: State | None = None
        self.log_probs: LogProbs | None = None


class Session:
    """One client's typing to one model.

    Args:
        room: bytes of states to keep; the latest always stays.
        longest: most tokens of a prompt.
    """

    def __init__(self, *, room: int, longest: int) -> None:
        self.lock = threading.Lock()
        """Held while a request uses the session."""
        self.used = 0.0
        self._room, self._longest = room, longest
        self._clear()

    def _clear(self) -> None:
        self._root = _Place(0)
        self._last: tuple[_Place, Sequence[int], _Place] = self._root, (), self._root
        self._places = 1
        self._states: OrderedDict[_Place, int] = OrderedDict()
        self._tables: OrderedDict[_Place, None] = OrderedDict()
        self._state_bytes = 0

    @property
    def bytes(self) -> int:
        """Its bytes, roughly."""
        tables = sum(place.log_probs.nbytes for place in list(self._tables) if place.log_probs is not None)
        return self._state_bytes + tables + self._places * _PLACE_BYTES

    def reader(self, model: Batched) -> "SessionReader":
        """The model for one request, which reads prompts with the kept states of the client's
        text."""
        if self._places > _PLACES * self._longest:
            self._clear()
        return SessionReader(self, model)

    @property
    def root(self) -> _Place:
        """Nothing read."""
        return self._root

    def read(self, model: Batched, begin: _Place, state: State, tokens: Sequence[int]) -> tuple[_Place, State]:
        """The place after more tokens than ``begin``, whose state is given, and the state there.

        Raises:
            Problem: the prompt is too long.
        """
        if begin.depth + len(tokens) > self._longest:
            raise too_long(self._longest)
        # Most keys go on where the key before was.
        last_begin, last_tokens, last_place = self._last
        place, begun = begin, 0
        if last_place.state is not None and last_begin is begin and tokens[: len(last_tokens)] == last_tokens:
            place, state, begun = last_place, last_place.state, len(last_tokens)
        found = self._walk(model, place, state, tokens[begun:])
        self._last = begin, tokens, found[0]
        return found

    def _walk(self, model: Batched, begin: _Place, state: State, tokens: Sequence[int]) -> tuple[_Place, State]:
        path = [begin]
        for token in tokens:
            following = path[-1].next.get(token)
            if following is None:
                following = path[-1].next[token] = _Place(path[-1].depth + 1)
                self._places += 1
            path.append(following)
        known = next((place for place in range(len(path) - 1, 0, -1) if path[place].state is not None), 0)
        state = path[known].state or state
        self._touch(path[known])
        last = len(path) - 1
        gap = 1 if last - known <= _TYPED or not model.stepwise else _GAP
        while known < last - 1:
            end = min(last - 1, known - path[known].depth % gap + gap)
            ids = np.array([tokens[known:end]], dtype=np.int64)
            if end - known == 1:
                state = model.advance(ids[0], state)
            else:
                _, state = model.score(ids, np.array([end - known]), state)
            self._keep(path[end], state)
            known = end
        if known < last:
            state, log_probs = model.step(state, np.array([tokens[known]], dtype=np.int64))
            self._keep(path[last], state)
            self._keep_table(path[last], log_probs)
        return path[last], state

    def has_room(self, place: _Place) -> bool:
        """Whether one more token may be read."""
        return place.depth < self._longest

    def log_probs(self, model: Batched, place: _Place, state: State) -> LogProbs:
        """The probabilities after a place whose state is given."""
        if place.log_probs is None:
            self._keep_table(place, model.step(state)[1])
        else:
            self._tables.move_to_end(place)
        assert place.log_probs is not None
        return place.log_probs

    def _touch(self, place: _Place) -> None:
        if place in self._states:
            self._states.move_to_end(place)

    def _keep(self, place: _Place, state: State) -> None:
        place.state = state
        self._states[place] = sum(part.nbytes for part in state.parts.values())
        self._state_bytes += self._states[place]
        while self._state_bytes > self._room and len(self._states) > 1:
            oldest, size = self._states.popitem(last=False)
            oldest.state = None
            self._state_bytes -= size

    def _keep_table(self, place: _Place, log_probs: LogProbs) -> None:
        log_probs.flags.writeable = False
        place.log_probs = log_probs
        self._tables[place] = None
        while len(self._tables) > _TABLES:
            self._tables.popitem(last=False)[0].log_probs = None


class SessionReader:
    """A LanguageModel that remembers prompts: text read from the start is looked up in a session
    first.

    Its ``score`` of remembered text gives only states; the scores are NaN.
    """

    def __init__(self, session: Session, model: Batched) -> None:
        self._session, self._model = session, model
        self.tokenizer = model.tokenizer
        self.batchable, self.exact, self.forgets_lines = model.batchable, model.exact, model.forgets_lines
        # States given to this request, kept alive so that they can be recognised by identity.
        self._given: dict[int, tuple[State, _Place]] = {}

    @property
    def model_hash(self) -> str:
        return self._model.model_hash

    def start(self, batch: int = 1) -> State:
        return self._give(self._session.root, self._model.start()) if batch == 1 else self._model.start(batch)

    def log_probs(self, state: State) -> LogProbs:
        known = self._given.get(id(state))
        return self._model.log_probs(state) if known is None else self._session.log_probs(self._model, known[1], state)

    def advance(self, ids: TokenIds, state: State) -> State:
        known = self._given.get(id(state))
        if known is None or not self._session.has_room(known[1]):
            return self._model.advance(ids, state)
        # Where a sentence begins, each key of its first word asks for what follows a line's end.
        return self._give(*self._session.read(self._model, known[1], state, ids.tolist()))

    def score(self, ids: TokenIds, lengths: Lengths, state: State) -> tuple[LogProbs, State]:
        known = self._given.get(id(state))
        if known is None:
            return self._model.score(ids, lengths, state)
        place, after = self._session.read(self._model, known[1], state, ids[0, : int(lengths[0])].tolist())
        return _no_scores(np.shape(ids)), self._give(place, after)

    def features(self, state: State) -> NDArray[np.float32] | None:
        return self._model.features(state)

    def describe(self) -> dict[str, Any]:
        return self._model.describe()

    def _give(self, place: _Place, state: State) -> State:
        self._given[id(state)] = state, place
        return state


def _no_scores(shape: tuple[int, ...]) -> LogProbs:
    return np.broadcast_to(np.float32(np.nan), shape)


class Sessions:
    """All sessions of a server, by model and by the name that the client chose."""

    def __init__(self, limits: Limits, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits, self._clock = limits, clock
        self._room = limits.session_megabytes << 20
        self._lock = threading.Lock()
        self._sessions: OrderedDict[tuple[str, str], Session] = OrderedDict()
        self._sizes: dict[tuple[str, str], int] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    @property
    def bytes(self) -> int:
        """Their bytes together, roughly."""
        with self._lock:
            return sum(self._sizes.values())

    def new(self) -> Session:
        """A session without a name."""
        return Session(room=self._room // 4, longest=self._limits.max_prompt_tokens)

    def get(self, model: str, name: str) -> Session:
        """The session of that name, new if need be."""
        with self._lock:
            self._forget_old()
            session = self._sessions.pop((model, name), None) or self.new()
            session.used = self._clock()
            self._sessions[model, name] = session
            while len(self._sessions) > self._limits.sessions:
                self._drop(next(iter(self._sessions)))
            return session

    def settle(self, model: str, name: str, session: Session) -> None:
        """Measure a session after a request, and make room if it holds too much."""
        with self._lock:
            if self._sessions.get((model, name)) is not session:
                return
            self._sizes[model, name] = session.bytes
            total = sum(self._sizes.values())
            while total > self._room and len(self._sessions) > 1:
                oldest = next(iter(self._sessions))
                total -= self._sizes.get(oldest, 0)
                self._drop(oldest)

    def forget(self, name: str) -> bool:
        """End the sessions of that name with every model; returns whether there was one."""
        with self._lock:
            found = [key for key in self._sessions if key[1] == name]
            for key in found:
                self._drop(key)
            return bool(found)

    def forget_old(self) -> None:
        """End those that have not been used for long."""
        with self._lock:
            self._forget_old()

    def _forget_old(self) -> None:
        before = self._clock() - self._limits.session_seconds
        while self._sessions and next(iter(self._sessions.values())).used < before:
            self._drop(next(iter(self._sessions)))

    def _drop(self, key: tuple[str, str]) -> None:
        del self._sessions[key]
        self._sizes.pop(key, None)


def too_long(limit: int, *, param: str = "prompt") -> Problem:
    """For a text of more tokens than the server reads."""
    return Problem(
        413, f"the text has more than {limit} tokens, which is all this server reads at once; send the last part of it",
        param=param, code="prompt_too_long",
    )  # fmt: skip
