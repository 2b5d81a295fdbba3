"""The comparison of taggers: what reading in both directions, a CRF, characters, word vectors and
language models bring, beside the simple rivals."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.data.tagged import TaggedSentence
from elman.errors import TextError, UsageError
from elman.evaluation.tag_rivals import FeatureCRF, MostFrequentTag, TagRival, has_crfsuite
from elman.evaluation.tags import sentence_figures, tags_signature
from elman.metrics.intervals import Interval, bootstrap_intervals
from elman.metrics.tags import SentenceFigure
from elman.metrics.text_intervals import t_interval
from elman.progress import Progress, counted
from elman.report.measure import Column, Measure
from elman.studies.compare_curves import counted_curve
from elman.studies.compare_fairness import fair_play, warnings_of
from elman.studies.compare_runs import card_of, costs_of, folder_of, run_of
from elman.studies.compare_verdict import Contender, decide
from elman.studies.comparison import Comparison, TrainingJob, nearest
from elman.tasks.request import Fixed
from elman.tasks.tag.data import TaggedData, read_data
from elman.tasks.tag.model import Tagger
from elman.tasks.tag.request import TagDataConfig, TagRequest
from elman.tasks.tag.sentences import hash_of

ACCURACY = Measure("accuracy", "accuracy", "accuracy", "errors", share=True)
F1 = Measure("f1", "F1", "F1", "errors", share=True)
OUTPUTS: dict[str, dict[str, Any]] = {"softmax": {"crf": False}, "crf": {"crf": True}}
"""One of the two is the default for the tags at hand; the other variants differ from that one by
one change each. Networks stand alone: a linear part, a variant too, would hide what they do not
learn."""
CHANGES: dict[str, dict[str, Any]] = {
    "one-direction": {"bidirectional": False},
    "no-characters": {"characters": "none"},
    "ngrams": {"ngrams": True},
}
RIVALS: dict[str, Callable[[str | None], TagRival]] = {
    "most-frequent-tag": lambda scheme: MostFrequentTag(scheme=scheme),
    "feature-crf": lambda scheme: FeatureCRF(),
}
_FEWEST_SENTENCES = 10
_MOST_TIMED = 200
_MOST_SECONDS = 4.0
_EQUAL = (
    "the training, validation and test sentences, the machine, and one evaluation (each tagger as it is used; an "
    "unknown tag is an error)"
)


class Entrant(NamedTuple):
    """A tagger, with the figures of each run on the test part."""

    name: str
    runs: list[dict[str, Any]]
    figures: list[dict[str, SentenceFigure]]
    milliseconds: float
    """For a word."""
    size: str


class TagComparison(Comparison):
    """Which tagger is best for tagged sentences."""

    takes = frozenset({"vectors", "from"})
    title = "Which tagger is best for these sentences"
    _data: TaggedData

    @classmethod
    def variants(cls, settings: Mapping[str, Any]) -> tuple[str, ...]:
        rivals = [name for name in RIVALS if name != "feature-crf" or has_crfsuite()]
        return (*rivals, *OUTPUTS, *CHANGES, *_features(settings))

    @property
    def learns(self) -> bool:
        return not set(self.plan.names) <= set(RIVALS)

    def read(self, progress: Progress) -> str:
        plan = self.plan
        assert isinstance(plan.data, TagDataConfig)
        config = plan.data.replace(hold_out_test=not plan.test)
        request = TagRequest(kind="tagger", sources=plan.sources, valid=plan.valid, test=plan.test, data=config)
        self._data = data = read_data(request, progress=progress)
        if len(data.test) < _FEWEST_SENTENCES:
            raise TextError(
                f"the test part has {len(data.test)} sentences, and at least {_FEWEST_SENTENCES} are needed to say how "
                "sure a difference is; give more, or --test FILE"
            )
        return data.hash

    @property
    def _base(self) -> str:
        """The variant with the default settings."""
        return "softmax" if self._data.scheme is None else "crf"

    @property
    def _measure(self) -> Measure:
        return ACCURACY if self._data.scheme is None else F1

    def jobs(self, folder: Path) -> list[TrainingJob]:
        variants = {**OUTPUTS, **CHANGES, **_features(self.plan.settings)}
        held_out = {"hold_out_test": not self.plan.test}
        jobs = []
        for name in self.plan.names:
            if name not in RIVALS:
                jobs += self.plan.networks(folder, name, **{**held_out, "ngrams": False, **variants[name]})
        # The base first, and seed by seed: a comparison stopped early has something to compare.
        return sorted(jobs, key=lambda job: (job.seed, job.kind != self._base))

    @classmethod
    def sizes(cls, order: Mapping[str, Any], *, progress: Progress) -> dict[str, Any]:
        """The size of the layers; words and characters have theirs."""
        from elman.models.tagger import TaggerNetwork
        from elman.tasks.tag.job import new_job

        changed = {name for change in (*OUTPUTS.values(), *CHANGES.values()) for name in change} - {"ngrams"}
        config = {name: order[name] for name in sorted(changed & order.keys())}
        read = {name: order[name] for name in TagDataConfig().to_json() if name in order}
        request = TagRequest(
            kind="tagger", sources=tuple(order["sources"]), valid=tuple(order["valid"]), test=tuple(order["test"]),
            data=TagDataConfig(**read), vectors=order.get("vectors"), language_models=tuple(order.get("start", ())),
            fixed=Fixed(config, {"ngrams": False}),
        )  # fmt: skip
        job = new_job(request, folder=Path(order["out"]), progress=progress)

        def parameters(hidden: int) -> int:
            network = TaggerNetwork(job.config.replace(hidden_size=hidden), job.features.size, len(job.data.tags))
            return sum(each.numel() for each in network.parameters())

        wanted, least = order["parameters"], parameters(1)
        if wanted < least:
            raise UsageError(
                f"words and characters take {least:,} parameters, and nothing is left for the layers; give "
                f"--parameters {float(f'{1.2 * least:.1e}'):.0f} or more",
                field="words",
            )
        return {"hidden_size": nearest(parameters, wanted)}

    def results(self, jobs: Sequence[TrainingJob], *, progress: Progress) -> dict[str, Any]:
        data, measure = self._data, self._measure
        entrants = [self._counted(name, progress) for name in self.plan.names if name in RIVALS]
        for kind in dict.fromkeys(job.kind for job in jobs):
            entrants.append(self._trained(kind, [job for job in jobs if job.kind == kind], progress))
        with progress.stage("intervals"):
            models = [self._model(each, base=self._entrant(entrants, self._base)) for each in entrants]
            models.sort(key=lambda model: -model[measure.key]["value"])
            best = self._entrant(entrants, models[0]["name"])
            assert best is not None
            worse_by = {each.name: self._difference(best, each) for each in entrants if each is not best}
        verdict = decide(
            [_contender(model, measure) for model in models],
            worse_by,
            measure=measure,
            training_tokens=sum(map(len, data.train)),
            units=len(data.test),
            step="a word",
            matters=self.plan.matters,
        )
        shares = ["unknown_accuracy"] if data.scheme is None else ["precision", "recall"]
        names = {"unknown_accuracy": "unknown words"}
        columns = [Column(name, names.get(name, name), "share") for name in shares]
        gains = [Column("gain", f"points over {self._base} (95%)", "gain")] if "gain" in models[-1] else []
        return {
            "data": {
                "about": self._about(),
                **data.about(),
                "resampled": {"units": "sentences", "count": len(data.test)},
            },
            "measure": measure._asdict(),
            "columns": [column._asdict() for column in (*columns, *gains)],
            "about_figures": self._about_figures(),
            "unit": "word",
            "models": models,
            "differences": {"than": best.name, "worse_by": {name: gap._asdict() for name, gap in worse_by.items()}},
            "verdict": verdict._asdict(),
            "fair_play": fair_play(models, equal=_EQUAL, remarks=_remarks(models)),
            "warnings": [*self._notes(), *warnings_of(models)],
        }

    def _trained(self, kind: str, jobs: Sequence[TrainingJob], progress: Progress) -> Entrant:
        measure, runs, figures = self._measure, [], []
        logged = "valid_accuracy" if self._data.scheme is None else "valid_F1_of_spans"
        for job in jobs:
            card, tagger = card_of(job), Tagger.load(folder_of(job))
            predicted = self._tagged(lambda some, tagger=tagger: tagger.tags(some), job.name, progress)
            figures.append(self._figures(predicted))
            facts = {"valid": card["figures"]["valid"][measure.key], "parameters": card["model"]["parameters"]}
            run = run_of(job, card, measure=measure, logged=logged, unit="words", **facts)
            runs.append({**run, "signature": self._signature(f"{tagger.config.cell}-{tagger.model_hash[:8]}")})
        tagger = Tagger.load(folder_of(jobs[0]))
        size = f"{tagger.describe()['size']}, characters {tagger.config.characters}"
        return Entrant(kind, runs, figures, milliseconds_per_word(tagger.tags, self._data.test), size)

    def _counted(self, name: str, progress: Progress) -> Entrant:
        data, begin = self._data, time.monotonic()
        rival = RIVALS[name](data.scheme)
        rival.fit([each.words for each in data.train], [each.tags for each in data.train], progress=progress)
        seconds = time.monotonic() - begin

        def tag(sentences: Sequence[TaggedSentence]) -> list[list[str]]:
            return [rival.predict(each.words) for each in sentences]

        valid = self._figures(tag(data.valid), data.valid)[self._measure.key]
        size = sum(map(len, data.train))
        value = float(valid(np.ones(len(data.valid), np.int64)))
        run = {
            "folder": None, "seed": 1, f"valid_{self._measure.key}": value, "parameters": None, "bytes": None,
            "peak_bytes": None, "seconds": seconds, "recipe": None, "signature": self._signature(name),
            **counted_curve(size, seconds, value, measure=self._measure),
        }  # fmt: skip
        figures = [self._figures(self._tagged(tag, name, progress))]
        return Entrant(name, [run], figures, milliseconds_per_word(tag, data.test), rival.name)

    def _tagged(self, tag: Any, name: str, progress: Progress) -> list[Sequence[str]]:
        found: list[Sequence[str]] = []
        test = self._data.test
        with progress.stage(f"evaluating {name}", total=len(test), unit="sentences") as advance:
            for start in range(0, len(test), 256):
                found += tag(test[start : start + 256])
                advance(len(test[start : start + 256]))
        return found

    def _figures(
        self, predicted: Sequence[Sequence[str]], part: Sequence[TaggedSentence] | None = None
    ) -> dict[str, SentenceFigure]:
        sentences = self._data.test if part is None else part
        known = {word for sentence in self._data.train for word in sentence.words}
        words, truth = [each.words for each in sentences], [each.tags for each in sentences]
        unknown = [[word not in known for word in line] for line in words]
        return sentence_figures(words, truth, predicted, unknown, scheme=self._data.scheme)

    def _signature(self, model: str) -> str:
        data = self._data
        return tags_signature(model=model, data=hash_of(data.test), labels=len(data.tags), scheme=data.scheme)

    def _entrant(self, entrants: Sequence[Entrant], name: str) -> Entrant | None:
        return next((each for each in entrants if each.name == name), None)

    def _difference(self, one: Entrant, other: Entrant) -> Interval:
        """The figure of one minus that of the other, on the same draws of sentences."""
        mine, theirs = (
            _over_seeds([run[self._measure.key] for run in each.figures], seed)
            for seed, each in enumerate((one, other))
        )
        return self._intervals({"gap": lambda weights: mine(weights) - theirs(weights)})["gap"]

    def _intervals(self, figures: Mapping[str, SentenceFigure]) -> dict[str, Interval]:
        return bootstrap_intervals(figures, np.ones(len(self._data.test), np.int64))

    def _model(self, entrant: Entrant, *, base: Entrant | None) -> dict[str, Any]:
        measure, ones = self._measure, np.ones(len(self._data.test), np.int64)
        wanted = ("accuracy", "unknown_accuracy", "precision", "recall", "f1")
        names = [name for name in wanted if name in entrant.figures[0]]
        values = {name: [float(run[name](ones)) for run in entrant.figures] for name in names}
        if len(entrant.runs) > 1:
            intervals = {name: t_interval(np.array(each)) for name, each in values.items()}
            how = f"t over {len(entrant.runs)} seeds"
        else:
            intervals = self._intervals({name: entrant.figures[0][name] for name in names})
            how = f"bootstrap over {counted(len(self._data.test), 'sentence')}"
        gain = {}
        if base is not None and entrant is not base:
            gain["gain"] = self._difference(entrant, base)._asdict()
        runs = zip(entrant.runs, values[measure.key], strict=True)
        return {
            "name": entrant.name,
            "kind": entrant.name,
            "size": entrant.size,
            **{name: interval._asdict() for name, interval in intervals.items()},
            **gain,
            "interval": f"95%, {how}",
            **costs_of(entrant.runs),
            "milliseconds": entrant.milliseconds,
            "network": entrant.name not in RIVALS,
            "runs": [{**run, measure.key: value} for run, value in runs],
            "signature": entrant.runs[0]["signature"],
        }

    def _about(self) -> str:
        data = self._data
        train, test = (
            f"{counted(len(part), 'sentence')} ({counted(sum(map(len, part)), 'word')})"
            for part in (data.train, data.test)
        )
        scheme = f" ({data.scheme})" if data.scheme else ""
        return f"{train} to train, {test} to test, {len(data.tags)} tags{scheme}"

    def _about_figures(self) -> str:
        about = "Unknown words are words that the training part does not have."
        if self._data.scheme is not None:
            about = "F1, precision and recall are of whole spans, as conlleval counts them."
        return (
            f"{about} Gains are paired, over {self._base}, which has the default settings; every other network differs "
            "from it by one change."
        )

    def _notes(self) -> list[str]:
        missing = [] if has_crfsuite() else ["No feature CRF was compared: run pip install 'elman[tasks]'"]
        return [*self._data.notes, *missing]


def _features(settings: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The variants with what raw text teaches, from `--vectors` and `--from`."""
    vectors, models = settings.get("vectors", ()), tuple(settings.get("from", ()))
    if len(vectors) > 1:
        raise UsageError(f"--vectors names {len(vectors)} files, and a tagger begins with one; give one of them")
    found: dict[str, dict[str, Any]] = {}
    if vectors:
        found["vectors"] = {"vectors": str(Path(vectors[0]).absolute())}
    if models:
        found["language-models"] = {"start": [str(Path(model).absolute()) for model in models]}
    if vectors and models:
        found["vectors+language-models"] = {**found["vectors"], **found["language-models"]}
    return found


