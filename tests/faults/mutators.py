"""Changes of files at random, as damaged disks, other programs and attackers make them."""

import json
import random
import re
from collections.abc import Callable
from typing import Any

ODD = (
    b"\0", b"\xff", b"\n", b"\r", b" ", b"\t", b",", b'"', b"nan", b"inf", b"-inf", b"1e999", b"1e30", b"-1", b"0",
    b"9" * 20, b"9" * 5000, b"\xff\xff\xff\x7f", b"\xff" * 8, b"\x80" * 8, b"\0" * 8, "\u2028".encode(),
    b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\\ud800", b"\\N", b"<unk>", b"</s>", b"=", b"{", b"]",
)  # fmt: skip
"""Bytes that are put in."""
_NUMBER = re.compile(rb"-?\d+(\.\d+)?")
_NUMBERS = (
    b"-1",
    b"0",
    b"1e9",
    b"1e400",
    b"nan",
    b"2147483648",
    b"18446744073709551616",
    b"9" * 400,
    b"1e-400",
    b"0x1F",
)


def _flip(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.randint(1, 4)):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _cut_off(data: bytearray, rng: random.Random) -> None:
    del data[rng.randrange(len(data)) :]


def _leave_out(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(data))
    del data[at : at + rng.choice([1, 4, 8, 20, 200])]


def _repeat(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(data))
    data[at:at] = data[at : at + rng.choice([1, 8, 40, 400])] * rng.choice([1, 1, 2, 50])


def _put_in(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(data) + 1)
    data[at:at] = rng.choice(ODD)


def _overwrite(data: bytearray, rng: random.Random) -> None:
    at, odd = rng.randrange(len(data)), rng.choice(ODD)
    data[at : at + len(odd)] = odd


def _change_number(data: bytearray, rng: random.Random) -> None:
    numbers = list(_NUMBER.finditer(data))
    if numbers:
        start, end = rng.choice(numbers).span()
        data[start:end] = rng.choice(_NUMBERS)


def _move_lines(data: bytearray, rng: random.Random) -> None:
    lines = bytes(data).splitlines(keepends=True)
    one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    data[:] = b"".join(lines)


def _nest(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(data) + 1)
    data[at:at] = rng.choice([b"[", b'{"a":', b"(", b"<"]) * rng.choice([10, 3000, 20_000])


_CHANGES: tuple[Callable[[bytearray, random.Random], None], ...] = (
    _flip, _flip, _cut_off, _leave_out, _repeat, _put_in, _put_in, _overwrite, _change_number, _change_number,
    _move_lines, _nest,
)  # fmt: skip


def mutated(data: bytes, rng: random.Random) -> bytes:
    """One to three changes, more often near the beginning, where the headers are.

    >>> mutated(b"2 3\\nking 1 2 3\\n", random.Random(3))
    b'2 3\\nk'
    """
    changed = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        if not changed:
            break
        head = rng.random() < 0.4
        part = changed[:160] if head else changed
        rest = changed[160:] if head else bytearray()
        rng.choice(_CHANGES)(part, rng)
        changed = part + rest
    return bytes(changed)


_VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 1 << 63, 10**400, 1e308, 0.5, "", "\0", "x" * 100_000, "\U0001f600 \u202e", "\\", [], {}, [[]],
    [None], {"": 0}, [0] * 3000, "a " * 3000,
)  # fmt: skip


def mutated_json(value: Any, rng: random.Random) -> bytes:
    """A JSON text with one value replaced, left out or doubled, or with bytes changed."""
    value = json.loads(json.dumps(value))
    places = [(value, key) for key in value] + [
        (inner, key)
        for inner in value.values()
        if isinstance(inner, dict | list) and inner
        for key in (inner if isinstance(inner, dict) else range(len(inner)))
    ]
    if places:
        within, key = rng.choice(places)
        if rng.random() < 0.15:
            del within[key]
        else:
            within[key] = rng.choice(_VALUES)
    text = json.dumps(value).encode()
    return mutated(text, rng) if rng.random() < 0.3 else text
