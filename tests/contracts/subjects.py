"""The models that the contract of language models is checked on."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import torch

from elman.cells.registry import CELLS
from elman.inference.conditioned_decoder import ConditionedDecoder
from elman.inference.model import InferenceModel, inference_model
from elman.inference.translator import inference_translator
from elman.inference.weights import groups_of
from elman.models.cache import NeuralCache
from elman.models.combine import Mixture
from elman.models.dynamic import DynamicEvaluation, gradient_rms
from elman.models.network_config import NeuralConfig
from elman.models.neural import Network, NeuralModel
from elman.models.ngram.query import NgramConfig, NgramModel, fit_ngram
from elman.models.protocol import LanguageModel
from elman.models.temperature import Tempered
from elman.models.translator import TranslatorNetwork
from elman.models.translator_config import TranslatorConfig, TranslatorSizes
from elman.text.tokenizer import EOS_ID, Tokenizer, TokenizerConfig

LINES = [
    "the cat sat on the mat",
    "the dog sat on the log",
    "",
    "the cat saw the dog and the dog saw the cat",
    "a cat and a dog sat on a mat",
    "the mat was on the log",
    "was the cat on the mat?",
] * 3 + ["once upon a time there was a cat", "the dog ran"]


class Case(NamedTuple):
    """A model, and how far its figures may depend on the rows and chunks they were computed with
    (nats)."""

    model: LanguageModel
    tolerance: float = 0.0


@cache
def tokenizer(level: str) -> Tokenizer:
    return Tokenizer.fit(LINES, config=TokenizerConfig.from_json({"level": level}))


def ngram(level: str, *, order: int, lines: Sequence[str] = LINES, words: Tokenizer | None = None) -> NgramModel:
    words = words or tokenizer(level)
    ids = np.concatenate([[*words.encode(line).ids, EOS_ID] for line in lines])
    return fit_ngram(ids, np.array([0, len(ids)]), words, config=NgramConfig(order=order))


def mixture(level: str) -> Mixture:
    """Of three models, the last with the same types under other ids and from other text."""
    other = Tokenizer([*tokenizer(level).tokens[:2], *tokenizer(level).tokens[:1:-1]], config=tokenizer(level).config)
    third = ngram(level, order=2, lines=LINES[::5], words=other)
    return Mixture([ngram(level, order=3), ngram(level, order=1), third], weights=[0.5, 0.125, 0.375])


def translator(level: str) -> ConditionedDecoder:
    """In 8 bits, after it has read two lines."""
    words = tokenizer(level)
    config = TranslatorConfig(embedding_size=8, hidden_size=8, layers=1, joint=True)
    sizes = TranslatorSizes(words.size, words.size)
    torch.manual_seed(0)
    arrays = TranslatorNetwork(config, sizes).to_arrays()
    engine = inference_translator(arrays, config, sizes, int8=groups_of(arrays))
    sources = [np.append(words.encode(line).ids, EOS_ID) for line in LINES[:2]]
    return ConditionedDecoder(engine, words, sources, "translator")


def smoothed(level: str, *, order: int, **settings: Any) -> NgramModel:
    """An n-gram that is pruned or quantised."""
    words = tokenizer(level)
    ids = np.concatenate([[*words.encode(line).ids, EOS_ID] for line in LINES])
    return fit_ngram(ids, np.array([0, len(ids)]), words, config=NgramConfig(order=order, **settings))


def arpa(level: str, *, order: int) -> NgramModel:
    """An n-gram as it comes back from ARPA's numbers."""
    model = ngram(level, order=order)
    return NgramModel.from_backoff(model.backoff_tables(), model.tokenizer)


def network(kind: str, level: str, **shape: Any) -> NeuralModel:
    """A network with weights large enough that everything it has read matters."""
    torch.manual_seed(len(kind))
    config = NeuralConfig(cell=kind, **{"embedding_size": 6, "hidden_size": 7, **shape})  # type: ignore[arg-type]
    built = Network(config, tokenizer(level).size)
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.mul_(2)
    return NeuralModel(built, tokenizer(level), config)