def _over_seeds(figures: Sequence[SentenceFigure], seed: int) -> SentenceFigure:
    """The mean over runs; in resamples, runs are drawn again too."""
    rng = np.random.default_rng(seed)

    def mean(weights: NDArray[Any]) -> NDArray[np.float64]:
        values = np.stack([figure(weights) for figure in figures])  # [S, R]
        count, resamples = values.shape
        if resamples == 1:
            return values.mean(axis=0)
        drawn = rng.multinomial(count, np.full(count, 1 / count), size=resamples) / count
        return (drawn.T * values).sum(axis=0)

    return mean


def _contender(model: Mapping[str, Any], measure: Measure) -> Contender:
    name, network = model["name"], model["network"]
    return Contender(
        name,
        model[measure.key]["value"],
        model["bytes"] or 0,
        model["milliseconds"],
        model["seconds"],
        network=network,
        called=f'"{name}"' if network else f"the {name.replace('-', ' ')}",
    )


def _remarks(models: Sequence[Mapping[str, Any]]) -> list[str]:
    if all(model["network"] for model in models):
        return []
    return ["Not equal: a rival is trained once, whatever the budget, and has no settings that validation chose."]


def milliseconds_per_word(tag: Callable[[list[TaggedSentence]], Any], sentences: Sequence[TaggedSentence]) -> float:
    """The median over sentences of the time to tag one, for each of its words, in milliseconds."""
    took, begin = [], time.perf_counter()
    for sentence in sentences[:_MOST_TIMED]:
        before = time.perf_counter()
        tag([sentence])
        now = time.perf_counter()
        took.append((now - before) / len(sentence))
        if now - begin > _MOST_SECONDS:
            break
    return 1000 * float(np.median(took[min(3, len(took) - 1) :]))
