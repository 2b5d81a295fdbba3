"""Fits adaptations - dynamic evaluation, mixture, cache, temperature - on a text set aside for
that.

All except the temperature end in a sum: shares of the network, of other models and of the cache. So
each part's probability of every token of the tuning text is computed once, and the shares are found
by expectation maximisation over all parts together; only parameters inside a part (the cache's
theta, the learning rate) are searched for.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.decode.rows import CHUNK
from elman.decode.scoring import Context, token_log_probs, token_stream
from elman.errors import ModelError
from elman.evaluation.dynamic_trials import DynamicTrials, scores_of
from elman.evaluation.line_search import climb, lowest
from elman.models.cache import NeuralCache, cache_log_probs
from elman.models.combine import Mixture, fit_weights
from elman.models.protocol import LanguageModel
from elman.models.registry import entry, kind_of
from elman.models.temperature import Tempered, log_sum
from elman.models.trace import trace
from elman.notation import TokenIds
from elman.progress import Progress
from elman.system.machine import require_torch, tune_allocator
from elman.text.store import Text

PIECE = 50_000
"""Tokens of the tuning text that are used; more would hardly change the result."""
_LEARNING_PIECE = 15_000
"""The last tokens, on which dynamic evaluation is tried. The usual size of gradients is measured on
the tokens before them: measured on the same text, it favours rates that ruin the network on another
text."""
_SEARCH_PIECE = 30_000
"""Tokens on which the cache's theta and recency are searched for."""
_TEMPERATURE_PIECE = 8_000
"""Tokens on which the temperature is searched for: each needs the probabilities of all types."""

BPTT = 20
"""Tokens of a segment of dynamic evaluation."""
WINDOW = 2000
"""Tokens that the cache remembers; its recency says how many of them count."""
_RATE, _DECAY = 1e-4, 0.002
_RATES, _DECAYS = (1e-6, 4e-3), (5e-4, 0.1)
"""Limits of the search: a higher rate helps on the text it is fitted to and ruins the network on
the next."""
_LIKENESS, _RECENCY = 12.0, 0.004
"""Where the searches begin: values that suited networks of several sizes on the Penn Treebank's
validation text."""

Adapted = tuple[LanguageModel, dict[str, Any]]
"""An adapted model, and its fitted parameters as JSON values."""


class Followed(NamedTuple):
    """A model's results on the tuning text."""

    log_probs: NDArray[np.float64]
    """Of each token, ``[N]`` (nats)."""
    features: list[NDArray[np.float32]] | None
    """For each stretch without a fresh start, the hidden vectors before its tokens, ``[n, H]``."""


