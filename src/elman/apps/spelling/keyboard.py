"""Neighbours on the keys of a keyboard (QWERTY)."""

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_SHIFTS = (0.0, 0.25, 0.75)
"""How far each row stands to the right, in keys."""


def _neighbours() -> dict[str, frozenset[str]]:
    places = {
        key: (number, shift + place)
        for number, (row, shift) in enumerate(zip(_ROWS, _SHIFTS, strict=True))
        for place, key in enumerate(row)
    }
    return {
        key: frozenset(
            other
            for other, (row, place) in places.items()
            if other != key and abs(row - own) <= 1 and abs(place - at) <= 1
        )
        for key, (own, at) in places.items()
    }


NEIGHBOURS = _neighbours()
"""The keys around each key.

>>> sorted(NEIGHBOURS["g"])
['b', 'f', 'h', 't', 'v', 'y']
"""
