"""The offers of a keyboard, from tables of probabilities, by hand."""

import math
from typing import Any

import pytest
from tests.decode.conftest import TableModel, fit

from elman.api import Model
from elman.apps.keyboard.corrections import LETTER
from elman.apps.keyboard.keyboard import Keyboard
from elman.apps.keyboard.keyboard_model import KeyboardModel
from elman.apps.keyboard.language_weights import SWITCH
from elman.apps.keyboard.learned_words import LearnedWords
from elman.apps.keyboard.simulated_typist import SimulatedTypist, mistyped
from elman.decode.completion import complete
from elman.decode.keystrokes import Keystrokes, type_line
from elman.errors import UsageError
from elman.text.speller import Speller

ENGLISH = {
    None: {" the": 0.5, " they": 0.25, " cat": 0.125, "<unk>": 0.125},
    " the": {" cat": 0.5, " they": 0.25, "<unk>": 0.25},
    " they": {" cat": 1.0},
    " cat": {"</s>": 0.5, "<unk>": 0.5},
    "<unk>": {" cat": 0.5, " the": 0.5},
    "</s>": {" the": 1.0},
}
GERMAN = {
    None: {" die": 0.75, " Katze": 0.125, "<unk>": 0.125},
    " die": {" Katze": 0.75, "<unk>": 0.25},
    " Katze": {"</s>": 0.5, "<unk>": 0.5},
    "<unk>": {" Katze": 0.5, " die": 0.5},
    "</s>": {" die": 1.0},
}


def keyboard_model(rows: dict[Any, dict[str, float]], *lines: str) -> KeyboardModel:
    return KeyboardModel(
        TableModel(fit("word", *lines), rows), Speller.fit({" die": 1, " Katze": 1, " the": 1, " cat": 1})
    )


@pytest.fixture
def english() -> KeyboardModel:
    return keyboard_model(ENGLISH, "the they cat")


@pytest.fixture
def german() -> KeyboardModel:
    return keyboard_model(GERMAN, "die Katze")


def test_corrections_by_hand(english: KeyboardModel) -> None:
    found = Keyboard([english]).complete("teh")
    # "the" and "they" at 4 nats, against an unknown word of three letters.
    the, they, new = 0.5 * math.exp(-4), 0.25 * math.exp(-4), 0.125 * math.exp(-3 * LETTER)
    # "cat" is 11.5 nats away.
    total = the + they + new
    assert found.words == [("the", pytest.approx(the / total)), ("they", pytest.approx(they / total))]
    assert (found.partial, found.kinds) == ("teh", {"the": "correction", "they": "correction"})
    assert found.oov == [] and found.typed == pytest.approx(total)


NOUNS = {
    None: {" ein": 0.5, " Haus": 0.25, " The": 0.25},
    " ein": {" hat": 0.125, " Haus": 0.5, " Hase": 0.125, " hase": 0.0625, " Hat": 0.0625, "<unk>": 0.125},
    " hat": {"</s>": 1.0},
    " Haus": {" hat": 0.5, "</s>": 0.5},
    "<unk>": {" Haus": 0.5, " hat": 0.5},
    "</s>": {"</s>": 1.0},
}


def test_nouns_begun_in_small_letters_by_hand() -> None:
    model = keyboard_model(NOUNS, "ein hat Haus Hase hase Hat The")
    found = Keyboard([model]).complete("ein ha")
    # hat, Haus, Hase and hase, Hat begin so; hat and Hase are likelier than Hat and hase.
    total = 0.125 + 0.5 + 0.125 + 0.0625 + 0.0625
    of = {"Haus": 0.5, "Hase": 0.125, "hat": 0.125, "hase": 0.0625}
    assert found.words == [(word, pytest.approx(mass / total)) for word, mass in of.items()]
    assert (found.typed, found.kinds, found.partial) == (pytest.approx(total), {}, "ha")
    # What is typed with its capital, or begun where a sentence may, is as before; and what is asked for as typed.
    assert [word for word, _ in Keyboard([model]).complete("ein Ha").words] == ["Haus", "Hase", "Hat"]
    assert Keyboard([model], typos=False).complete("ein ha") == complete(model.lm, "ein ha")
    assert [word for word, _ in Keyboard([model]).complete("ein ha", block=["Haus"]).words] == ["Hase", "hat", "hase"]


