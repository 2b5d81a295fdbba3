"""Saved states, as the verbs read them."""

from pathlib import Path
from typing import Any

from elman.errors import FolderError, ModelError


def read_state(name: str, model: Any, *, flag: str) -> Any:
    """The state of one text in a file that ``flag`` names.

    Raises:
        FolderError: no such file.
        ModelError: damaged, of another model, or of several texts.
    """
    from elman.models.protocol import State

    try:
        data = Path(name).read_bytes() if Path(name).is_file() else None
    except OSError as error:
        raise FolderError(f"{flag} {name} cannot be read: {error.strerror}") from error
    if data is None:
        raise FolderError(f"{flag} {name} is not a file; give one that `elman score --save-state` wrote")
    state = State.from_bytes(data, like=model.start())
    if state.batch != 1:
        raise ModelError(
            f"{flag} {name} holds the states of {state.batch} texts; only a state of one text can be continued"
        )
    return state
