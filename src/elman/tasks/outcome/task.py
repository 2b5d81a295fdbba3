"""Outcomes as a task: the columns of a row, known before, to what comes of it."""

from collections.abc import Iterable, Mapping
from typing import Any

from elman.progress import counted
from elman.tasks.network_task import NetworkTask
from elman.tasks.outcome.request import OutcomeRequest


class OutcomeTask(NetworkTask):
    """Predict outcomes from columns."""

    name = "outcome"
    request = OutcomeRequest
    default_kind = "lstm"
    cell_kind = "outcome"
    jobs = "elman.tasks.outcome.job"
    model = "elman.tasks.outcome.model:OutcomeModel"
    table = "elman.report.outcomes_page:outcomes_table"
    page = "elman.report.outcomes_page:write_outcomes_page"
    examples = "rows"
    reading = ("format", "encoding")

    def summary(self, card: Mapping[str, Any]) -> Iterable[str]:
        from elman.report.outcomes_page import outcomes_table

        for name, values in card.get("figures", {}).items():
            yield f"{name} ({counted(values['examples'], 'row')})"
            yield from outcomes_table(values).splitlines()
            yield ""

    def next_steps(self, folder: str) -> str:
        return f'elman predict {folder} "column=value, ..."   elman evaluate {folder} ROWS.csv   elman info {folder}'
