"""Keystrokes saved by a keyboard, for a user who notices every offer and mistypes some words.

Counted as in ``elman.decode.keystrokes``. Of a mistyped word, what is typed is the mistyped one,
letter by letter. If the right word is offered on the way, one keystroke takes it; if not, the user
goes back to the mistake and types the rest of the word again. Without offers, these keystrokes are
needed as well.
"""

import random
from collections.abc import Iterable, Iterator

from elman.apps.keyboard.keyboard import Keyboard
from elman.apps.spelling.keyboard import NEIGHBOURS
from elman.decode.keystrokes import OFFERED, Keystrokes, WordSpan, count_keys, words_of
from elman.decode.prompts import consume_ids, finished_lines
from elman.decode.remembered import Remembered
from elman.errors import UsageError

_SHORTEST = 3
_HISTORY = 1000


class SimulatedTypist:
    """Types lines on a keyboard.

    Args:
        mistype: the share of words of three letters and more that are mistyped: two letters
            exchanged, one left out, one doubled, or one replaced by a neighbour on the keyboard,
            each as often.
        seed: which words, and how.
    """

    def __init__(self, keyboard: Keyboard, *, mistype: float = 0.0, seed: int = 1) -> None:
        if not 0 <= mistype <= 1:
            raise UsageError.of("mistype", mistype, "a share from 0 to 1")
        self._keyboard, self._mistype, self._random = keyboard, mistype, random.Random(seed)

    def type_lines(self, lines: Iterable[tuple[str, bool]]) -> Iterator[Keystrokes]:
        """The sums of each line; a line comes with whether a text begins with it. What is typed is
        learned, where the keyboard has learned words."""
        lms = self._keyboard.lms
        states, history = [lm.start() for lm in lms], ""
        for line, starts in lines:
            if starts:
                states, history = [lm.start() for lm in lms], ""
            line = lms[0].tokenizer.normal_form(line)
            read = [Remembered(lm, begin=state) for lm, state in zip(lms, states, strict=True)]
            yield self._type(self._keyboard.through(read, read=history), line)
            states = [
                consume_ids(lm, finished_lines(lm.tokenizer, f"{line}\n", any_spelling=True)[0], state)
                for lm, state in zip(lms, states, strict=True)
            ]
            history = f"{history}{line}\n"[-_HISTORY:]
            self._keyboard.learn(line)

    def _type(self, keyboard: Keyboard, line: str) -> Keystrokes:
        offers: list[tuple[WordSpan, int | None, int]] = []
        retyped = Keystrokes()
        for word in words_of(keyboard.lms[0].tokenizer, line):
            text = line[word.start : word.end]
            typed = text
            if self._mistype and self._random.random() < self._mistype:
                typed = mistyped(text, self._random)
            offer: tuple[int | None, int] = None, 0
            # To be offered when all is typed helps only who mistyped it.
            for letters in range(0 if word.asked else 1, len(typed) + (typed != text)):
                prompt = line[: word.start] + typed[:letters]
                words = [each for each, _ in keyboard.complete(prompt, n=OFFERED, partial=letters > 0).words]
                if word.text in words:
                    offer = letters, words.index(word.text)
                    break
            offers.append((word, offer[0], offer[1]))
            again = _keys_to_retype(text, typed)
            retyped += Keystrokes(keys=again if offer[0] is None else 0, chars=again)
        return count_keys(line, offers) + retyped


def mistyped(word: str, rng: random.Random) -> str:
    """A word of letters with one mistake; other words, and those of one or two letters, as they
    are.

    >>> [mistyped(word, random.Random(2)) for word in ("because", "it", "3rd")]
    ['becaus', 'it', '3rd']
    """
    if len(word) < _SHORTEST or not word.isalpha():
        return word
    place, kind = rng.randrange(len(word)), rng.randrange(4)
    head, letter, tail = word[:place], word[place], word[place + 1 :]
    if kind == 0:
        return head + tail
    if kind == 1:
        return head + letter + letter + tail
    if kind == 2 and tail:
        return head + tail[0] + letter + tail[1:]
    near = sorted(NEIGHBOURS.get(letter.lower(), ()))
    other = rng.choice(near) if near else ""
    return head + (other.upper() if letter.isupper() else other) + tail


def _keys_to_retype(word: str, typed: str) -> int:
    """Keystrokes that a mistyped word takes more than the word itself."""
    same = 0
    while same < min(len(word), len(typed)) and word[same] == typed[same]:
        same += 1
    return 0 if typed == word else len(typed) + (len(typed) - same) + (len(word) - same) - len(word)
