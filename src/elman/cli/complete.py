"""elman complete MODEL PROMPT"""

from collections.abc import Mapping
from typing import Annotated

import typer

from elman.cli.flags import Also, Block, Json, Learned, Mix, ModelArgument, Secrets, Typos, is_given, refuse
from elman.cli.screen import bar, make_progress, print_json, warn
from elman.errors import UsageError


def run(
    call: typer.Context,
    model: ModelArgument,
    prompt: Annotated[str, typer.Argument(metavar="PROMPT", help="The text so far.")],
    n: Annotated[int, typer.Option("--n", "-n", help="How many words.")] = 5,
    partial: Annotated[
        bool | None,
        typer.Option("--partial/--no-partial", help="The last word is half-typed (default: if unknown or rare)."),
    ] = None,
    phrase: Annotated[bool, typer.Option("--phrase", help="Suggest whole phrases, by beam search.")] = False,
    words: Annotated[int, typer.Option(help="Words of a phrase.")] = 4,
    candidates: Annotated[bool, typer.Option("--candidates", help="Compare the given words instead.")] = False,
    others: Annotated[list[str] | None, typer.Argument(metavar="[CANDIDATE...]", help="With --candidates.")] = None,
    block: Block = None,
    block_list: Annotated[str | None, typer.Option(metavar="FILE", help="As --block, always a file.")] = None,
    secrets: Secrets = True,
    repeats: Annotated[
        bool, typer.Option("--repeats/--no-repeats", help="The last word counts in full (default: a tenth).")
    ] = False,
    punctuation: Annotated[bool, typer.Option("--punctuation", help="Suggest bare punctuation too.")] = False,
    typos: Typos = None,
    learned: Learned = None,
    also: Also = None,
    strict: Annotated[bool, typer.Option("--strict", help="Fail where nothing of the prompt is known.")] = False,
    mix: Mix = None,
    as_json: Json = False,
) -> None:
    from elman import api
    from elman.apps.keyboard.learned_words import LearnedWords
    from elman.decode.blocklist import block_entries, read_entries
    from elman.tasks.language.mixture import load_mixed

    if candidates:
        refuse(call, ["n", "strict"], "is for offered words, and --candidates offers none")
    if not 1 <= n <= 1_000_000:
        raise UsageError(f"--n is {str(n)[:20]}; it must be at least 1 and at most a million")
    if others and not candidates:
        raise UsageError(
            f"{others[0]!r} came after the prompt; put the prompt in quotes, or compare words with --candidates"
        )
    if candidates and not others:
        raise UsageError("--candidates needs words to compare: elman complete MODEL PROMPT --candidates mat banana")
    if words < 1:
        raise UsageError(f"--words is {words}; it must be 1 or more")
    if phrase and candidates:
        raise UsageError("--phrase and --candidates ask different questions; give one of them")
    if candidates and partial is not None:
        raise UsageError("--candidates compares whole words; leave out --partial and --no-partial")
    if is_given(call, "words") and not phrase:
        raise UsageError("--words is the length of a phrase; add --phrase")
    if phrase or candidates:
        single = ("punctuation", "repeats", "typos", "learned", "also")
        refuse(call, single, "is about single words, and --phrase and --candidates give others")
    if (block or block_list or not secrets) and candidates:
        raise UsageError("--block and --no-secrets hide offered words; --candidates offers none: leave them out")
    if learned is not None and not learned.exists():
        raise UsageError(f"--learned is {learned}, and there is no such file; `elman learned` makes one")
    blocked = [*block_entries(block or []), *(read_entries(block_list) if block_list else [])]
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
        found = loaded.phrase(prompt, n=n, words=words, partial=partial, block=blocked, secrets=secrets, strict=strict)
        if not found:
            _nothing(strict)
        if as_json:
            print_json({"prompt": prompt, "phrases": [{"text": text, "probability": p} for text, p in found]})
        else:
            _bars(found)
        return
    own = None if learned is None else LearnedWords.read(learned)
    beside = [api.load(name, task="language", progress=make_progress()) for name in also or []]
    rules = {"block": blocked, "secrets": secrets, "punctuation": punctuation, "repeats": repeats, "strict": strict}
    completion = loaded.complete(prompt, n=n, partial=partial, typos=typos, learned=own, also=beside, **rules)
    for word, meant in completion.read_as.items():
        warn(f"{word} is read as {meant}")
    if completion.oov:
        warn(f"not in the vocabulary, read as unknown: {', '.join(completion.oov)}")
    if not completion.words:
        _nothing(strict)
    if as_json:
        about = {"partial": completion.partial, "words": completion.pairs, "oov": completion.oov}
        print_json({"prompt": prompt, **about, "read_as": dict(completion.read_as)})
    else:
        _bars(completion.words, completion.kinds)


def _bars(found: list[tuple[str, float]], kinds: Mapping[str, str] | None = None) -> None:
    width = max((len(text) for text, _ in found), default=0)
    top = max((probability for _, probability in found), default=0) or 1e-300
    for text, probability in found:
        shown = f"{100 * probability:6.2f}%" if probability >= 1e-4 else f"{probability:7.1e}"
        kind = f"  ({kinds[text]})" if kinds and text in kinds else ""
        print(f"{text.ljust(width)}  {shown}  {bar(probability / top)}{kind}".rstrip())


def _nothing(strict: bool) -> None:
    said = "no word is left to offer; block fewer words"
    if strict:
        raise UsageError(said)
    warn(said)