def engine(model: NeuralModel, *, int8: bool) -> InferenceModel:
    """A network by elman's engine, all of it in 8 bits or none."""
    arrays, about = model.to_arrays(), model.describe()
    chosen = groups_of(arrays) if int8 else ()
    return inference_model(arrays, model.config, model.tokenizer, model_hash=model.model_hash, about=about, int8=chosen)


def cached(model: LanguageModel, *, theta: float, window: int = 11) -> NeuralCache:
    """With a window that is full after a line or two."""
    return NeuralCache(model, share=0.3, theta=theta, recency=0.05, window=window)


def dynamic(model: NeuralModel, *, bptt: int) -> DynamicEvaluation:
    """At a rate that shows after one segment."""
    ids = np.concatenate([[*model.tokenizer.encode(line).ids, EOS_ID] for line in LINES])
    return DynamicEvaluation(model, gradient_rms(model, ids, bptt=bptt), rate=0.02, decay=0.05, bptt=bptt)


# One line makes one more model go through every test below.
MODELS: dict[str, Callable[[], Case]] = {
    "ngram order 1, words": lambda: Case(ngram("word", order=1)),
    "ngram order 2, words": lambda: Case(ngram("word", order=2)),
    "ngram order 3, words": lambda: Case(ngram("word", order=3)),
    "ngram order 5, words": lambda: Case(ngram("word", order=5)),
    "ngram order 1, characters": lambda: Case(ngram("char", order=1)),
    "ngram order 2, characters": lambda: Case(ngram("char", order=2)),
    "ngram order 3, characters": lambda: Case(ngram("char", order=3)),
    "ngram order 5, characters": lambda: Case(ngram("char", order=5)),
    "ngram from an ARPA file": lambda: Case(arpa("word", order=3)),
    "ngram pruned by counts": lambda: Case(smoothed("word", order=4, prune="0,0,1")),
    "ngram pruned by entropy": lambda: Case(smoothed("word", order=4, prune_entropy=1e-4)),
    "ngram in few bits": lambda: Case(smoothed("char", order=4, quantise=4, small=True)),
    **{
        f"{name}, words": lambda name=name: Case(network(name, "word"), 1e-5 if CELLS[name].window is None else 1e-4)
        for name in CELLS
    },
    "lstm, characters": lambda: Case(network("lstm", "char", tied=False), tolerance=1e-5),
    "lstm, one-hot": lambda: Case(network("lstm", "word", tied=False, input="one-hot"), tolerance=1e-5),
    "lstm, adaptive": lambda: Case(network("lstm", "word", softmax="adaptive"), tolerance=1e-5),
    "lstm, adaptive, own weights": lambda: Case(
        network("lstm", "char", softmax="adaptive", tied=False), tolerance=1e-5
    ),
    "lstm, adaptive, one-hot": lambda: Case(
        network("lstm", "word", softmax="adaptive", tied=False, input="one-hot"), tolerance=1e-5
    ),
    "lstm, sampled": lambda: Case(network("lstm", "word", softmax="sampled"), tolerance=1e-5),
    "gru, projected": lambda: Case(network("gru", "word", projection=True), tolerance=1e-5),
    "minlstm, characters": lambda: Case(network("minlstm", "char", tied=False), tolerance=1e-5),
    "feed-forward, words, small window": lambda: Case(
        network("feed-forward", "word", window=3, layers=1), tolerance=1e-5
    ),
    "conv, characters": lambda: Case(network("conv", "char", window=2, tied=False), tolerance=1e-4),
    "conv, adaptive": lambda: Case(network("conv", "word", softmax="adaptive"), tolerance=1e-4),
    "transformer, words, small window": lambda: Case(
        network("transformer", "word", window=5, heads=2, embedding_size=16), 1e-4
    ),
    "transformer, characters": lambda: Case(network("transformer", "char", tied=False, embedding_size=16), 1e-3),
    "rnn-relu, characters": lambda: Case(network("rnn-relu", "char", layers=1), tolerance=1e-4),
    "mixture with a network": lambda: Case(
        Mixture([ngram("word", order=3), network("lstm", "word")], weights=[0.5, 0.5]), tolerance=1e-5
    ),
    "cache round a network": lambda: Case(cached(network("lstm", "word"), theta=0.7), tolerance=1e-5),
    "cache of one token": lambda: Case(cached(network("gru", "word"), theta=0.7, window=1), tolerance=1e-5),
    "cache without features": lambda: Case(cached(ngram("word", order=3), theta=0.0), tolerance=1e-6),
    "temperature of a network": lambda: Case(Tempered(network("lstm", "char", tied=False), temperature=1.5), 1e-5),
    "temperature of an ngram": lambda: Case(Tempered(ngram("word", order=3), temperature=0.5), tolerance=1e-6),
    "dynamic, tied": lambda: Case(dynamic(network("lstm", "word"), bptt=4), tolerance=1e-4),
    "dynamic, segments of one token": lambda: Case(dynamic(network("gru", "word"), bptt=1), tolerance=1e-4),
    "dynamic, one-hot": lambda: Case(
        dynamic(network("rnn", "word", tied=False, input="one-hot", layers=1), bptt=3), tolerance=1e-4
    ),
    "everything that adapts": lambda: Case(
        cached(Mixture([dynamic(network("lstm", "word"), bptt=5), ngram("word", order=3)]), theta=0.3), tolerance=1e-4
    ),
    # In 8 bits nothing may depend on neighbours, to the last bit.
    "engine, int8 lstm": lambda: Case(engine(network("lstm", "word"), int8=True)),
    "engine, int8 gru": lambda: Case(engine(network("gru", "char", tied=False), int8=True)),
    "engine, int8 rnn-relu, one layer": lambda: Case(engine(network("rnn-relu", "char", layers=1), int8=True)),
    "engine, int8 rnn, one-hot": lambda: Case(engine(network("rnn", "word", tied=False, input="one-hot"), int8=True)),
    "engine, int8 mingru": lambda: Case(engine(network("mingru", "word"), int8=True)),
    "engine, int8 minlstm, adaptive": lambda: Case(
        engine(network("minlstm", "word", softmax="adaptive", tied=False), int8=True)
    ),
    "engine, int8 rglru": lambda: Case(engine(network("rglru", "word"), int8=True)),
    "engine, int8 feed-forward": lambda: Case(engine(network("feed-forward", "char"), int8=True)),
    "engine, int8 conv": lambda: Case(engine(network("conv", "word"), int8=True)),
    "engine, int8 transformer": lambda: Case(engine(network("transformer", "word", window=6, heads=2), int8=True)),
    "engine, fp32 transformer": lambda: Case(engine(network("transformer", "word", window=3), int8=False), 1e-4),
    "engine, fp32 lstm, adaptive": lambda: Case(engine(network("lstm", "word", softmax="adaptive"), int8=False), 1e-5),
    "engine, fp32 gru, sampled": lambda: Case(engine(network("gru", "word", softmax="sampled"), int8=False), 1e-5),
    "engine, fp32 rglru, one-hot": lambda: Case(
        engine(network("rglru", "word", tied=False, input="one-hot"), int8=False), tolerance=1e-4
    ),
    "translator, int8, with a source": lambda: Case(translator("char")),
    "engine in a mixture": lambda: Case(
        Mixture([ngram("word", order=3), engine(network("lstm", "word"), int8=True)], weights=[0.5, 0.5]), 1e-6
    ),
    "mixture, words": lambda: Case(mixture("word")),
    "mixture, characters": lambda: Case(mixture("char")),
}