def test_a_misspelled_noun_is_read_as_meant_and_a_name_stays() -> None:
    model = keyboard_model(NOUNS, "ein hat Haus Hase hase Hat The")
    for typed in ("Huas", "huas"):
        assert Keyboard([model]).complete(f"ein {typed} h").read_as == {typed: "Haus"}
    # Only "hat" is near, which has no capital of its own there; and who learns words learns names.
    assert Keyboard([keyboard_model(GERMAN, "die Katze")]).complete("Dei K").read_as == {}
    keyboard = Keyboard([model], learned=LearnedWords())
    assert keyboard.learn("ein Huas ein huas") == ["Huas"]


def test_corrections_are_offered_only_for_what_hardly_begins_a_word(english: KeyboardModel) -> None:
    keyboard = Keyboard([english])
    for prompt in ("", "th", "the ", "the c", "the they", "the cat", "the;", "xqz", "the xqz"):
        assert keyboard.complete(prompt) == complete(english.lm, prompt), prompt
    assert Keyboard([english], typos=False).complete("teh") == complete(english.lm, "teh")
    assert Keyboard([english]).complete("teh", block=["the"]).words[0][0] == "they"


def test_corrections_are_written_as_the_mistyped_word(english: KeyboardModel) -> None:
    assert [Keyboard([english]).complete(typed, n=1).words[0][0] for typed in ("Teh", "TEH")] == ["The", "THE"]


def test_misspelled_words_before_the_cursor_are_read_as_meant(english: KeyboardModel) -> None:
    found = Keyboard([english]).complete("teh c")
    assert found.words == complete(english.lm, "the c").words
    assert (found.prompt, found.oov, found.read_as) == ("teh c", [], {"teh": "the"})
    # A name stays what it is.
    assert Keyboard([english]).complete("Teh c").oov == ["Teh"]


@pytest.mark.parametrize("sign", "'\u2019\u02bc")
def test_a_possessive_of_a_known_word_is_read_as_it_is(sign: str) -> None:
    rows = {None: {" the": 0.4, " cats": 0.4, " it's": 0.1, "<unk>": 0.1}, "<unk>": {" cats": 1.0}}
    keyboard = Keyboard([keyboard_model(rows, "the cats cat it's")])
    assert keyboard.complete(f"cat{sign}s c").read_as == {}
    assert keyboard.complete(f"teh{sign}s c").read_as == {f"teh{sign}s": f"the{sign}s"}


def test_learned_words_share_the_probability_of_unknown_ones(english: KeyboardModel) -> None:
    learned = LearnedWords()
    keyboard = Keyboard([english], learned=learned)
    assert keyboard.learn("the zebra\nthe zebra") == ["zebra", "zebra"] and keyboard.learn("the cat") == []
    found = keyboard.complete("the ")
    # P(unknown | the) = 1/4; zebra twice of one kind, all of them after "the": (2 + 1 * 2/3) / 3.
    assert dict(found.words) == {
        "cat": pytest.approx(0.5), "they": pytest.approx(0.25), "zebra": pytest.approx(8 / 9 / 4)
    }  # fmt: skip
    assert found.kinds == {"zebra": "learned"}
    assert keyboard.complete("the ze").words == [("zebra", pytest.approx(1))]
    assert keyboard.complete("the zebra").partial == "" and keyboard.complete("the", block=["zebra*"]).kinds == {}


def test_what_follows_a_learned_word_is_learned(english: KeyboardModel) -> None:
    keyboard = Keyboard([english], learned=LearnedWords())
    keyboard.learn("zebra they zebra they")
    # Twice, one kind: 2 of 3 for "they"; the others share a third.
    words = dict(keyboard.complete("zebra ").words)
    assert words["they"] == pytest.approx(2 / 3) and words["cat"] == pytest.approx(0.5 / 3)


def test_strict_knows_what_the_keyboard_knows(english: KeyboardModel, german: KeyboardModel) -> None:
    model, learned = Model(*english[:2]), LearnedWords()
    learned.learn("Zaphod Zaphod", known=lambda word: False)
    for prompt in ("the Zap", "Zaphod ", "Zaphod"):
        assert model.complete(prompt, learned=learned, strict=True) == model.complete(prompt, learned=learned)
    assert model.complete("Katze ", also=[Model(*german[:2])], strict=True).words
    assert model.complete("teh ", strict=True).read_as == {"teh": "the"}
    for prompt, said in (("the Zap", "begins with 'Zap'"), ("Zaphod ", "nothing of the prompt"), ("Katze ", "nothing")):
        with pytest.raises(UsageError, match=said):
            model.complete(prompt, strict=True)


