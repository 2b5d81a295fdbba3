"""A tagger whose training goes on, as on corrections, without forgetting what it knew.

Words, tags, sizes and cutting of texts stay those of the tagger. The validation part is that of its
first training, if the files are still there, so that its figure before and after can be compared.
"""

import dataclasses
import os
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elman.data.example_splits import random_part
from elman.data.labels import LabelSet
from elman.data.tag_formats.table import formats_of_suffix
from elman.data.tag_schemes import in_scheme
from elman.data.tagged import AUTO, TaggedSentence
from elman.errors import ElmanError, UsageError
from elman.models.ngram_regression import NGRAMS_FILE
from elman.models.tag_regression import TagRegression
from elman.progress import Progress
from elman.storage import folder as model_folder
from elman.system.machine import available_cores, choose_device, choose_precision
from elman.tasks.tag.data import TaggedData, hold_out, read_sentences, unknown_tags
from elman.tasks.tag.job import TagJob, trained_ngrams
from elman.tasks.tag.model import Tagger
from elman.tasks.tag.plan import TagPlan
from elman.tasks.tag.recipe import choose_plan
from elman.tasks.tag.request import TagDataConfig, TagRequest
from elman.tasks.tag.sentences import hash_of
from elman.text.sources import find_sources

if TYPE_CHECKING:
    from elman.training.objective import Arrays

