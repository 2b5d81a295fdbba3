import dataclasses
from typing import Any, Literal

import pytest

from elman.config import Config, field_docs
from elman.errors import UsageError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shape(Config):
    size: int
    """How big it is,
    in units."""
    rate: float = 0.5
    """How fast."""
    kind: Literal["a", "b"] = "a"
    name: str | None = None


def test_round_trip_keeps_every_field() -> None:
    shape = Shape(size=3, rate=0.25, kind="b", name="x")
    assert shape.to_json() == {"size": 3, "rate": 0.25, "kind": "b", "name": "x"}
    assert Shape.from_json(shape.to_json()) == shape


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"size": 3, "siez": 4}, "Shape: unknown key 'siez'; known: size, rate, kind, name"),
        ({}, "Shape: key 'size' is missing"),
        ({"size": "3"}, "size is '3'; it must be a whole number"),
        ({"size": True}, "size is True; it must be a whole number"),
        ({"size": 1.5}, "size is 1.5; it must be a whole number"),
        ({"size": 3, "kind": "c"}, "kind is 'c'; it must be 'a' or 'b'"),
        ({"size": 3, "name": 4}, "name is 4; it must be a string or null"),
        ([1], "Shape: expected an object of settings, got list"),
    ],
)
def test_what_does_not_fit_is_named(values: object, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        Shape.from_json(values)  # type: ignore[arg-type]
    assert str(caught.value) == message


def test_whole_numbers_become_the_floats_they_stand_for() -> None:
    assert isinstance(Shape(size=1, rate=2).rate, float)


def test_docs_are_the_strings_under_the_fields() -> None:
    assert field_docs(Shape) == {"size": "How big it is, in units.", "rate": "How fast."}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sizes(Config):
    layers: tuple[int, ...] = ()
    names: tuple[str, ...] = ()


def test_members_of_a_tuple_are_checked_by_its_hint() -> None:
    assert Sizes(layers=(2, 3), names=("a",)).layers == (2, 3)
    wrong: list[dict[str, Any]] = [{"layers": ("a",)}, {"names": (1,)}, {"layers": [1]}]
    for values in wrong:
        with pytest.raises(UsageError, match=f"{next(iter(values))} is "):
            Sizes(**values)
