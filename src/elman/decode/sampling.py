"""Generating text: drawing the next token, and turning tokens into text.

sampler = make_sampler(temperature=0.8, top_k=40) for text in generate(model, "Once upon",
sampler=sampler, max_tokens=50, seed=1, stop=["\\n"]): ...
"""

import codecs
import math
from collections.abc import Callable, Collection, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from elman.decode.masking import Mask, guarded
from elman.decode.pieces import piece_index
from elman.decode.prompts import Consumed, read_prompt
from elman.errors import UsageError
from elman.models.protocol import LanguageModel
from elman.notation import LogProbs, TokenIds
from elman.text.tokenizer import EOS_ID, UNK_ID

Sampler = Callable[[LogProbs, np.random.Generator], TokenIds]
"""From log-probabilities ``[B, V]`` and a random generator to token ids ``[B]``."""

_Scores = NDArray[np.float64]
_IMPOSSIBLE = -1e30


def make_sampler(
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    min_p: float | None = None,
    banned: Collection[int] = (UNK_ID,),
) -> Sampler:
    """Build the rule that draws the next token.

    Banned tokens are removed first, so the filters always leave another token. Then ``temperature``
    divides the log-probabilities (0 = greedy: always the likeliest, the lowest id if equal),
    ``top_k`` keeps the k likeliest, ``top_p`` the fewest likeliest with at least this total
    probability (0: the likeliest alone), and ``min_p`` those that have at least this share of the
    likeliest one's probability (Nguyen et al. 2024, "Turning Up the Heat").

    >>> log_probs = np.log(np.array([[0.4, 0.1, 0.2, 0.3]], dtype=np.float32))
    >>> make_sampler(temperature=0)(log_probs, np.random.default_rng(0))
    array([3])

    Raises:
        UsageError: a value that is out of range.
    """
    if not (math.isfinite(temperature) and temperature >= 0):
        raise UsageError.of("temperature", temperature, "0 (always the likeliest) or more, like 0.8")
    if top_k is not None and top_k < 1:
        raise UsageError.of("top_k", top_k, "1 or more, or left out to allow every token")
    if top_p is not None and not 0 <= top_p <= 1:
        raise UsageError.of("top_p", top_p, "0 to 1 (0: the likeliest token, 1: every token)")
    if min_p is not None and not 0 <= min_p <= 1:
        raise UsageError.of("min_p", min_p, "0 to 1 (0: every token, 1: the likeliest token)")
    barred = np.array(sorted(banned), dtype=np.int64)

    def allowed(log_probs: LogProbs) -> _Scores:
        # Impossible tokens stay above banned ones: if nothing likely is left, a token that is not
        # banned is drawn.
        scores = np.maximum(log_probs.astype(np.float64), _IMPOSSIBLE)
        scores[np.isnan(log_probs)] = -np.inf
        scores[:, barred] = -np.inf
        return scores

    if temperature == 0:
        return lambda log_probs, rng: allowed(log_probs).argmax(axis=1)

    filters: list[Callable[[_Scores], _Scores]] = []
    if top_k is not None:
        filters.append(lambda scores: _keep_top_k(scores, top_k))
    if top_p is not None and top_p < 1:
        filters.append(lambda scores: _keep_top_p(scores, top_p))
    if min_p:
        filters.append(lambda scores: np.where(scores >= math.log(min_p), scores, -np.inf))

    def sample(log_probs: LogProbs, rng: np.random.Generator) -> TokenIds:
        scores = allowed(log_probs)
        scores -= scores.max(axis=1, keepdims=True)
        with np.errstate(over="ignore"):
            scores /= temperature
        for keep in filters:
            scores = keep(scores)
        heights = np.exp(scores).cumsum(axis=1)
        drawn = rng.random((len(heights), 1)) * heights[:, -1:]
        return (heights <= drawn).sum(axis=1)

    return sample


def _keep_top_k(scores: _Scores, top_k: int) -> _Scores:
    size = scores.shape[1]
    if top_k >= size:
        return scores
    least = np.partition(scores, size - top_k, axis=1)[:, size - top_k, None]
    above, equal = scores > least, scores == least
    missing = top_k - above.sum(axis=1, keepdims=True)
    return np.where(above | (equal & (equal.cumsum(axis=1) <= missing)), scores, -np.inf)


def _keep_top_p(scores: _Scores, top_p: float) -> _Scores:
    order = np.argsort(-scores, axis=1, kind="stable")
    probs = np.exp(np.take_along_axis(scores, order, axis=1))
    before = probs.cumsum(axis=1) - probs
    keep = np.zeros(scores.shape, dtype=bool)
    fewest = before < top_p * probs.sum(axis=1, keepdims=True)
    fewest[:, 0] = True
    np.put_along_axis(keep, order, fewest, axis=1)
    return np.where(keep, scores, -np.inf)


def check_repetition_penalty(penalty: float) -> None:
    """Check the penalty of ``penalise_repetition``.

    Raises:
        UsageError: it is not above 0.
    """
    if not (math.isfinite(penalty) and penalty > 0):
        raise UsageError.of("repetition_penalty", penalty, "above 0 (1 changes nothing, 1.2 repeats less)")


