"""Outcomes as a task: the columns of a row, known before, to what comes of it."""

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
    heading = "{name} (rows: {examples:,})"
    commands = 'elman predict {folder} "column=value, ..."   elman evaluate {folder} ROWS.csv   elman info {folder}'
