"""The figures of a model of outcomes, next to those of its rivals."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from elman.data.columns import ColumnTable, read_columns, time_of, times_of
from elman.errors import UsageError
from elman.evaluation.outcomes import OutcomeReport, evaluate_outcomes
from elman.progress import Progress, counted
from elman.tasks.outcome.data import OutcomeData, read_data
from elman.tasks.outcome.logits import whole_logits
from elman.tasks.outcome.request import OutcomeRequest
from elman.tasks.outcome.rivals import Rivals, trained_rivals

if TYPE_CHECKING:
    from elman.tasks.outcome.model import OutcomeModel

_NONE = np.zeros(0, np.int64)


def evaluate_part(
    model: "OutcomeModel",
    data: OutcomeData,
    rows: NDArray[np.int64],
    *,
    rivals: Rivals,
    notes: Sequence[str] = (),
) -> OutcomeReport:
    """The figures of a model on some rows of a history, each predicted from the rows before it."""
    rows = rows[data.targets[rows] >= 0]
    logits, _ = whole_logits(model.network, data)
    return evaluate_outcomes(
        data.targets[rows],
        model.probabilities_of(logits[rows]),
        names=model.labels,
        ordered=data.encoding.ordered,
        rivals=rivals.beside(data, rows),
        model=str(model.describe()["name"]),
        notes=[*notes, *rivals.notes],
        facts={"model": model.model_hash[:8], "data": data.table.take(rows.tolist()).hash[:12], "rows": str(len(rows))},
    )


def evaluate_sources(
    model: "OutcomeModel", sources: Sequence[str], *, settings: Mapping[str, Any], rival: bool, progress: Progress
) -> OutcomeReport:
    """The figures of a model on the rows of files.

    Where the rows have times, those up to the end of the training part only update states. The
    history before a file is that of training, if the training data still exists.
    """
    request, encoding = OutcomeRequest.of_training(model.folder), model.encoding
    if request is None:
        raise UsageError("the folder lacks training/plan.json, which says how its rows are read; copy the whole folder")
    config = request.data.replace(**settings)
    table = read_columns(sources, config=config, progress=progress)
    known = [row for row, cell in enumerate(table.column(encoding.target)) if cell]
    notes = (
        [] if len(known) == len(table) else [f"left out: {counted(len(table) - len(known), 'row')} without an outcome"]
    )
    table = table.take(known)
    trained, why = OutcomeRequest.data_of_training(
        model, lambda request: read_data(request, encoding=encoding, progress=Progress())
    )
    if trained is None:
        rivals = Rivals({}, [f"rivals were not compared: {why}"])
    else:
        rivals = trained_rivals(trained, skip=not (rival and request.rival), progress=progress)
    times: list[float] = times_of(table, encoding.time) if encoding.time is not None else []
    if times:
        order = sorted(range(len(times)), key=times.__getitem__)
        table, times = table.take(order), [times[row] for row in order]
    before = trained.table.take(trained.parts["train"].tolist()) if trained is not None else table.take([])
    before_times = [trained.times[row] for row in trained.parts["train"].tolist()] if trained and times else []
    if times:
        last = before_times[-1] if before_times else _last_of_training(model)
        later = [row for row, time in enumerate(times) if last is None or time > last]
        if not later:
            raise UsageError("all rows are of the training part's times; give later ones")
        if len(later) < len(times):
            notes.append(f"{counted(len(times) - len(later), 'row')} up to the end of the training part not judged")
        if before_times:
            table, times = table.take(later), [times[row] for row in later]
            later = list(range(len(later)))
        judged = np.array(later, np.int64) + len(before)
    else:
        judged = np.arange(len(table)) + len(before)
    joint = _joint(before, table)
    data = OutcomeData(
        joint, encoding, (*before_times, *times), {"train": _NONE, "valid": _NONE, "test": judged}, (), ()
    )
    strange = int((data.targets[judged] < 0).sum())
    if strange:
        notes.append(f"left out: {counted(strange, 'row')} whose outcome is not in the training data")
    return evaluate_part(model, data, judged, rivals=rivals, notes=notes)


def _joint(before: ColumnTable, table: ColumnTable) -> ColumnTable:
    names = before.columns if len(before) else table.columns
    columns = {
        name: tuple(before.columns.get(name, ())) + tuple(table.columns.get(name) or ("",) * len(table))
        for name in names
    }
    return ColumnTable(columns, before.positions + table.positions)


def _last_of_training(model: "OutcomeModel") -> float | None:
    return time_of(str(model.card.get("data", {}).get("train", {}).get("to", "")))
