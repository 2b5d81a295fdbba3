"""Stands in for the signal that stops a training: wants to stop after so many updates."""


class StopAfter:
    """``with StopAfter(3) as stop``: ``stop.wanted`` is false twice, then true."""

    def __init__(self, updates: int) -> None:
        self._left = updates

    def __enter__(self) -> "StopAfter":
        return self

    def __exit__(self, *error: object) -> None:
        pass

    @property
    def wanted(self) -> bool:
        self._left -= 1
        return self._left <= 0
