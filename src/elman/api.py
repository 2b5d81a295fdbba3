"""Training, loading, mixing, adapting and rescoring, as ``import elman`` gives them."""

import dataclasses
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Literal, overload

from elman.apps.rescore import RescoreConfig, Rescored
from elman.apps.rescoring import Lists, load_lists, rescore_loaded
from elman.apps.text_rules import TextRules
from elman.errors import UsageError
from elman.evaluation.adaptation import Tuning
from elman.evaluation.mixing import fit_mixture
from elman.evaluation.splits import held_out_text
from elman.models.registry import entry
from elman.progress import Progress
from elman.storage import folder as model_folder
from elman.system.launcher import TIMEOUT, check_timeout
from elman.system.machine import cache_folder
from elman.tasks.fitting import resume_model, train_model
from elman.tasks.language import model as language
from elman.tasks.language.mixture import mixed_model, spelled, with_text
from elman.tasks.language.model import Context, Model
from elman.tasks.registry import task_named
from elman.text.corpus import CorpusConfig, Sources, read_text
from elman.text.store import Text


def _listed(sources: Sources) -> tuple[str, ...]:
    return (str(sources),) if isinstance(sources, (str, Path)) else tuple(str(source) for source in sources)


@overload
def train(*sources: str | Path, task: Literal["language"] | None = None, **options: Any) -> Model: ...
@overload
def train(*sources: str | Path, task: str | None, **options: Any) -> Any: ...
def train(
    *sources: str | Path,
    task: str | None = None,
    out: str | Path | None = None,
    model: str | None = None,
    valid: Sources = (),
    test: Sources = (),
    minutes: float | None = None,
    epochs: float | None = None,
    updates: int | None = None,
    start: Sources | None = None,
    precision: str = "auto",
    threads: int | None = None,
    tensorboard: bool = False,
    timeout: float = TIMEOUT,
    progress: Progress | None = None,
    **settings: Any,
) -> Any:
    """Train a model: a language model on texts, or a model of another task on its data.

    Args:
        sources: files, folders, globs, ``-`` or ``builtin:NAME``.
        task: as `elman train --task`: ``language``, ``classify``, ``tag`` and so on; by default
            that of ``start``, or language.
        out: the new model folder; by default a temporary one, so ``save`` models that you want to
            keep.
        model: lstm, gru, rnn, rnn-relu, mingru, minlstm, rglru, feed-forward, conv, transformer,
            ngram or a cell of your own (``register_cell``); by default the kind of ``start``, or
            lstm. For vectors: skipgram, cbow, fasttext, glove or ppmi (by default chosen by the
            text's size), or tfidf for documents.
        valid: texts to validate on; by default a part of ``sources`` is held out.
        test: texts to report on at the end.
        minutes: how long to train; or ``epochs``; or ``updates``. By default 5 minutes.
        start: a model folder to continue from with new text; for ``tag``, one or several language
            models whose states are features of words.
        timeout: seconds that processes of `torchrun` wait for each other.
        settings: anything else that `elman train --help` lists, such as ``level="char"``,
            ``order=3``, ``hidden_size=256`` or ``dropout=0.3``.

    Returns:
        A language ``Model``, or the model of another task.

    Raises:
        ElmanError: whatever is wrong, in one line.
    """
    if not sources and not settings.get("source"):
        raise UsageError("no text was given; name files, folders, globs, - for stdin, or builtin:pydocs")
    folders = _listed(start or ())
    if task is None:
        task = entry(model_folder.read_config(Path(folders[0]))[0]).task if folders and model is None else "language"
    chosen = task_named(task)
    first, more = chosen.starts(folders)
    if model is None:
        model = chosen.model_of(first) if first else chosen.default_kind
    kind, implied = chosen.kind_of(model)
    request = chosen.request.of(
        kind=kind,
        sources=tuple(str(source) for source in sources),
        valid=_listed(valid),
        test=_listed(test),
        minutes=minutes,
        epochs=epochs,
        updates=updates,
        precision=precision,
        threads=threads,
        tensorboard=tensorboard,
        settings={**settings, **implied, **more},
    )
    # A temporary folder is removed once all of it is in memory; after an interruption it stays, to
    # be resumed.
    path = Path(out) if out is not None else Path(tempfile.mkdtemp(prefix="elman-model-"))
    train_model(
        request,
        out=path,
        start=first,
        progress=progress or Progress(),
        pictures=out is not None,
        timeout=check_timeout(timeout),
    )
    trained = chosen.load(path, torch=True)
    if out is None:
        trained.keep_in_memory()
        shutil.rmtree(path, ignore_errors=True)
    return trained


