"""The results of a comparison of language models, evaluated once on the held-out test text."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman import api
from elman.data.frequency import count_types
from elman.data.preprocessing import Data
from elman.errors import ElmanError
from elman.evaluation.counted_rival import lines_of
from elman.evaluation.language import adaptation_of, signature_of
from elman.metrics.intervals import Interval
from elman.metrics.language import Tally
from elman.metrics.text_intervals import Units, bootstrap, percentile_interval, t_interval, units_of
from elman.models.registry import entry
from elman.progress import Progress
from elman.report.measure import Column, Measure
from elman.storage.folder import folder_bytes
from elman.studies.compare_fairness import fair_play, is_starved, language_remarks, starved_words, warnings_of
from elman.studies.compare_losses import CONTEXT, FREQUENCIES, POSITIONS, Losses, measure
from elman.studies.compare_runs import card_of, costs_of, folder_of, peak_bytes, run_of
from elman.studies.compare_verdict import Contender, decide, no_verdict
from elman.studies.comparison import TrainingJob
from elman.studies.next_token import milliseconds_per_token

MIXTURE = "mixture"
BITS = Measure("bits_per_byte", "bits/byte", "bits per byte", "bits")
_COLUMNS = (Column("perplexity", "perplexity"),)
_ABOUT = (
    "Bits per byte is the loss per byte of the held-out test text, spelling of unknown words included; it can be "
    "compared across all rows. Perplexity is of tokens."
)
_EQUAL = (
    "the training, validation and test text, the tokens, the machine, and one evaluation (each document from its "
    "start; every token and line end counts, and unknown words are spelled out)"
)
SENTENCES = 3
_LINE_BYTES = (30, 200)
"""Bytes of lines shown as easy or hard: neither decided by a single byte nor too long to read."""


class Entrant(NamedTuple):
    """A model, with one run per seed."""

    name: str
    kind: str
    runs: list[dict[str, Any]]
    losses: list[Losses]
    signatures: list[str]
    about: dict[str, Any]


def results(
    jobs: Sequence[TrainingJob], *, data: Data, budget: int | None, matters: float, progress: Progress
) -> dict[str, Any]:
    """Evaluate trained models, mix the n-gram with the best network, and decide.

    Args:
        budget: parameters of each network, where they were given.
        matters: the smallest share of the bits that is worth a higher cost.

    Returns:
        ``data``, ``models`` (best first), ``orders``, ``differences``, ``sentences``, ``verdict``,
        ``fair_play`` and ``warnings``, as JSON values.
    """
    text = data.corpus.test
    assert text is not None and data.corpus.valid is not None
    counts = count_types(data.train.ids, data.tokenizer.size)
    cards = {job.name: card_of(job) for job in jobs}
    counted = [job for job in jobs if job.order is not None]
    networks = [job for job in jobs if entry(job.kind).learns]

    def validated(job: TrainingJob) -> float:
        return cards[job.name]["figures"]["valid"]["bits_per_byte"]

    entrants, orders = [], []
    if counted:
        best_counted = min(counted, key=validated)
        for job in counted:
            entrant = _entrant(f"{job.order}-gram", [job], cards, data, counts, progress)
            tally = _total(entrant.losses[0], text)
            orders.append({"order": job.order, "valid_bits_per_byte": validated(job), **_summary(tally, entrant)})
            if job is best_counted:
                entrants.append(entrant)
    for kind in dict.fromkeys(job.kind for job in networks):
        runs = [job for job in networks if job.kind == kind]
        entrants.append(_entrant(kind, runs, cards, data, counts, progress))
    if counted and networks:
        # By validation: the test text must not influence the mixture.
        kinds = {job.kind: [validated(item) for item in networks if item.kind == job.kind] for job in networks}
        kind = min(kinds, key=lambda item: float(np.mean(kinds[item])))
        parts = [best_counted, next(job for job in networks if job.kind == kind)]
        entrants.append(_mixture(parts, data, counts, progress))
    starts, sizes = lines_of(text)
    units = units_of(starts, sizes)
    models = [_model(entrant, data, units, sizes) for entrant in entrants]
    models.sort(key=lambda model: model["bits_per_byte"]["value"])
    by_name = {entrant.name: entrant for entrant in entrants}
    # A network that had no room for layers says nothing about its kind.
    starved = [model["name"] for model in models if budget and by_name[model["name"]].about["starved"]]
    judged = [model for model in models if model["name"] not in starved]
    best = (judged or models)[0]
    worse_by = {
        model["name"]: _difference(by_name[model["name"]], by_name[best["name"]], units, sizes)
        for model in models
        if model is not best
    }
    verdict = no_verdict()
    if judged:
        verdict = decide(
            [_candidate(model) for model in judged],
            worse_by,
            training_tokens=len(data.train.ids),
            units=units.count,
            measure=BITS,
            step=f"for a next {unit_of(data.tokenizer.config.level)}",
            matters=matters,
        )
    corpus = data.corpus
    return {
        "data": {
            "hash": corpus.hash,
            "about": f"{corpus.train.bytes / 1e6:.2f} MB of training text ({len(data.train.ids):,} tokens), "
            f"{text.bytes / 1e6:.2f} MB of test text (documents: {text.document_count}); level "
            f"{data.tokenizer.config.level}, {data.tokenizer.size:,} types",
            "level": data.tokenizer.config.level,
            "types": data.tokenizer.size,
            "training_tokens": len(data.train.ids),
            **{
                name: {
                    "bytes": part.bytes,
                    "lines": part.lines,
                    "documents": part.document_count,
                    "sha256": part.sha256,
                }
                for name, part in (("train", corpus.train), ("valid", corpus.valid), ("test", text))
                if part is not None
            },
            "resampled": {"units": units.name, "count": units.count},
        },
        "measure": BITS._asdict(),
        "columns": [column._asdict() for column in _COLUMNS],
        "about_figures": _ABOUT,
        "unit": "token",
        "models": models,
        "orders": orders,
        "differences": {"than": best["name"], "worse_by": {name: item._asdict() for name, item in worse_by.items()}},
        "sentences": _sentences(entrants, text, sizes),
        "verdict": verdict._asdict(),
        "fair_play": fair_play(models, equal=_EQUAL, remarks=language_remarks(models, orders=bool(orders))),
        "warnings": [
            *starved_words(starved, [by_name[name].about for name in starved], budget=budget, data=data),
            *warnings_of(models),
        ],
    }


def unit_of(level: str) -> str:
    """The name of a token of this level in sentences.

    >>> unit_of("char"), unit_of("subword")
    ('character', 'token')
    """
    return {"word": "word", "char": "character", "byte": "byte"}.get(level, "token")


def _entrant(
    name: str,
    jobs: Sequence[TrainingJob],
    cards: dict[str, Any],
    data: Data,
    counts: NDArray[np.int64],
    progress: Progress,
) -> Entrant:
    text = data.corpus.test
    assert text is not None
    runs, losses, signatures, about, starved = [], [], [], {}, False
    for job in jobs:
        card, place = cards[job.name], folder_of(job)
        # With the trained weights: figures are for the model, not its 8-bit form.
        model = api.load(place, task="language", torch=True)
        if model.lm.tokenizer.hash != data.tokenizer.hash:
            raise ElmanError(f"{place} has a different tokenizer from the others, so it cannot be compared; remove it")
        losses.append(measure(model.lm, model.speller, text, counts, progress=progress, name=job.name))
        signatures.append(signature_of(model.lm, data=text.sha256, context=CONTEXT))
        about = model.lm.describe()
        lm: Any = model.lm
        starved = entry(job.kind).learns and is_starved(lm.to_arrays())
        valid = card["figures"]["valid"]["bits_per_byte"]
        runs.append(
            run_of(job, card, valid=valid, parameters=about["parameters"], measure=BITS, logged="valid_bits_per_byte")
        )
        del model
    ms = milliseconds_per_token(api.load(folder_of(jobs[0]), task="language").lm, text, progress=progress, name=name)
    facts = {"size": about["size"], "milliseconds": ms, "starved": starved}
    return Entrant(name, jobs[0].kind, runs, losses, signatures, facts)


def _mixture(parts: Sequence[TrainingJob], data: Data, counts: NDArray[np.int64], progress: Progress) -> Entrant:
    text, valid = data.corpus.test, data.corpus.valid
    assert text is not None and valid is not None
    models = [api.load(folder_of(job), task="language", torch=True) for job in parts]
    mixed = api.mix(models, valid, context=CONTEXT, progress=progress)
    losses = measure(mixed.lm, mixed.speller, text, counts, progress=progress, name=MIXTURE)
    adapted = f"{adaptation_of(mixed.lm.describe())}-{valid.sha256[:12]}"
    signature = signature_of(mixed.lm, data=text.sha256, context=CONTEXT, adapted=adapted)
    weights = [float(item) for item in mixed.card["mixture"]["weights"]]
    from elman.models.combine import Mixture

    quick = Mixture([api.load(folder_of(job), task="language").lm for job in parts], weights=weights)
    seconds = sum(model.card["seconds"] for model in models)
    peaks = [peak_bytes(job) for job in parts]
    run = {
        "folder": [str(folder_of(job)) for job in parts],
        "seed": parts[1].seed,
        "valid_bits_per_byte": None,
        "parameters": mixed.lm.describe()["parameters"],
        "bytes": sum(folder_bytes(folder_of(job)) for job in parts),
        "peak_bytes": max((peak for peak in peaks if peak), default=None),
        "seconds": seconds,
        "recipe": {"parts": [job.name for job in parts], "weights": weights, "tuned_on": valid.sha256},
        "curve": [],
        "tokens_per_second": None,
        "cut_off": None,
        "epochs": None,
        "counted": False,
    }
    size = " + ".join(f"{weight:.2f} {job.name}" for weight, job in zip(weights, parts, strict=True))
    ms = milliseconds_per_token(quick, text, progress=progress, name=MIXTURE)
    return Entrant(MIXTURE, MIXTURE, [run], [losses], [signature], {"size": size, "milliseconds": ms, "starved": False})


def _total(losses: Losses, text: Any) -> Tally:
    predicted = float(losses.predicted.sum())
    unknown = int(losses.by_frequency[FREQUENCIES.index("unknown"), 1])
    spelled = float(losses.lines.sum()) - predicted
    return Tally(predicted, spelled, int(losses.tokens.sum()), unknown, text.bytes, text.chars, text.lines)


def _summary(tally: Tally, entrant: Entrant) -> dict[str, Any]:
    run = entrant.runs[0]
    return {
        "bits_per_byte": tally.bits_per_byte,
        "perplexity": tally.perplexity,
        "parameters": run["parameters"],
        "bytes": run["bytes"],
        "milliseconds": entrant.about["milliseconds"],
        "signature": entrant.signatures[0],
    }


def _bits(losses: Sequence[Losses], units: Units) -> NDArray[np.float64]:
    """Bits of each seed and unit ``[S, U]``."""
    return np.stack([units.sums(item.lines) for item in losses]) / np.log(2)


def _difference(one: Entrant, than: Entrant, units: Units, sizes: NDArray[np.int64]) -> Interval:
    """The paired difference of two models in bits per byte."""
    mine, other, size = _bits(one.losses, units), _bits(than.losses, units), units.sums(sizes)
    value = float((mine.mean(axis=0).sum() - other.mean(axis=0).sum()) / size.sum())
    return percentile_interval(value, bootstrap(mine, size, less=other), units=units.count)


def _model(entrant: Entrant, data: Data, units: Units, sizes: NDArray[np.int64]) -> dict[str, Any]:
    text = data.corpus.test
    tallies = [_total(item, text) for item in entrant.losses]
    bits = np.array([item.bits_per_byte for item in tallies])
    perplexities = np.array([item.perplexity for item in tallies])
    if len(bits) > 1:
        interval, perplexity, how = t_interval(bits), t_interval(perplexities), f"t over {len(bits)} seeds"
    else:
        how = f"bootstrap over {units.count} {units.name}"
        drawn = bootstrap(_bits(entrant.losses, units), units.sums(sizes))
        interval = percentile_interval(float(bits[0]), drawn, units=units.count)
        nats = np.stack([units.sums(entrant.losses[0].predicted)])
        tokens = units.sums(entrant.losses[0].tokens)
        drawn = np.exp(np.minimum(bootstrap(nats, tokens), 700))
        perplexity = percentile_interval(float(perplexities[0]), drawn, units=units.count)
    return {
        "name": entrant.name,
        "kind": entrant.kind,
        "size": entrant.about["size"],
        "bits_per_byte": interval._asdict(),
        "perplexity": perplexity._asdict(),
        "interval": f"95%, {how}",
        "oov_rate": tallies[0].oov_rate,
        **costs_of(entrant.runs),
        "milliseconds": entrant.about["milliseconds"],
        "network": entrant.kind != MIXTURE and entry(entrant.kind).learns,
        "by_position": _buckets(POSITIONS, [item.by_position for item in entrant.losses]),
        "by_frequency": _buckets(FREQUENCIES, [item.by_frequency for item in entrant.losses]),
        "runs": [
            {**run, "bits_per_byte": float(value), "signature": signature}
            for run, value, signature in zip(entrant.runs, bits, entrant.signatures, strict=True)
        ],
        "signature": entrant.signatures[0],
    }


def _buckets(names: Sequence[str], tables: Sequence[NDArray[np.float64]]) -> list[dict[str, Any]]:
    """The mean over seeds."""
    table = np.mean(tables, axis=0)
    return [
        {
            "bucket": name,
            "nats": float(nats),
            "tokens": int(tokens),
            "bits_per_token": float(nats / np.log(2) / tokens) if tokens else None,
        }
        for name, (nats, tokens) in zip(names, table, strict=True)
    ]


def _candidate(model: dict[str, Any]) -> Contender:
    parts = model["runs"][0]["recipe"].get("parts", [None])
    return Contender(
        model["name"],
        model["bits_per_byte"]["value"],
        model["bytes"],
        model["milliseconds"],
        model["seconds"],
        len(parts),
        model["kind"] == MIXTURE or entry(model["kind"]).learns,
    )


def _sentences(entrants: Sequence[Entrant], text: Any, sizes: NDArray[np.int64]) -> dict[str, Any] | None:
    """Lines on which the best network and the n-gram differ most, by bits per byte."""
    networks = [item for item in entrants if item.kind != MIXTURE and entry(item.kind).learns]
    counted = [item for item in entrants if item.kind != MIXTURE and not entry(item.kind).learns]
    if not networks or not counted:
        return None
    best = min(networks, key=lambda item: np.mean([run["valid_bits_per_byte"] for run in item.runs]))
    mine, other = (
        np.mean([run.lines for run in item.losses], axis=0) / np.log(2) / sizes for item in (best, counted[0])
    )
    low, high = _LINE_BYTES
    fit = np.flatnonzero((sizes >= low) & (sizes <= high))
    ranked = fit[np.argsort((mine - other)[fit], kind="stable")].tolist()
    half = min(SENTENCES, len(ranked) // 2)
    chosen = {"easier": ranked[:half], "harder": ranked[::-1][:half]}
    wanted = {place for line_numbers in chosen.values() for place in line_numbers}
    lines = {place: line for place, (line, _) in enumerate(text) if place in wanted}
    shown = {
        name: [
            {
                "text": lines[place],
                best.name: float(mine[place]),
                counted[0].name: float(other[place]),
                "difference": float(mine[place] - other[place]),
            }
            for place in line_numbers
        ]
        for name, line_numbers in chosen.items()
    }
    return {"model": best.name, "than": counted[0].name, **shown}
