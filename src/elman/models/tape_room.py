"""Where a tape's vectors lie: each as long as something needs it, so that a step stays within the nearest cache."""

from elman.models.tape_things import Vector
from elman.models.tape_translation import Translation


def place(tape: Translation) -> tuple[list[tuple[int, ...]], dict[Vector, slice], int]:
    """The instructions with places in the room instead of vectors, the places of named ones, and the room's width."""
    end = len(tape.instructions)
    first: dict[int, int] = {tape.vector(name).made: -1 for name in tape.vectors}
    last: dict[int, int] = {}
    for number, fields in enumerate(tape.instructions):
        for field in fields:
            if isinstance(field, Vector):
                first.setdefault(field.made, number)
                last[field.made] = number
    last |= {tape.vector(name).made: end for name in tape.graph.outputs}
    places: dict[int, int] = {}
    free: list[tuple[int, int]] = []
    used: dict[int, list[int]] = {}
    """Vectors by the instruction that needs them last."""
    width = 0
    for made in sorted(first, key=lambda made: (first[made], made)):
        for number in [number for number in used if number < first[made]]:
            free += [(places[old], tape.sizes[old]) for old in used.pop(number)]
        free, size = _merged(free), tape.sizes[made]
        piece = min((piece for piece in free if piece[1] >= size), key=lambda piece: piece[1], default=None)
        if piece is None:
            places[made], width = width, width + size
        else:
            free.remove(piece)
            places[made] = piece[0]
            free += [(piece[0] + size, piece[1] - size)] if piece[1] > size else []
        used.setdefault(last.get(made, end), []).append(made)
    resolved = [
        tuple(places[field.made] + field.start if isinstance(field, Vector) else field for field in fields)
        for fields in tape.instructions
    ]
    spans = {}
    for vector in tape.named().values():
        begin = places[vector.made] + vector.start
        spans[vector] = slice(begin, begin + vector.size)
    return resolved, spans, max(width, 1)


def _merged(pieces: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Free pieces of the room, neighbours joined."""
    joined: list[tuple[int, int]] = []
    for place, size in sorted(pieces):
        if joined and sum(joined[-1]) == place:
            joined[-1] = joined[-1][0], joined[-1][1] + size
        else:
            joined.append((place, size))
    return joined
