"""Every error a user can meet, in one tree.

    ElmanError                  exit code 2, one line: what was given, what is allowed, what to do
    ├── UsageError              a value, flag or combination that is not allowed
    ├── TextError               text that cannot be read or is not enough
    ├── FolderError             a model folder: missing, in the way, damaged, too new, hostile
    ├── ModelError              a model that cannot do this, or a state of another model
    ├── TrainingError           training had to stop; the message says what was kept
    │   └── FirstEnded          the first of several processes stopped, and has told why
    ├── StorageError            the disk is full or not writable; nothing half-written stays
    ├── MissingExtra            an optional dependency is not installed
    └── Interrupted             Ctrl-C or SIGTERM; exit code 130; says how to resume

Programming mistakes inside elman stay ``assert`` and built-in exceptions.
"""

from typing import Self


class ElmanError(Exception):
    """A mistake that the user can fix; ``str(error)`` is one line for the terminal."""

    code = "error"
    exit_code = 2


class UsageError(ElmanError):
    """A value, flag or combination that is not allowed.

    Args:
        field: the setting that the message is about, or several; the message names it first. The
            command line calls it by its flag.
    """

    code = "usage"

    def __init__(self, message: str, *, field: str | tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.fields = (field,) if isinstance(field, str) else field

    @classmethod
    def of(cls, field: str, value: object, rule: str) -> Self:
        """A value that a setting must not have.

        >>> str(UsageError.of("beam_size", 0, "at least 1"))
        'beam_size is 0; it must be at least 1'
        """
        came = f"{value:g}" if isinstance(value, float) else repr(value)
        return cls(f"{field} is {came}; it must be {rule}", field=field)


class TextError(ElmanError):
    """Text that is missing, empty, binary, wrongly encoded or too little."""

    code = "text"


class FolderError(ElmanError):
    """A model folder that is missing, in the way, damaged, too new or hostile."""

    code = "folder"


class ModelError(ElmanError):
    """A model that cannot do what was requested, or a state of another model."""

    code = "model"


class TrainingError(ElmanError):
    """Training had to stop (a loss that is not finite, a resume that does not match)."""

    code = "training"


class FirstEnded(TrainingError):
    """The first process of a training ended without a model; its own message says why."""


class StorageError(ElmanError):
    """The disk is full or not writable."""

    code = "storage"


class MissingExtra(ElmanError):
    """An optional dependency is not installed."""

    code = "missing_extra"


class Interrupted(ElmanError):
    """The user stopped the work (Ctrl-C, SIGTERM); the message says how to resume."""

    code = "interrupted"
    exit_code = 130
