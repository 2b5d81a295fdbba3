"""elman complete MODEL PROMPT"""

from typing import Annotated

import typer

from elman.cli.flags import Json, Mix, ModelArgument
from elman.cli.screen import bar, make_progress, print_json, warn
from elman.errors import UsageError


def run(
    model: ModelArgument,
    prompt: Annotated[str, typer.Argument(metavar="PROMPT", help="The text so far.")],
    n: Annotated[int, typer.Option("--n", "-n", help="How many words.")] = 5,
    partial: Annotated[
        bool | None,
        typer.Option("--partial/--no-partial", help="The last word is half-typed (default: if it is unknown)."),
    ] = None,
    phrase: Annotated[bool, typer.Option("--phrase", help="Suggest whole phrases, by beam search.")] = False,
    words: Annotated[int | None, typer.Option(help="Words of a phrase (default 4).")] = None,
    candidates: Annotated[bool, typer.Option("--candidates", help="Compare the given words instead.")] = False,
    others: Annotated[list[str] | None, typer.Argument(metavar="[CANDIDATE...]", help="With --candidates.")] = None,
    block: Annotated[list[str] | None, typer.Option(metavar="WORD", help="Never suggest this word.")] = None,
    block_list: Annotated[
        str | None, typer.Option(metavar="FILE", help="File of words never to suggest, one per line.")
    ] = None,
    punctuation: Annotated[bool, typer.Option("--punctuation", help="Suggest bare punctuation too.")] = False,
    mix: Mix = None,
    as_json: Json = False,
) -> None:
    from elman.tasks.language.mixture import load_mixed

    if not 1 <= n <= 1_000_000:
        raise UsageError(f"--n is {str(n)[:20]}; it must be at least 1 and at most a million")
    if others and not candidates:
        raise UsageError(
            f"{others[0]!r} came after the prompt; put the prompt in quotes, or compare words with --candidates"
        )
    if candidates and not others:
        raise UsageError("--candidates needs words to compare: elman complete MODEL PROMPT --candidates mat banana")
    if words is not None and words < 1:
        raise UsageError(f"--words is {words}; it must be 1 or more")
    if phrase and candidates:
        raise UsageError("--phrase and --candidates ask different questions; give one of them")
    if candidates and partial is not None:
        raise UsageError("--candidates compares whole words; leave out --partial and --no-partial")
    if words is not None and not phrase:
        raise UsageError("--words is the length of a phrase; add --phrase")
    if (block or block_list or punctuation) and (phrase or candidates):
        raise UsageError("--block, --block-list and --punctuation choose among single words; leave out --phrase")
    loaded = load_mixed(model, mix or [], progress=make_progress())
    if candidates:
        found = loaded.candidates(prompt, others or [])
        if as_json:
            pairs = [{"text": text, "probability": probability} for text, probability in found]
            print_json({"prompt": prompt, "candidates": pairs})
        else:
            _bars(found)
        return
    if phrase:
        found = loaded.phrase(prompt, n=n, words=words or 4, partial=partial)
        if not found:
            raise UsageError(f"no phrase goes on from {prompt!r}; check the spelling of its last word")
        if as_json:
            print_json({"prompt": prompt, "phrases": [{"text": text, "probability": p} for text, p in found]})
        else:
            _bars(found)
        return
    blocked = [*(block or []), *_read_words(block_list)]
    completion = loaded.complete(prompt, n=n, partial=partial, block=blocked, punctuation=punctuation)
    if completion.oov:
        warn(f"not in the vocabulary, read as unknown: {', '.join(completion.oov)}")
    if not completion.words:
        raise UsageError(
            f"no word in the vocabulary begins with {completion.partial!r}; check the spelling, or end it with a space"
            if completion.partial
            else "no word is left to offer; block fewer words"
        )
    if as_json:
        pairs = [{"text": text, "probability": probability} for text, probability in completion.words]
        print_json({"prompt": prompt, "partial": completion.partial, "words": pairs, "oov": completion.oov})
    else:
        _bars(completion.words)


def _bars(found: list[tuple[str, float]]) -> None:
    width = max(len(text) for text, _ in found)
    top = max(max(probability for _, probability in found), 1e-300)
    for text, probability in found:
        shown = f"{100 * probability:6.2f}%" if probability >= 1e-4 else f"{probability:7.1e}"
        print(f"{text.ljust(width)}  {shown}  {bar(probability / top)}".rstrip())


def _read_words(file: str | None) -> list[str]:
    if file is None:
        return []
    try:
        with open(file, encoding="utf-8") as opened:
            return [line.strip() for line in opened if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--block-list {file}: cannot be read ({error}); give a text file, one word a line") from error
