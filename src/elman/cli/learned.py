"""elman learned FILE"""

from pathlib import Path
from typing import Annotated

import typer

from elman.cli.flags import Json
from elman.cli.screen import make_progress, print_json, printable, warn
from elman.errors import UsageError

_SHOWN = 10


def run(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The user's own words, a JSON object a line.")],
    text: Annotated[
        list[str] | None,
        typer.Option("--from", metavar="TEXT", help="Learn the words of a text that --model does not know: a file or "
                     "- for stdin (repeatable)."),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(metavar="MODEL", help="With --from: whose words need not be learned (repeatable)."),
    ] = None,
    forget: Annotated[list[str] | None, typer.Option(metavar="WORD", help="Erase a word (repeatable).")] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Erase all words.")] = False,
    as_json: Json = False,
) -> None:  # fmt: skip
    from elman import api
    from elman.apps.keyboard.learned_words import LearnedWords
    from elman.text.casing import fold
    from elman.text.corpus import CorpusConfig, read_lines

    if bool(text) != bool(model):
        raise UsageError("--from TEXT and --model MODEL belong together: the words that the model lacks are learned")
    if not text and not forget and not clear and not file.exists():
        raise UsageError(f"{file}: there is no such file; --from TEXT --model MODEL makes one")
    words = LearnedWords.read(file)
    for word in dict.fromkeys(forget or []):
        if not words.forget(word):
            alike = [each.word for each in words if fold(each.word) == fold(word)]
            advice = f"there is {alike[0]}" if alike else f"elman learned {file} lists them"
            raise UsageError(f"{printable(word)!r} is not among the words of {file}; {advice}; nothing was erased")
    if clear:
        words.clear()
    if text:
        before = {each.word for each in words}
        first, *others = [api.load(name, task="language", progress=make_progress()) for name in model or []]
        keyboard = first.keyboard(learned=words, also=others)
        counted = sum(len(keyboard.learn(line)) for line, _ in read_lines(text, config=CorpusConfig()))
        added = [each.word for each in words if each.word not in before]
        warn(f"unknown words of the text: {counted:,}; new in {file}: {_some(added)}")
    if text or forget or clear:
        words.write(file)
    listed = sorted(words, key=lambda each: -each.count)
    if as_json:
        print_json({"file": str(file), "words": [each.to_json() for each in listed]})
        return
    width = max((len(each.word) for each in listed), default=0)
    for each in listed:
        rest = "" if each.count >= words.least else f"  offered from {words.least} on"
        print(f"{printable(each.word).ljust(width)}  {each.count:>6}{rest}")


def _some(words: list[str]) -> str:
    more = f" and {len(words) - _SHOWN:,} more" if len(words) > _SHOWN else ""
    return (", ".join(map(printable, words[:_SHOWN])) or "none") + more
