"""Runs of small language models, as the training loop gets them."""

import dataclasses
from pathlib import Path
from typing import Any

from elman.data.preprocessing import DataConfig, prepare_data
from elman.models.network_config import NeuralConfig
from elman.progress import Progress
from elman.storage import folder as model_folder
from elman.storage.language import language_files
from elman.tasks.language.objective import LanguageObjective
from elman.tasks.language.plan import LanguagePlan
from elman.training.objective import Arrays
from elman.training.run import Run
from elman.training.training import Training


def make_run(text: Path, folder: Path, config: NeuralConfig, **plan: Any) -> Run:
    """A run on a text whose blocks are documents, into ``folder``/model."""
    data = prepare_data([str(text)], config=DataConfig(document="block"), cache=folder / "cache", progress=Progress())
    out = folder / "model"
    (out / "training").mkdir(parents=True)
    files = language_files(data.tokenizer, data.speller)
    model_folder.write_static_files(out, kind=config.cell, config=config.to_json(), files=files)
    settings = {"updates": 12, "batch": 4, "bptt": 7, "rate": 0.01, "validations": 3, **plan}
    objective = LanguageObjective(
        config,
        LanguagePlan(**settings),
        vocab=data.tokenizer.size,
        speller=data.speller,
        train=data.train,
        valid=data.valid,
    )
    return Run(folder=out, objective=objective, plan=objective.plan, progress=Progress())


def begun_with(run: Run, arrays: Arrays) -> Run:
    """The run with other first weights."""
    old = run.objective
    assert isinstance(old, LanguageObjective)
    data = {"vocab": old.vocab, "speller": old.speller, "train": old.train, "valid": old.valid}
    return dataclasses.replace(run, objective=LanguageObjective(old.config, old.plan, **data, start=arrays))


def make_training(run: Run) -> Training:
    """What an update of the run changes."""
    return Training(run.objective, run.plan)
