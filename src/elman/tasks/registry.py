"""Every task, by name: one line each, imported on first use."""

from elman.errors import UsageError
from elman.models.registry import resolve
from elman.system.plugins import import_plugins
from elman.tasks.task import Task

TASKS: dict[str, str] = {
    "language": "elman.tasks.language.task:LanguageTask",
    "classify": "elman.tasks.classify.task:ClassifyTask",
    "tag": "elman.tasks.tag.task:TagTask",
    "translate": "elman.tasks.translate.task:TranslateTask",
    "caption": "elman.tasks.caption.task:CaptionTask",
    "outcome": "elman.tasks.outcome.task:OutcomeTask",
    "forecast": "elman.tasks.forecast.task:ForecastTask",
    "answer": "elman.tasks.answer.task:AnswerTask",
    "reply": "elman.tasks.reply.task:ReplyTask",
    "vectors": "elman.tasks.vectors.task:VectorsTask",
}
"""The class of each task, ``module:attribute``."""


def register_task(name: str, task: str) -> None:
    """Add a task by the dotted name ``module:class`` of its ``Task``.

    Raises:
        UsageError: the name is taken.
    """
    if TASKS.get(name, task) != task:
        raise UsageError(f"a task {name!r} is registered already; choose another name")
    TASKS[name] = task


def task_named(name: str) -> Task:
    """The task of a name; an unknown name first lets plugins register theirs.

    Raises:
        UsageError: there is none.

    >>> task_named("language").default_kind
    'lstm'
    """
    if name not in TASKS:
        import_plugins()
    if name not in TASKS:
        raise UsageError(
            f"--task is {name!r}; it must be one of: {', '.join(TASKS)}, or one that ELMAN_PLUGINS registers"
        )
    return resolve(TASKS[name])()
