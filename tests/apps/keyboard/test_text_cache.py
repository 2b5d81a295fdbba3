"""Results of typed texts: bounded, and without the texts."""

from tests.apps.keyboard.test_keyboard import ENGLISH, GERMAN, keyboard_model

from elman.apps.keyboard.keyboard import Keyboard
from elman.text.text_cache import TextCache


def strings_in(value: object, seen: set[int]) -> str:
    """All that the attributes and containers of a value hold, as one text."""
    if id(value) in seen:
        return ""
    seen.add(id(value))
    if isinstance(value, dict):
        return " ".join(strings_in(each, seen) for pair in value.items() for each in pair)
    if isinstance(value, list | tuple):
        return " ".join(strings_in(each, seen) for each in value)
    return strings_in(vars(value), seen) if hasattr(value, "__dict__") else repr(value)


def test_the_latest_are_kept() -> None:
    cache: TextCache[int] = TextCache(most=2)
    for number, text in enumerate(("a", "b", "c")):
        assert cache.get(text, lambda number=number: number) == number
    assert [cache.get(text, lambda: 9) for text in ("b", "c", "a", "b")] == [1, 2, 9, 9]


def test_a_keyboard_keeps_nothing_that_was_typed() -> None:
    keyboard = Keyboard([keyboard_model(ENGLISH, "the they cat"), keyboard_model(GERMAN, "die Katze")])
    keyboard.complete("the pinnumber teh 4831 and")
    held = strings_in(keyboard, set())
    assert "Katze" in held and not any(typed in held for typed in ("pinnumber", "4831", "teh"))
