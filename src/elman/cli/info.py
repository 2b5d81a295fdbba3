"""elman info MODEL"""

from pathlib import Path
from typing import Annotated, Any

import typer

from elman.cli.flags import Json, ModelArgument
from elman.cli.screen import print_json
from elman.cli.states import read_state
from elman.cli.tasks import other_task
from elman.errors import FolderError, UsageError
from elman.progress import counted
from elman.storage.folder import how_to_go_on


def run(
    model: ModelArgument,
    state: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE", help="Describe a saved state instead of the model; give it twice to compare two states."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    from elman import api

    task = other_task(model)
    if task is not None:
        if state:
            raise UsageError("--state is a state of a language model; leave it out")
        about = task.load(Path(model)).info()
        if as_json:
            print_json(about)
            return
        for line in (*_common(about), *task.summary(about)):
            _say(line)
        return
    loaded = api.load(model, task="language")
    if state:
        _show_states(loaded.lm, state, as_json=as_json)
        return
    about = loaded.info()
    if as_json:
        print_json(about)
        return
    try:
        lines = _lines(about)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise FolderError(f"the model card of {model} lacks what elman writes there; train the model again") from error
    for line in lines:
        _say(line)


def _say(line: str) -> None:
    # A foreign model's words must not steer the terminal.
    print("".join(char if char.isprintable() else "\ufffd" for char in line))


def _show_states(model: Any, files: list[str], *, as_json: bool) -> None:
    from elman.decode.states import compare_states, describe_state

    if len(files) > 2:
        raise UsageError(f"--state was given {len(files)} times; give one state to look at, or two to compare")
    states = [read_state(name, model, flag="--state") for name in files]
    found: dict[str, Any] = {"states": [describe_state(model, each) for each in states]}
    if len(states) == 2:
        found["difference"] = compare_states(model, *states)
    if as_json:
        print_json(found)
        return
    for name, each in zip(files, found["states"], strict=True):
        texts = [word["text"] for word in each["likely"]]
        plain = [text.strip() for text in texts]
        # Some tokens differ only by the space before them, and some are only a space.
        shown = [
            text if text and plain.count(text) == 1 else repr(whole) for text, whole in zip(plain, texts, strict=True)
        ]
        chances = [word["probability"] for word in each["likely"]]
        likely = ", ".join(f"{text} {chance:.1%}" for text, chance in zip(shown, chances, strict=True))
        _say(f"{name}: {each['bytes']:,} bytes in {len(each['parts'])} parts; next: {likely}")
    if len(states) == 2:
        apart = found["difference"]
        parts = ", ".join(f"{part} {value:.3f}" for part, value in apart["distance"].items())
        print("the same state" if apart["same"] else f"distance: {parts} (0: the same, 2: opposite)")
        print(f"predictions differ by {apart['bits'][0]:.4f} bits, the other way round {apart['bits'][1]:.4f}")


def _common(about: dict[str, Any]) -> list[str]:
    """What is known about a model of any task."""
    shown = about["model"]
    facts = ", ".join(
        f"{name.replace('_', ' ')} {value}" for name, value in shown.items() if name not in ("hash", "name")
    )
    lines = [f"{shown.get('name', '')}: {facts}", f"folder      {about['folder']} ({about['bytes'] / 1e6:.1f} MB)"]
    if "data" not in about:
        return [*lines, _unfinished(about)]
    data = about["data"]
    lines.append(f"data        {', '.join(data['sources'])} (hash {data['hash'][:12]})")
    return [
        *lines,
        f"trained     {about['trained']}, {_seconds(about)}, elman {about['machine'].get('elman', '')}",
    ]


def _lines(about: dict[str, Any]) -> list[str]:
    lines: list[str] = []
    say = lines.append
    shown = about["model"]
    say(f"{shown['name']}, {shown['size']}: {shown['parameters']:,} parameters, {shown['vocabulary']:,} types")
    say(f"folder      {about['folder']} ({about['bytes'] / 1e6:.1f} MB)")
    say(f"hash        {shown['hash'][:16]}")
    if "mixture" in about:
        lines += _mixed(about["mixture"])
        return lines
    if "adaptation" in about:
        fitted = about["adaptation"]
        for name in ("dynamic", "mixture", "cache", "temperature"):
            if name in fitted:
                say(f"{name:<11} {_fitted(fitted[name])}")
        say(f"fitted on   text {fitted['tuned_on'][:12]}, context {fitted['context']}")
        return lines
    if "imported" in about:
        source = about["imported"]
        say(f"imported    {source['file']} (sha256 {source['sha256'][:12]})")
        for note in source["notes"]:
            say(f"note        {note}")
        return lines
    if "figures" not in about:
        say(_unfinished(about))
        return lines
    data, machine = about["data"], about["machine"]
    say(
        f"text        {', '.join(data['sources'])} (hash {data['hash'][:12]}, "
        f"{data['train']['tokens']:,} training tokens)"
    )
    if about.get("from"):
        say(f"from        {about['from']['folder']} (weights {about['from']['weights'][:16]})")
    backward = ", each line from its end to its start" * (about["tokenizer"].get("direction") == "backward")
    say(f"tokens      level {about['tokenizer']['level']}, tokenizer {about['tokenizer']['hash']}{backward}")
    for name, found in about["figures"].items():
        say(
            f"{name:<11} {found['bits_per_byte']:.4f} bits per byte, perplexity {found['perplexity']:.2f}, "
            f"OOV {100 * found['oov_rate']:.2f}%"
        )
        say(f"            {found['signature']}")
    rival = about.get("rival")
    if rival:
        say(
            f"rival       {rival['order']}-gram: {rival['bits_per_byte']:.4f} bits per byte on the {rival['text']} text"
        )
    plan = about["recipe"]["plan"]
    if plan:
        say(f"recipe      {_settings(plan)}")
    for note in about["notes"]:
        say(f"note        {note}")
    # Models of elman 0.1 have it under its old name.
    found = about.get("inference") or about.get("runtime")
    if found:
        cost = 100 * (found["int8"]["perplexity_ratio"] - 1)
        say(f"inference   {found['precision']}, {found['bytes'] / 1e6:.1f} MB, perplexity {cost:+.2f}%")
    say(
        f"trained     {about['trained']} in {_seconds(about)}, on {machine['cpu']['name']}, "
        f"{counted(machine['threads'], 'thread')}"
    )
    say(f"versions    elman {machine['elman']}, torch {machine['torch']}, Python {machine['python']}")
    return lines


def _seconds(about: dict[str, Any]) -> str:
    return f"{about['seconds']:.{1 if about['seconds'] < 10 else 0}f} s"


def _unfinished(about: dict[str, Any]) -> str:
    advice = how_to_go_on(Path(about["folder"]))
    return f"training    not finished; {advice}" if advice else "training    unknown: there is no model card"


def _mixed(mixed: dict[str, Any]) -> list[str]:
    """The weights of a mixture, its parts, and what is known of the text that fitted them."""
    fitted = f", fitted on text {mixed['tuned_on'][:12]}, context {mixed['context']}" if "tuned_on" in mixed else ""
    lines = [f"weights     {', '.join(f'{weight:.3f}' for weight in mixed['weights'])}{fitted}"]
    # elman 0.1 recorded only the weights.
    for weight, part in zip(mixed["weights"], mixed.get("parts", mixed["weights"]), strict=True):
        if isinstance(part, dict):
            about = f"{part['name']}, {part['size']}, {part['parameters']:,} parameters"
            lines.append(f"part        {weight:.3f} {about}{_bits(part)} (hash {part['hash'][:16]})")
    return [*lines, f"mixture    {_bits(mixed)[1:]}"] if "figures" in mixed else lines


def _bits(about: dict[str, Any]) -> str:
    figures = about.get("figures")
    return f", {figures['bits_per_byte']:.4f} bits per byte, perplexity {figures['perplexity']:.2f}" if figures else ""


def _fitted(facts: Any) -> str:
    if not isinstance(facts, dict):
        return f"{facts:.3g}"
    if "weights" in facts:
        facts = dict(zip(facts["models"], facts["weights"], strict=True))
    return ", ".join(f"{name} {value:.3g}" for name, value in facts.items())


def _settings(plan: dict[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in plan.items())