RATE = 1e-3
"""A quarter of that of a new tagger: what is known should move little."""
EPOCHS = 10
REPLAYED = 20
"""So many old sentences are read again for each new one."""
FEWEST_REPLAYED = 500
MOST_REPEATS = 20
"""New sentences are repeated until they are a fifth of what is read, but no more often than
this."""
_MOST_TIMES = 100
"""How often a tagger may have gone on."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ContinuedJob(TagJob):
    """The training of a tagger that goes on."""

    tagger: Tagger
    """As it was before."""
    before: dict[str, float]
    """Its figures on the validation part."""
    new: int
    """Sentences that it has not been trained on."""

    @cached_property
    def _start(self) -> Path:
        assert self.tagger.folder is not None
        return self.tagger.folder

    def static_files(self) -> dict[str, bytes]:
        files = {**model_folder.static_files(self._start), **self.contexts.to_files()}
        files.pop(NGRAMS_FILE, None)
        return files if self.ngrams is None else {**files, NGRAMS_FILE: self.ngrams.to_bytes()}

    def first_weights(self) -> "Arrays":
        return model_folder.read_arrays(self._start / model_folder.WEIGHTS_FILE)

    @property
    def is_known(self) -> Callable[[str], bool]:
        return self.features.is_known

    def finish(self) -> dict[str, Any]:
        card = super().finish()
        after = card["figures"]["valid"]
        name = "accuracy" if self.tagger.scheme is None else "f1"
        was, now = self.before[name], after[name]
        self.progress.say(
            f"{'accuracy' if name == 'accuracy' else 'F1 of spans'} on the validation part: {100 * was:.2f}% before, "
            f"{100 * now:.2f}% after"
        )
        if now < was:
            self.progress.say(
                "note: that is less than before; give the old training data as further source, of which a part is "
                "read again, or train shorter, as with --epochs 2"
            )
        card["figures"] = {"valid before": self.before, **card["figures"]}
        card["data"]["new"] = self.new
        return card


def is_tagger(folder: Path) -> bool:
    """Whether a folder holds a tagger."""
    return model_folder.read_config(folder)[0] == "tagger"


def continued_job(
    request: TagRequest, *, folder: Path, start: Path, plan: TagPlan | None = None, progress: Progress
) -> ContinuedJob:
    """The job of a tagger that goes on, new or resumed.

    Args:
        start: the tagger's folder; it is only read.
        plan: that of an interrupted training.

    Raises:
        UsageError: the request contradicts the tagger, or the data has other tags.
        FolderError: it is damaged or gone.
    """
    tagger = Tagger.load(start)
    request = dataclasses.replace(request, continues=os.path.abspath(start), data=_data_config(request.data, tagger))
    _check(request, tagger, start)
    data, new = _read(request, tagger, start, progress)
    before = tagger.figures(data.valid)
    if plan is None:
        settings = {"rate": RATE, **request.fixed.plan}
        words = sum(map(len, data.train))
        plan = choose_plan(settings, words=words, sentences=len(data.train), vectors=False)
        threads = request.threads or available_cores()
        precision = choose_precision(request.precision, device=choose_device(plan.device))
        plan = plan.replace(precision=precision, threads=threads)
        epochs = request.epochs or EPOCHS
        per_epoch = -(-len(data.train) // plan.batch)
        updates = request.updates or max(1, round(epochs * per_epoch))
        plan = plan.replace(updates=updates, validations=max(1, min(round(epochs), updates)))
        if request.minutes is None and request.default_minutes is not None:
            # Without a length, a few epochs are right, however long they take.
            request = dataclasses.replace(request, updates=updates)
        progress.say(f"{start} goes on: {plan.in_words}")
        ngrams = None if tagger.ngrams is None else trained_ngrams(data, plan, progress, start=tagger.ngrams)
    else:
        ngrams = TagRegression.from_files(model_folder.static_files(folder), tags=len(data.tags))
    return ContinuedJob(
        request=request,
        folder=folder,
        progress=progress,
        config=tagger.config,
        plan=plan,
        data=data,
        features=tagger.tagger.features,
        ngrams=ngrams,
        contexts=tagger.contexts,
        tagger=tagger,
        before=before,
        new=new,
    )


def _check(request: TagRequest, tagger: Tagger, start: Path) -> None:
    config = tagger.config.to_json()
    for name, value in request.fixed.config.items():
        if name in config and name != "cell" and config[name] != value:
            raise UsageError(
                f"--from keeps the sizes of {start}, where {name} is {config[name]}; leave out "
                f"--{name.replace('_', '-')}"
            )
    if request.language_models:
        raise UsageError(f"{start} goes on with what it reads now; give no language model beside it")
    if request.vectors is not None:
        raise UsageError(f"--from keeps the embeddings of {start}; leave out --vectors")
    if request.data.min_count is not None:
        raise UsageError(f"--from keeps the words of {start}; leave out --min-count")


def _data_config(given: TagDataConfig, tagger: Tagger) -> TagDataConfig:
    """How new data is read: the tags are where they were, unless the user says otherwise."""
    return given if given.field is not None else given.replace(field=tagger.field)


def _read(request: TagRequest, tagger: Tagger, start: Path, progress: Progress) -> tuple[TaggedData, int]:
    """The data, and how many of its training sentences are new."""
    tags, notes = tagger.label_set, list[str]()
    history = _history(start)
    # Files of corrections grow: only those of the very first training are old.
    first = history[-1].sources if history and history[-1].continues is None else ()
    of_then = {os.path.realpath(source) for source in first}
    new_sources, old_sources = [], []
    for source in find_sources(list(request.sources), progress=progress):
        (old_sources if os.path.realpath(source.name) in of_then else new_sources).append(source.name)
    read = _Reader(request.data, tagger, progress, notes)
    new = read(new_sources, "training", tags)
    old = read(old_sources, "old training", tags)
    if not new:
        raise UsageError(f"{start} has been trained on all of these files; name a file with new sentences, too")
    valid = read(request.valid, "validation")
    for then in history:
        valid = valid or _valid_of(then, tagger, progress)
    if not valid:
        progress.say(f"note: the validation part of {start} is not there any more; some of the new data is held out")
        new, valid = hold_out(new)
    # What is measured must not be learned: the old files hold the validation part too.
    measured = {sentence.words for sentence in valid}
    old = [sentence for sentence in old if sentence.words not in measured]
    replayed = random_part(old, max(REPLAYED * len(new), FEWEST_REPLAYED))
    overlap = sum(sentence.words in measured for sentence in new)
    if overlap:
        notes.append(f"{overlap} new sentences are in the validation part too, so its figure is too good for them")
    times = min(MOST_REPEATS, max(1, -(-len(replayed) // (4 * len(new)))))
    if old_sources:
        often = f", each {times} times," if times > 1 else ""
        notes.append(f"{len(new):,} new sentences{often} and {len(replayed):,} of {len(old):,} old ones read again")
    else:
        notes.append(
            f"{len(new):,} new sentences alone; with the old training data as further source, a part of it is read "
            "again"
        )
    test = read(request.test, "test")
    for name, part in (("validation", valid), ("test", test)):
        notes += unknown_tags(part, tags, name)
    train = [*new * times, *replayed]
    for note in notes:
        progress.say(f"note: {note}")
    progress.say(f"{len(train):,} training sentences, {len(valid):,} to validate")
    digest = hash_of(train, valid, test)
    return TaggedData(tags, tagger.scheme, train, valid, test, digest, tuple(notes)), len(new)


class _Reader:
    """Reads files as the tagger needs them: in its scheme, with its tags."""

    def __init__(self, config: TagDataConfig, tagger: Tagger, progress: Progress, notes: list[str]) -> None:
        self._config, self._tagger, self._progress, self._notes = config, tagger, progress, notes

    def __call__(self, sources: Sequence[str], name: str, tags: LabelSet | None = None) -> list[TaggedSentence]:
        """The sentences of files.

        Args:
            tags: the tags that they may have; None allows all.

        Raises:
            UsageError: a sentence has another tag.
        """
        found: list[TaggedSentence] = []
        for source in sources:
            found += self._sentences(source, name)
        for sentence in found if tags is not None else ():
            for place, tag in enumerate(sentence.tags):
                if tags is not None and tags.id_of(tag) is None:
                    shown = ", ".join(tags.names[:12]) + (", ..." if len(tags) > 12 else "")
                    raise UsageError(
                        f"{sentence.position_of(place)}: tag {tag!r} is new to the tagger, which knows: {shown}; mend "
                        "the tag, or train a new tagger on all data"
                    )
        return found

    def _sentences(self, source: str, name: str) -> list[TaggedSentence]:
        config = self._config
        known = formats_of_suffix(Path(source.removesuffix(".gz")).suffix)
        if (
            config.format == AUTO
            and config.field is not None
            and not all(each.has_field(config.field) for each in known)
        ):
            config = config.replace(field=None)  # a field of the tagger's first files, in another format
        found = list(read_sentences([source], config, self._progress))
        if self._tagger.scheme is None:
            return found
        found, report = in_scheme(found, self._tagger.scheme, scheme=config.scheme, strict=config.strict)
        self._notes += [f"{name} part: {note}" for note in report.notes]
        return found


def _history(start: Path) -> list[TagRequest]:
    """What the tagger's trainings were asked for, the last one first, as far as folders still
    say."""
    found: list[TagRequest] = []
    folder: str | None = str(start)
    while folder is not None and len(found) < _MOST_TIMES:
        then = TagRequest.of_training(Path(folder))
        found += [] if then is None else [then]
        folder = None if then is None else then.continues
    return found


def _valid_of(then: TagRequest, tagger: Tagger, progress: Progress) -> list[TaggedSentence]:
    """The validation part of the tagger's training; none if its files are gone or have changed."""
    wanted = tagger.card.get("data", {}).get("valid", {}).get("hash")
    sources = then.valid or then.sources
    # A folder may come from elsewhere: nothing but plain files is read.
    if not wanted or not all(os.path.isfile(source) for source in (*sources, *then.sources)):
        return []
    try:
        found = list(read_sentences(sources, then.data, progress))
        valid = found if then.valid else hold_out(found)[1]
        train = found if not then.valid else list(read_sentences(then.sources, then.data, progress))
        scheme = in_scheme(train, scheme=then.data.scheme)[1].scheme
        if scheme is not None:
            valid = in_scheme(valid, scheme=scheme)[0]
    except ElmanError:
        return []
    return valid if hash_of(valid) == wanted else []