def mix(
    models: Sequence[Model],
    tune: Sources | Text | None = None,
    *,
    context: Context = "document",
    config: CorpusConfig | None = None,
    progress: Progress | None = None,
) -> Model:
    """Mix models with the same types into one, the weights fitted by EM.

    ``save`` writes the mixture with all its parts into a folder of its own. Its ``card`` has the
    weights under ``mixture``, and the figures of the parts and of the mixture on the text.

    Args:
        models: two or more results of ``train`` or ``load``.
        tune: text to fit the weights on, never the text that you report on; default: the validation
            text named in a model's card.
        context: as for ``Model.evaluate``.
        config: how ``tune`` is read.

    Raises:
        ModelError: the models' types differ.
        UsageError: fewer than two models, or no text to tune on.
    """
    progress = progress or Progress()
    if len(models) < 2:
        raise UsageError(f"a mixture needs two models or more; you gave {len(models)}")
    with _tuning_text(with_text(models), tune, config, progress) as text:
        parts = [model.lm for model in models]
        fitted = fit_mixture(parts, models[0].speller, text, context=context, progress=progress)
        tuned = {"tuned_on": text.sha256, "tuned_tokens": fitted.mixture.tokens, "context": context}
    mixed = mixed_model(models, fitted.weights, **tuned, figures=fitted.mixture.figures())
    for part, tally in zip(mixed.card["mixture"]["parts"], fitted.parts, strict=True):
        part["figures"] = tally.figures()
    progress.say(f"mixture: {spelled(mixed)}")
    return mixed


def adapt(
    model: Model,
    *,
    tune: Sources | Text | None = None,
    mix: Sequence[Model] = (),
    cache: bool = False,
    dynamic: bool = False,
    temperature: bool = False,
    context: Context = "document",
    config: CorpusConfig | None = None,
    progress: Progress | None = None,
) -> Model:
    """A model that adapts to what it reads, with parameters fitted on ``tune``.

    Its state holds what it has read: with ``context`` carry it keeps adapting over all texts; with
    document it starts afresh at each document, with independent at each line.

    Args:
        model: a result of ``train`` or ``load``.
        tune: text to fit on, never the text that you report on; default: the validation text named
            in the model card.
        mix: models with the same types to mix in.
        cache: whether to boost words that recently followed a similar context (continuous cache).
        dynamic: whether to keep training the network while it reads (dynamic evaluation; slow: a
            gradient step every 20 tokens).
        temperature: whether to fit a softmax temperature (slow: computes all types for every
            token).
        context: how the adapted model will be used, as for ``Model.evaluate``.
        config: how ``tune`` is read.

    Raises:
        ModelError: the models' types differ, or one cannot adapt like that.
        UsageError: no adaptation was requested, or there is no text to tune on.
    """
    switches = {"mix": bool(mix), "cache": cache, "dynamic": dynamic, "temperature": temperature}
    wanted = [name for name, on in switches.items() if on]
    options = {"context": context, "config": config, "progress": progress}
    (found,) = (step for name, step in adapt_steps(model, wanted, mix=mix, tune=tune, **options, last=True))
    return found


def adapt_steps(
    model: Model,
    wanted: Sequence[str],
    *,
    tune: Sources | Text | None = None,
    mix: Sequence[Model] = (),
    context: Context = "document",
    config: CorpusConfig | None = None,
    progress: Progress | None = None,
    last: bool = False,
) -> Iterator[tuple[str, Model]]:
    """Like ``adapt``: the model itself, then with each adaptation of ``wanted`` added in turn.

    Args:
        wanted: of mix, cache, dynamic and temperature.
        last: only the last one, with all adaptations.
    """
    if not wanted:
        raise UsageError("no adaptation was requested; give at least one of: mix, cache, dynamic, temperature")
    progress = progress or Progress()
    if "dynamic" in wanted and model.folder and getattr(model.lm, "rounded", False):
        model = language.load(model.folder, torch=True)
    with ExitStack() as opened:
        text = opened.enter_context(_tuning_text(model, tune, config, progress))
        tuning = Tuning(model.lm, [each.lm for each in mix], text, context=context, progress=progress)
        if "dynamic" in wanted:
            tuning.check_learns()
        if not last:
            yield "static", model
        for count in range(len(wanted) if last else 1, len(wanted) + 1):
            lm, facts = tuning.adapted(**dict.fromkeys(wanted[:count], True))
            card = {"model": {"hash": lm.model_hash}, "adaptation": facts}
            yield wanted[count - 1], Model(lm, model.speller, card=card)


