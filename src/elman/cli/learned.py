"""elman learned FILE"""

from pathlib import Path
from typing import Annotated

import typer

from elman.cli.flags import Json
from elman.cli.screen import make_progress, print_json, printable, warn
from elman.errors import UsageError


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
    from elman.text.corpus import CorpusConfig, read_lines

    if bool(text) != bool(model):
        raise UsageError("--from TEXT and --model MODEL belong together: the words that the model lacks are learned")
    if not text and not forget and not clear and not file.is_file():
        raise UsageError(f"{file}: there is no such file; --from TEXT --model MODEL makes one")
    words = LearnedWords.read(file)
    if clear:
        words.clear()
    for word in forget or []:
        if not words.forget(word):
            warn(f"{printable(word)!r} is not among the words of {file}")
    if text:
        first, *others = [api.load(name, task="language", progress=make_progress()) for name in model or []]
        keyboard = first.keyboard(learned=words, also=others)
        for line, _ in read_lines(text, config=CorpusConfig()):
            keyboard.learn(line)
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
