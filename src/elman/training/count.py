"""Fitting by counting: the n-gram's side of what ``trainer.fit`` does with gradients."""

from elman import folder as model_folder
from elman.models.ngram.query import NgramModel, fit_ngram
from elman.training.run import Run


def fit(run: Run) -> NgramModel:
    """Count, smooth, write the weights."""
    model = fit_ngram(
        run.train.ids,
        run.train.documents,
        run.tokenizer,
        config=run.config,  # type: ignore[arg-type]
        progress=run.progress,
    )
    for note in model.notes:
        run.progress.say(f"note: {note}")
    model_folder.write_weights(run.folder, model.to_arrays())
    return model
