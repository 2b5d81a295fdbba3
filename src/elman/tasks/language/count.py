"""Fitting an n-gram by counting."""

from pathlib import Path

import numpy as np

from elman.data.preprocessing import Data
from elman.errors import TextError, UsageError
from elman.models.ngram.chunks import Allocate
from elman.models.ngram.counting_memory import in_words, least_memory, needed
from elman.models.ngram.counts import OrderCounts, count_ngrams, line_starts
from elman.models.ngram.growth import measure_growth, perplexity_of
from elman.models.ngram.query import NgramConfig, NgramModel, smooth
from elman.progress import Progress
from elman.storage import folder as model_folder
from elman.system.cluster import workers
from elman.system.machine import memory as memory_here
from elman.system.staging import staging_folder
from elman.text.tokenizer import EOS_ID

_USUAL_MEMORY = 4 * 10**9
"""Bytes where the system does not say what is available."""


def count(
    data: Data, config: NgramConfig, *, folder: Path, cache: Path, max_ram: int | None, progress: Progress
) -> NgramModel:
    """Count, smooth, and write the weights into a model folder.

    Args:
        cache: where counts are kept that do not fit into memory.
        max_ram: bytes of memory for counting; None: as many as it takes.

    Raises:
        TextError: there are no tokens.
        UsageError: too little memory for this order.
    """
    ids, documents, size = data.train.ids, data.train.documents, data.tokenizer.size
    if len(ids) == 0:
        raise TextError("the training text has no tokens to count; give some text")
    memory, disk = needed(len(ids), config.order, size)
    in_memory = max_ram is None or memory <= max_ram
    if in_memory and not workers().are_others:
        orders = count_ngrams(ids, documents, order=config.order, vocab_size=size, eos_id=EOS_ID, progress=progress)
        return _written(data, config, orders, np.zeros, folder=folder, most_bytes=None, progress=progress)
    from elman.models.ngram.counts_on_disk import count_on_disk, zeros_on_disk

    limit = "" if max_ram is None else f", --max-ram is {in_words(max_ram)}"
    if max_ram is None:
        max_ram = memory_here().get("available", _USUAL_MEMORY) // 2
    least = least_memory(config.order, size) * (max_ram // max(workers().share(max_ram), 1))
    if max_ram < least:
        enough = min(least, memory)
        raise UsageError(
            f"--max-ram is {in_words(max_ram)}; counting order {config.order} over {size} types takes at least "
            f"{in_words(enough)}: give --max-ram {-(-enough // 10**6)}M or more"
        )
    if config.prune_entropy is not None and not in_memory:
        raise UsageError("--prune-entropy works in memory, and --max-ram is too little for it; use --prune instead")
    root = cache / "counts"
    progress.say(
        f"counting may take {in_words(memory)} in memory{limit}: it is done on disk, in {root}, with at most "
        f"{in_words(disk)}"
    )
    with staging_folder(root) as staging:
        orders = count_on_disk(
            ids,
            documents,
            order=config.order,
            vocab_size=size,
            eos_id=EOS_ID,
            max_ram=max_ram,
            folder=staging,
            progress=progress,
            workers=workers(),
        )
        allocate = np.zeros if in_memory else zeros_on_disk(staging)
        most_bytes = None if in_memory else max_ram
        return _written(data, config, orders, allocate, folder=folder, most_bytes=most_bytes, progress=progress)


def _written(
    data: Data,
    config: NgramConfig,
    orders: list[OrderCounts],
    allocate: Allocate,
    *,
    folder: Path,
    most_bytes: int | None,
    progress: Progress,
) -> NgramModel:
    from elman.models.ngram.kernels import compiled_before

    if not compiled_before():
        progress.say("compiling the loops that read n-grams; once on this machine, about 10 seconds")
    with progress.stage("smoothing", total=1, unit="models") as advance:
        model = smooth(orders, data.tokenizer, config, allocate=allocate)
        advance(1)
    model_folder.write_weights(folder, model.to_arrays())
    valid = data.valid
    starts = line_starts(valid.ids, valid.documents, EOS_ID)
    model.growth = [
        row.to_json()
        for row in measure_growth(
            orders,
            valid.ids,
            starts,
            vocab_size=data.tokenizer.size,
            eos_id=EOS_ID,
            whole=model.tables if config == NgramConfig(order=config.order) else None,
            most_bytes=most_bytes,
            allocate=allocate,
            progress=progress,
        )
    ]
    if len(model.growth) < len(orders):
        model.notes.append(
            f"what order {len(model.growth) + 1} brings without pruning was not measured: its tables are larger than "
            f"--max-ram {in_words(most_bytes or 0)}"
        )
    elif model.tables.bytes < (whole := model.growth[-1])["bytes"]:
        perplexity = perplexity_of(model.tables, valid.ids, starts, EOS_ID)
        model.notes.append(
            f"{sum(model.tables.counts):,} n-grams in {model.tables.bytes / 1e6:.2f} MB instead of "
            f"{sum(row['ngrams'] for row in model.growth):,} in {whole['bytes'] / 1e6:.2f} MB; perplexity "
            f"{perplexity:.2f} instead of {whole['perplexity']:.2f} (validation text, each line alone)"
        )
    if not model.exact:
        model.notes.append(
            f"with {config.quantise} bits the probabilities after one context sum to 1 within {model.deviation():.2g}"
        )
    for note in model.notes:
        progress.say(f"note: {note}")
    return model