def test_misspelled_words_are_not_learned(english: KeyboardModel) -> None:
    keyboard = Keyboard([english], learned=LearnedWords())
    assert keyboard.learn("teh zebra teh") == ["zebra"]


def test_two_languages_by_hand(english: KeyboardModel, german: KeyboardModel) -> None:
    keyboard = Keyboard([english, german])
    assert keyboard.weights("") == [0.5, 0.5]
    words = dict(keyboard.complete("", n=9).words)
    assert words["the"] == pytest.approx(0.25) and words["die"] == pytest.approx(0.375)
    # After "die ": 0.75 in one language; an unknown word and its spelling in the other.
    unknown = 0.125 * math.exp(-english.speller.nats(" die"))
    german_now = 0.75 / (0.75 + unknown)
    german_next = (1 - SWITCH) * german_now + SWITCH / 2
    assert keyboard.weights("die ") == [pytest.approx(1 - german_next), pytest.approx(german_next)]
    # What is not finished does not count, and a finished line does.
    assert keyboard.weights("die") == [0.5, 0.5] and keyboard.weights("die\n") == keyboard.weights("die ")


def test_a_word_of_the_other_language_is_followed_at_once(english: KeyboardModel, german: KeyboardModel) -> None:
    keyboard = Keyboard([english, german])
    assert keyboard.complete("the cat die ", n=1).words[0][0] == "Katze"
    assert keyboard.complete("die Katze the ", n=1).words[0][0] == "cat"
    # What one language knows is whole, and unknown to none.
    assert keyboard.complete("the Katze the").oov == []
    assert keyboard.complete("the cat Katez", n=1).words[0][0] == "Katze"


def test_models_without_words_cannot_stand_side_by_side(english: KeyboardModel) -> None:
    chars = KeyboardModel(
        TableModel(fit("char", "ab"), {None: {"a": 1.0}, "a": {"a": 0.5, "</s>": 0.5}}), english.speller
    )
    asked: list[tuple[list[KeyboardModel], dict[str, Any]]] = [
        ([english, chars], {}), ([chars], {"learned": LearnedWords()}), ([chars], {"typos": True})
    ]  # fmt: skip
    for parts, options in asked:
        with pytest.raises(UsageError, match="one has char tokens"):
            Keyboard(parts, **options)
    assert Keyboard([chars]).complete("a") == complete(chars.lm, "a")


def test_a_typist_counts_as_the_reference(english: KeyboardModel) -> None:
    lines = ["the cat", "they cat the zebra cat", ""]
    for keyboard in (Keyboard([english], typos=False), Keyboard([english])):
        found = sum(SimulatedTypist(keyboard).type_lines([(line, True) for line in lines]), Keystrokes())
        assert found == sum((type_line(english.lm, line) for line in lines), Keystrokes())


def test_a_mistyped_word_costs_what_it_takes_to_mend(english: KeyboardModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "elman.apps.keyboard.simulated_typist.mistyped", lambda word, rng: {"cat": "czt"}.get(word, word)
    )
    rows = {None: {" can": 0.3, " cap": 0.3, " car": 0.3, " cat": 0.1}, " cat": {"</s>": 1.0}}
    own = keyboard_model(rows, "can cap car cat")
    plain, corrected = (
        next(SimulatedTypist(Keyboard([own], typos=typos), mistype=1).type_lines([("cat", True)]))
        for typos in (False, True)
    )
    # Never offered: "czt", back over "zt", "at", and the line's end; "cat" and the end without a
    # mistake are 4.
    assert plain == Keystrokes(keys=8, chars=8, words=1)
    # Of "czt" only "cat" is near enough: three letters, the offer, the line's end.
    assert corrected == Keystrokes(keys=5, chars=8, words=1, offered=(0, 0, 0, 1))


def test_mistyped_words_have_one_mistake() -> None:
    import random

    rng = random.Random(0)
    seen = {mistyped("cat", rng) for _ in range(200)}
    assert {"ct", "at", "caat", "act", "cta", "xat", "cst", "car"} <= seen
    assert mistyped("it", rng) == "it" and mistyped("H2O", rng) == "H2O"