class Tuning:
    """A tuning text and each model's results on it, computed once.

    Args:
        model: the model to adapt.
        others: the models to mix in.
        text: at most its first 50,000 tokens or so are used.
        context: as the adapted model will be used.

    Raises:
        ModelError: the models' types differ.
        TextError: an empty text.
    """

    def __init__(
        self,
        model: LanguageModel,
        others: Sequence[LanguageModel],
        text: Text,
        *,
        context: Context,
        progress: Progress,
    ) -> None:
        self.model = model
        self.others = tuple(others)
        Mixture([model, *others])
        self.text = text
        self.context: Context = context
        self.progress = progress
        self.lines, self.stretches = _beginning(model, text, context)
        self.tokens = sum(map(len, self.stretches))
        """The number of tokens used."""
        self._followed: dict[str, Followed] = {}
        self._cut = self.tokens - min(_LEARNING_PIECE, self.tokens // 2)
        self._learning: tuple[LanguageModel, NDArray[np.float64]] | None = None

    def adapted(
        self, *, mix: bool = False, cache: bool = False, dynamic: bool = False, temperature: bool = False
    ) -> Adapted:
        """The model with the given adaptations, fitted to the tuning text.

        Raises:
            ModelError: dynamic evaluation of a model that is not a network, or too little text.
        """
        learning = [self._dynamic()[0]] if dynamic else []
        # The static network comes first and keeps a share: the cache compares its hidden vectors,
        # which keep their meaning, and learning the wrong thing cannot cost much.
        models = [self.model, *learning, *(self.others if mix else ())]
        facts: dict[str, Any] = {}
        for each in learning:
            facts["dynamic"] = {name: getattr(each, name) for name in ("rate", "decay", "floor", "bptt")}
        found, weights, cached = self._summed(models, cache=cache)
        if len(models) > 1:
            facts["mixture"] = {"models": [model.describe()["name"] for model in models], "weights": weights}
        if cached:
            facts["cache"] = cached
        if temperature:
            found, facts["temperature"] = self._tempered(found)
        self.progress.say(f"fitted: {_spelled(facts)}")
        return found, {**facts, "tuned_on": self.text.sha256, "tuned_tokens": self.tokens, "context": self.context}

    def check_learns(self) -> None:
        """Raise unless the model can keep learning.

        Raises:
            ModelError: it is no network.
            MissingExtra: torch is not installed.
        """
        kind = kind_of(self.model)
        if getattr(self.model, "rounded", False):
            require_torch()
            raise ModelError("dynamic evaluation needs a network with its own weights; load it with torch=True")
        if not entry(kind).learns:
            raise ModelError(f"dynamic evaluation needs a network; this model is of kind {kind}: leave it out")

    def _summed(
        self, models: Sequence[LanguageModel], *, cache: bool
    ) -> tuple[LanguageModel, list[float], dict[str, float] | None]:
        """The models as one, with their shares; with a cache around them, also its fitted
        parameters."""
        learning, found = self._learning, [self._follow(models[0], features=cache)]
        parts = [found[0].log_probs]
        for model in models[1:]:
            adapts = learning is not None and model is learning[0]
            parts.append(learning[1] if learning and adapts else self._follow(model, features=False).log_probs)
        # Dynamic evaluation was tried on the last part only.
        there = ~np.isnan(np.sum(parts, axis=0))
        if not cache:
            weights = shares([part[there] for part in parts]) if len(parts) > 1 else [1.0]
            return _mixture(models, weights), weights, None
        keys = found[0].features
        options = self._cache_options(keys, [part for part in parts if not np.isnan(part[0])])
        cached = self._cached(keys, len(parts[0]), **options)
        there &= ~np.isnan(cached)
        *others, share = shares([*(part[there] for part in parts), cached[there]])
        weights = [each / sum(others) for each in others]
        found = NeuralCache(_mixture(models, weights), share=share, **options)
        return found, weights, {"share": share, **options}

    def _cache_options(
        self, keys: list[NDArray[np.float32]] | None, parts: list[NDArray[np.float64]]
    ) -> dict[str, Any]:
        """Theta and recency, searched for on the beginning of the text."""
        some = min(self.tokens, _SEARCH_PIECE)
        begin = [part[:some] for part in parts]

        def cost(theta: float, recency: float) -> float:
            cached = self._cached(keys, some, theta=theta, recency=recency, window=WINDOW)
            there = ~np.isnan(cached)
            own = np.stack([*(part[there] for part in begin), cached[there]])
            weights = fit_weights(list(own), tolerance=1e-5)
            with np.errstate(divide="ignore"):
                return -float(np.logaddexp.reduce(own + np.log(weights)[:, None]).mean())

        theta, recency = 0.0, _RECENCY
        with self.progress.stage("fitting the cache", unit="trials") as advance:

            def told(value: float) -> float:
                advance(1)
                return value

            if keys is not None:
                # Hidden vectors differ in size; what counts is the weight of similarity
                # at most.
                size = float(np.mean([np.square(each).sum(axis=1).mean() for each in keys]))
                theta = climb(lambda value: told(cost(value, recency)), _LIKENESS / max(size, 1e-6), factor=1.4)
            recency = climb(lambda value: told(cost(theta, value)), recency, factor=1.7)
        return {"theta": theta, "recency": recency, "window": WINDOW}

    def _cached(self, keys: list[NDArray[np.float32]] | None, tokens: int, **options: Any) -> NDArray[np.float64]:
        """A cache's log-probabilities of the first ``tokens`` tokens; NaN where the cache is still
        empty."""
        found, done = [], 0
        for place, ids in enumerate(self.stretches):
            ids = ids[: tokens - done]
            seen = np.zeros((len(ids), 0), np.float32) if keys is None else keys[place][: len(ids)]
            found.append(cache_log_probs(seen, ids, first=0, **options))
            done += len(ids)
            if done == tokens:
                break
        return np.concatenate(found)

    def _dynamic(self) -> tuple[LanguageModel, NDArray[np.float64]]:
        """The network with a fitted rate and decay, and its log-probabilities of the last part (NaN
        before it); fitted once."""
        if self._learning is None:
            self.check_learns()
            self._learning = self._fitted_dynamic()
        return self._learning

    def _fitted_dynamic(self) -> tuple[LanguageModel, NDArray[np.float64]]:
        from elman.models.dynamic import DynamicEvaluation, gradient_rms

        tune_allocator()
        whole, cut = np.concatenate(self.stretches), self._cut
        with self.progress.stage("measuring gradients", total=self.tokens + cut, unit="tokens") as advance:
            before, rms = (
                gradient_rms(self.model, ids, bptt=BPTT, advance=advance)  # type: ignore[arg-type]
                for ids in (whole[:cut], whole)
            )
        last = list(_after(self.stretches, cut))
        trials = DynamicTrials(last, self.progress)

        def made(rate: float, decay: float, rms: NDArray[np.float32] = before) -> LanguageModel:
            return DynamicEvaluation(self.model, rms, rate=rate, decay=decay, bptt=BPTT)  # type: ignore[arg-type]

        rate = climb(lambda value: trials.cost(made(value, _DECAY), f"rate {value:g}"), _RATE, factor=2, within=_RATES)
        decay = climb(
            lambda value: trials.cost(made(rate, value), f"decay {value:g}"), _DECAY, factor=3, within=_DECAYS
        )
        said = np.full(self.tokens, np.nan)
        said[cut:] = np.concatenate(list(scores_of(made(rate, decay), last)))
        return made(rate, decay, rms), said

    def _tempered(self, model: LanguageModel) -> tuple[LanguageModel, float]:
        logs = np.linspace(-0.4, 0.4, 17)
        costs, done = np.zeros(len(logs)), 0
        width = max((1 << 22) // model.tokenizer.size, 1)
        some = min(self.tokens, _TEMPERATURE_PIECE)
        with self.progress.stage("fitting the temperature", total=some, unit="tokens") as advance:
            for ids in self.stretches:
                state = model.start()
                for start in range(0, min(len(ids), some - done), width):
                    part = ids[None, start : start + width]
                    found = trace(model, part, np.array([part.shape[1]]), state, whole=True)
                    assert found.log_probs is not None
                    costs += tempered_nats(found.log_probs[0], part[0], np.exp(logs))
                    state = found.state
                    advance(part.shape[1])
                done += len(ids)
                if done >= some:
                    break
        temperature = float(np.exp(lowest(logs, costs)))
        return Tempered(model, temperature=temperature), temperature

    def _follow(self, model: LanguageModel, *, features: bool) -> Followed:
        known = self._followed.get(model.model_hash)
        if known is None or (features and known.features is None):
            name = model.describe()["name"]
            with self.progress.stage(f"reading the tuning text ({name})", total=self.tokens, unit="tokens") as advance:
                if features:
                    known = _trace_all(model, self.stretches, advance)
                else:
                    stream = token_stream(model.tokenizer, self.lines, context=self.context)
                    known = _untraced(token_log_probs(model, stream), advance)
            if len(known.log_probs) != self.tokens:
                raise ModelError(
                    f"the models cut the tuning text into {self.tokens} and {len(known.log_probs)} tokens; "
                    "only models with the same tokens can be mixed"
                )
            self._followed[model.model_hash] = known
        return self._followed[model.model_hash]


def shares(parts: Sequence[NDArray[np.float64]]) -> list[float]:
    """The mixture weights of parts that gave each token these log-probabilities ``[N]``, none of
    them 0.

    By EM, as if each part alone had predicted one more token: a part that never helped on a short
    text may help on another and must not be ruled out.

    >>> [round(share, 3) for share in shares([np.log([0.5] * 8), np.log([0.1] * 8)])]
    [0.9, 0.1]
    """
    tokens = len(parts[0])
    return ((fit_weights(parts) * tokens + 1) / (tokens + len(parts))).tolist()


def tempered_nats(
    log_probs: NDArray[np.float32], ids: TokenIds, temperatures: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The cost of ``ids[N]`` at each temperature, given ``log_probs[N, V]`` at temperature 1
    (nats).

    >>> tempered_nats(np.log(np.array([[0.2, 0.8]], np.float32)), np.array([1]), np.array([1.0, 0.5])).round(3)
    array([0.223, 0.061])
    """
    chosen = log_probs[np.arange(len(ids)), ids].astype(np.float64)
    sums = (log_sum(log_probs * np.float32(1 / each))[:, 0] for each in temperatures)
    return np.array([(whole - chosen / each).sum() for whole, each in zip(sums, temperatures, strict=True)])


def _beginning(model: LanguageModel, text: Text, context: Context) -> tuple[list[tuple[str, bool]], list[TokenIds]]:
    """The first lines of a text, and their tokens in stretches between fresh starts."""
    lines: list[tuple[str, bool]] = []

    def kept() -> Iterator[tuple[str, bool]]:
        for line in text:
            lines.append(line)
            yield line

    stretches: list[list[TokenIds]] = []
    used = tokens = 0
    for ids, starts in token_stream(model.tokenizer, kept(), context=context):
        if tokens >= PIECE:
            break
        if starts or not stretches:
            stretches.append([])
        stretches[-1].append(ids)
        used, tokens = used + 1, tokens + len(ids)
    # Lines are read ahead of their tokens.
    return lines[:used], [np.concatenate(parts) for parts in stretches]


def _after(stretches: Sequence[TokenIds], tokens: int) -> Iterator[TokenIds]:
    """The stretches without their first tokens."""
    for ids in stretches:
        if len(ids) > tokens:
            yield ids[tokens:]
        tokens = max(tokens - len(ids), 0)


def _trace_all(model: LanguageModel, stretches: Sequence[TokenIds], advance: Callable[[int], None]) -> Followed:
    scores, features = [], []
    for ids in stretches:
        state, seen = model.start(), []
        for start in range(0, len(ids), CHUNK):
            part = ids[None, start : start + CHUNK]
            found = trace(model, part, np.array([part.shape[1]]), state)
            scores.append(found.scores[0])
            seen.append(None if found.features is None else found.features[0])
            state = found.state
            advance(part.shape[1])
        features.append(None if seen[0] is None else np.concatenate(seen))
    return Followed(np.concatenate(scores).astype(np.float64), None if features[0] is None else features)


def _untraced(parts: Iterator[NDArray[np.float32]], advance: Callable[[int], None]) -> Followed:
    found = []
    for part in parts:
        found.append(part)
        advance(len(part))
    return Followed(np.concatenate(found).astype(np.float64), None)


def _mixture(models: Sequence[LanguageModel], weights: Sequence[float]) -> LanguageModel:
    return models[0] if len(models) == 1 else Mixture(models, weights=weights)


def _spelled(facts: dict[str, Any]) -> str:
    words = []
    for name, fact in facts.items():
        if name == "mixture":
            fact = dict(zip(fact["models"], fact["weights"], strict=True))
        inside = (
            ", ".join(f"{key} {value:.3g}" for key, value in fact.items()) if isinstance(fact, dict) else f"{fact:.3g}"
        )
        words.append(f"{name} ({inside})")
    return "; ".join(words) or "nothing"