def rescore(
    model: Model,
    nbest: Lists,
    *,
    references: str | Path | None = None,
    tune: Lists | None = None,
    tune_references: str | Path | None = None,
    others: Sequence[Model] = (),
    weights: str | Path | dict[str, Any] | None = None,
    cache: bool = False,
    format: str | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> Rescored:
    """Choose again among a recogniser's hypotheses: n-best lists of speech, print, handwriting or
    translation.

    Args:
        nbest: a file or folder in any format of ``elman rescore``; or lists such as
            ``{"hyps": [["in the end", -3.2], ["in the and", -3.5]], "ref": "in the end"}``.
        references: a file of what was said.
        tune: a development part; the weights are fitted to the fewest word errors on it.
        tune_references: its references.
        others: more models, with any vocabularies, each with a weight of its own.
        weights: instead of ``tune``: numbers by the name of the score, or a file of them.
        cache: whether words of earlier utterances are boosted, with ``context="document"``.
        format: of the file; by default it is recognised.
        settings: fields of ``RescoreConfig`` and ``TextRules``, such as ``context="document"`` or
            ``lowercase=True``.

    Returns:
        ``lists`` with the best hypothesis first, and the ``weights``;
        ``elman.apps.rescore_report.rescoring_figures`` gives word error rates.

    Raises:
        TextError: a file is broken; says where.
        UsageError: settings that do not fit.

    >>> import elman
    >>> lm = elman.train("builtin:pydocs", model="ngram", order=3)
    >>> lists = [{"hyps": [["Return the valley", -1.0], ["Return the value", -1.1]]}]
    >>> elman.rescore(lm, lists).lists[0].hypotheses[0].text
    'Return the value'
    """
    names = {field.name for field in dataclasses.fields(TextRules)}
    rules = TextRules.from_json({name: value for name, value in settings.items() if name in names})
    config = RescoreConfig.from_json({name: value for name, value in settings.items() if name not in names})
    lists = load_lists(nbest, references, format=format, progress=progress)
    development = None if tune is None else load_lists(tune, tune_references, format=format)
    if cache:
        if config.context != "document":
            raise UsageError("a cache remembers earlier utterances, so it needs context document")
        model = _with_cache(model, [each.reference for each in development or () if each.reference], progress)
    more = {"tune": development, "weights": weights, "config": config, "rules": rules, "progress": progress}
    return rescore_loaded(model, lists, others=others, **more)


def _with_cache(model: Model, lines: Sequence[str], progress: Progress | None) -> Model:
    """The model with a cache that is fitted on lines; without any, on the model's validation
    text."""
    if not lines:
        return adapt(model, cache=True, context="document", progress=progress)
    with tempfile.TemporaryDirectory(prefix="elman-references-") as folder:
        (file := Path(folder) / "references.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return adapt(model, cache=True, tune=file, context="document", progress=progress)


@contextmanager
def _tuning_text(
    model: Model, tune: Sources | Text | None, config: CorpusConfig | None, progress: Progress
) -> Iterator[Text]:
    """The given text, or the model's validation text."""
    if tune is None:
        with held_out_text(model.folder, model.card, progress=progress) as text:
            yield text
    else:
        config = (config or CorpusConfig()).replace(pretokenized=model.lm.tokenizer.config.pretokenized)
        with _opened(tune, config, progress) as text:
            yield text


@contextmanager
def _opened(sources: Sources | Text, config: CorpusConfig | None, progress: Progress) -> Iterator[Text]:
    if isinstance(sources, Text):
        yield sources
        return
    with read_text(sources, config=config, folder=cache_folder() / "texts", progress=progress) as text:
        yield text


def resume(folder: str | Path, *, timeout: float = TIMEOUT, progress: Progress | None = None) -> Any:
    """Resume an interrupted training; the result is that of an uninterrupted one.

    Raises:
        TrainingError: there is nothing to resume, or the data has changed.
    """
    path = Path(folder)
    resume_model(path, progress=progress or Progress(), timeout=check_timeout(timeout))
    return task_named(entry(model_folder.read_config(path)[0]).task).load(path, torch=True)


@overload
def load(
    folder: str | Path, *, task: Literal["language"], progress: Progress | None = None, torch: bool = False
) -> Model: ...
@overload
def load(folder: str | Path, *, task: None = None, progress: Progress | None = ..., torch: bool = ...) -> Any: ...
def load(
    folder: str | Path,
    *,
    task: Literal["language"] | None = None,
    progress: Progress | None = None,
    torch: bool = False,
) -> Any:
    """Read a model folder, an n-gram model from an ARPA file (plain or compressed), or word vectors
    from a file of word2vec, fastText or GloVe.

    Args:
        task: refuse a model of another task.
        torch: whether torch, if installed, computes a network, from the trained weights. By default
            elman's own engine computes it, in 8 bits where little is lost.

    Raises:
        FolderError: missing, damaged, too new or hostile.
    """
    path = Path(folder)
    if task is None and path.is_file():
        from elman.tasks.vectors.model import holds_vectors, load_any  # brings numba along

        if holds_vectors(path):
            return load_any(path, progress=progress)
    if task == "language" or path.is_file():
        return language.load(path, progress=progress, torch=torch)
    kind, _ = model_folder.read_config(path)
    return task_named(entry(kind).task).load(path, progress=progress, torch=torch)


__all__ = ["Model", "adapt", "load", "mix", "rescore", "resume", "train"]
