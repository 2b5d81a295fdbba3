"""The training of word vectors as a job: text, trainer, model card."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elman.data.vocabulary import VOCABULARY_FILE, Vocabulary
from elman.data.word_text import WordText, read_words
from elman.models.ngram.counting_memory import in_words
from elman.models.vectors.config import VectorsConfig
from elman.models.vectors.counting import Glove, Ppmi
from elman.models.vectors.glove import train_glove
from elman.models.vectors.negative_sampling import LOOPS as SAMPLING_LOOPS
from elman.models.vectors.negative_sampling import NegativeSampling
from elman.models.vectors.pairs_on_disk import Disk, memory_for_pairs, remove_pairs
from elman.models.vectors.ppmi import multiply
from elman.models.vectors.sampling import compiled_before
from elman.progress import Progress, counted
from elman.storage import folder as model_folder
from elman.system.machine import available_cores, fingerprint
from elman.tasks.job import Job
from elman.tasks.language.request import bytes_of
from elman.tasks.vectors.recipe import choose
from elman.tasks.vectors.request import VectorsRequest
from elman.tasks.vectors.training import Trainer, run
from elman.training.checkpoint import CHECKPOINT_FILE
from elman.training.plan import Plan

if TYPE_CHECKING:
    from elman.training.objective import Arrays, Objective


LOOPS = {**SAMPLING_LOOPS, "glove": train_glove, "ppmi": multiply}
"""The compiled loop in which each model spends its time."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class VectorsJob(Job):
    """One training of word vectors."""

    request: VectorsRequest
    config: VectorsConfig
    plan: None = None
    text: WordText

    @property
    def data_hash(self) -> str:
        return self.text.hash

    @property
    def fingerprint(self) -> dict[str, Any]:
        return fingerprint(threads=self.config.threads, precision="fp32")

    def static_files(self) -> dict[str, bytes]:
        return {VOCABULARY_FILE: self.text.vocabulary.to_bytes()}

    def objective(self, plan: Plan, start: "Arrays | None") -> "Objective":
        raise AssertionError("word vectors have a loop of their own")

    def finish(self) -> dict[str, Any]:
        training, text = self.folder / "training", self.text
        if not compiled_before(LOOPS[self.config.model]):
            self.progress.say("compiling the loops of word vectors; once on this machine, some 10 seconds")
        seconds = run(self._trainer(), self.folder, progress=self.progress)
        # First the checkpoint, which cannot be resumed without the text.
        (training / CHECKPOINT_FILE).unlink(missing_ok=True)
        WordText.remove(training)
        remove_pairs(training)
        rate = text.words * (self.config.epochs or 1) / max(seconds, 1e-9)
        return {**self.measure_again(), "speed": {"seconds": round(seconds, 2), "words_per_second": round(rate)}}

    def measure_again(self) -> dict[str, Any]:
        # Training again takes long, and with several threads gives other vectors.
        text, arrays = self.text, model_folder.read_arrays(self.folder / model_folder.WEIGHTS_FILE)
        return {
            "model": {
                "name": self.config.model,
                "size": f"{len(text.vocabulary)} x {self.config.dimensions}",
                "vocabulary": len(text.vocabulary),
                "dimensions": self.config.dimensions,
                "parameters": sum(array.size for array in arrays.values() if array.ndim == 2),
                "hash": model_folder.weights_digest(self.folder),
            },
            "data": {
                "sources": list(self.request.sources),
                "hash": text.hash,
                "words": text.read,
                "known_words": text.words,
                "reading": self.request.data.to_json(),
            },
            "figures": {},
        }

    def card(self, about: Mapping[str, Any], *, seconds: float) -> dict[str, Any]:
        # Its own clock goes on after an interruption.
        return super().card(about, seconds=about["speed"]["seconds"])

    def _trainer(self) -> Trainer:
        counting = {"ppmi": Ppmi, "glove": Glove}.get(self.config.model)
        if counting is None:
            return NegativeSampling(self.text, self.config)
        return counting(self.text, self.config, self.progress, self._disk())

    def _disk(self) -> Disk | None:
        """Where to count if memory is limited and may not suffice."""
        if self.request.max_ram is None:
            return None
        limit, window = bytes_of(self.request.max_ram), self.config.window
        assert window
        memory = memory_for_pairs(self.text.words, len(self.text.vocabulary), window)
        if memory <= limit:
            return None
        self.progress.say(
            f"counting may take {in_words(memory)} in memory, --max-ram is {in_words(limit)}: it is done on disk"
        )
        return Disk(self.folder / "training", limit)


def new_job(request: VectorsRequest, *, folder: Path, progress: Progress) -> VectorsJob:
    """Read the text and choose what the user left open."""
    training = folder / "training"
    training.mkdir(exist_ok=True)
    text = read_words(request.sources, config=request.data, folder=training, progress=progress)
    progress.say(
        f"text: {counted(text.read, 'word')}, {counted(len(text.vocabulary), 'type')} that occur "
        f"{request.data.min_count} times or more "
        f"({100 * text.words / text.read:.1f}% of the text)"
    )
    settings = {**request.settings, "lowercase": request.data.lowercase}
    most = 1 if settings.get("hierarchical") else _MOST_THREADS
    settings["threads"] = request.threads or min(available_cores(), most)
    config = choose(settings, words=text.words, progress=progress)
    return VectorsJob(request=request, folder=folder, progress=progress, config=config, text=text)


_MOST_THREADS = 16


def resumed_job(
    request: VectorsRequest, *, folder: Path, config: VectorsConfig, data_hash: str, progress: Progress
) -> VectorsJob:
    """The job of an interrupted training; its text lies in the folder."""
    vocabulary = Vocabulary.from_bytes(model_folder.static_files(folder)[VOCABULARY_FILE])
    text = WordText.open(folder / "training", vocabulary, data_hash=data_hash)
    return VectorsJob(request=request, folder=folder, progress=progress, config=config, text=text)