def penalise_repetition(log_probs: LogProbs, seen: Collection[int], penalty: float) -> LogProbs:
    """Log-probabilities ``[B, V]`` in which tokens that the text has already are less likely.

    Keskar et al. 2019 ("CTRL") divide the scores of these tokens by ``penalty``. As in other
    libraries, scores below 0 are multiplied instead, which log-probabilities always are.

    >>> penalise_repetition(np.log(np.array([[0.25, 0.75]])), {0}, 2.0).round(3)
    array([[-2.773, -0.288]])
    """
    if penalty == 1 or not seen:
        return log_probs
    penalised = log_probs.copy()
    penalised[:, list(seen)] *= penalty
    return penalised


def generate(
    model: LanguageModel,
    prompt_text: str = "",
    *,
    sampler: Sampler,
    max_tokens: int,
    seed: int = 0,
    stop: Sequence[str] = (),
    repetition_penalty: float = 1.0,
    mask: Mask | None = None,
) -> Iterator[str]:
    """Continue a prompt: text piece by piece, exactly what follows the prompt's last character.

    A line end comes as "\\n". Characters are never cut; bytes that form none become U+FFFD, and an
    unfinished character at the very end is left out. The text ends before the first of the ``stop``
    strings, which may lie across tokens, or after ``max_tokens`` tokens. The same seed gives the
    same text. ``repetition_penalty`` is for tokens of the prompt and of the text so far. Words that
    a ``mask`` hides are never written.

    >>> from elman.models.ngram.query import fit_ngram
    >>> from elman.text.tokenizer import Tokenizer, TokenizerConfig
    >>> words = Tokenizer.fit(["the cat sat"], config=TokenizerConfig(min_count=1))
    >>> ids = np.array([*words.encode("the cat sat").ids, EOS_ID] * 9)
    >>> model = fit_ngram(ids, np.array([0, len(ids)]), words)
    >>> greedy = make_sampler(temperature=0)
    >>> "".join(generate(model, "the", sampler=greedy, max_tokens=9, stop=["\\n"]))
    ' cat sat'

    Raises:
        UsageError: a negative number of tokens, an empty stop string, or no such penalty.
    """
    if max_tokens < 0:
        raise UsageError.of("max_tokens", max_tokens, "0 or more")
    if not all(stop):
        raise UsageError("a stop string is empty; leave it out, or give the text to stop at")
    check_repetition_penalty(repetition_penalty)
    prompt, rng = read_prompt(model, prompt_text), np.random.default_rng(seed)
    tokens = _tokens(model, prompt, sampler, max_tokens, rng, repetition_penalty, mask)
    pieces = until(stop, whole_characters(tokens))
    return pieces if mask is None else guarded(pieces, mask, prompt.line + prompt.typed.decode())


def _tokens(
    model: LanguageModel,
    prompt: Consumed,
    sampler: Sampler,
    max_tokens: int,
    rng: np.random.Generator,
    repetition_penalty: float,
    mask: Mask | None,
) -> Iterator[bytes]:
    state, line = prompt.state, prompt.line.encode() + prompt.typed
    given = len(line)
    seen = set(prompt.ids.tolist())
    # The reader already has a typed space, and there is none to show before a line's first token.
    writer = model.tokenizer.writer(line_start=prompt.line_start or bool(prompt.typed), after=prompt.line)
    begun = piece_index(model.tokenizer).starting_with(prompt.typed) if prompt.typed else None
    for _ in range(max_tokens):
        log_probs = penalise_repetition(model.log_probs(state), seen, repetition_penalty)
        if begun is not None:
            fitting = np.full_like(log_probs, -np.inf)
            fitting[:, begun] = log_probs[:, begun]
            log_probs = fitting
        if mask is not None:
            log_probs = forbidden(log_probs, mask.banned(line, given))
        ids = sampler(log_probs, rng)
        token = int(ids[0])
        data = writer.write(token)
        yield data
        line, given = (b"", 0) if token == EOS_ID else (line + data, given)
        begun = None
        seen.add(token)
        state = model.advance(ids, state)


def forbidden(log_probs: LogProbs, tokens: TokenIds) -> LogProbs:
    """Log-probabilities ``[B, V]`` that forbid some tokens: samplers never draw where there is no
    number, however unlikely everything else is."""
    if len(tokens):
        log_probs = log_probs.copy()
        log_probs[:, tokens] = np.nan
    return log_probs


def whole_characters(pieces: Iterator[bytes]) -> Iterator[str]:
    """Decode bytes as text, each character as soon as it is complete.

    >>> list(whole_characters(iter([b"caf", b"\\xc3", b"\\xa9!"])))
    ['caf', 'é!']
    """
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    for piece in pieces:
        text = decoder.decode(piece)
        if text:
            yield text


def until(stop: Sequence[str], pieces: Iterator[str]) -> Iterator[str]:
    """Text up to the first stop string; a possible beginning of one is held back.

    >>> list(until(["END"], iter(["the E", "N", "emy", " EN", "D of"])))
    ['the ', 'ENemy', ' ']
    """
    held = ""
    for piece in pieces:
        held += piece
        starts = [start for start in map(held.find, stop) if start >= 0]
        if starts:
            if min(starts):
                yield held[: min(starts)]
            return
        keep = max((_overlap(held, text) for text in stop), default=0)
        if keep < len(held):
            yield held[: len(held) - keep]
        held = held[len(held) - keep :]
    if held:
        yield held


def _overlap(text: str, stop: str) -> int:
    """The number of characters at the end of a text that begin a stop string."""
    longest = min(len(text), len(stop) - 1)
    return next((length for length in range(longest, 0, -1) if text.endswith(stop[:length])), 0)
