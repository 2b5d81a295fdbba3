"""The first weights of a network: random from the seed, then improved by counts of the text."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from elman.data.frequency import count_types
from elman.models.network_config import NeuralConfig
from elman.models.neural import Network
from elman.models.softmax_clusters import make_clusters
from elman.nn.feedback import Lstm
from elman.progress import Progress
from elman.tasks.language.cooccurrence import cooccurrence_vectors
from elman.tasks.language.plan import LanguagePlan


def first_weights(
    config: NeuralConfig,
    plan: LanguagePlan,
    ids: NDArray[Any],
    vocab: int,
    *,
    vectors: NDArray[np.float32] | None = None,
    progress: Progress,
) -> dict[str, NDArray[Any]]:
    """The first weights for training on the text ``ids[N]`` of ``vocab`` types.

    If the plan says so, the output's bias begins as the logarithm of each type's share, so that no
    update is spent on learning which types are frequent, and embeddings begin as co-occurrence
    vectors where there are more types than a vector has numbers (characters need none). Embeddings
    begin as ``vectors[V, E]``, whatever the plan says, if these are given.
    """
    torch.manual_seed(plan.seed)
    counts = count_types(ids, vocab)
    network = Network(config, vocab, clusters=make_clusters(config, vocab, counts))
    if plan.forget_bias is not None:
        for layer in network.stack.layers:
            assert isinstance(layer, Lstm)
            layer.start_to_remember(plan.forget_bias)
    if plan.begin == "counts":
        if vectors is None and config.input == "learned" and vocab > config.embedding_size:
            with progress.stage("embeddings from co-occurrence counts"):
                vectors = cooccurrence_vectors(ids, vocab=vocab, size=config.embedding_size, seed=plan.seed)
        # One more of each, so that no type is impossible.
        network.begin((counts + 1) / (counts + 1).sum(), vectors)
    elif vectors is not None:
        network.begin_embedding(vectors)
    return network.to_arrays()
