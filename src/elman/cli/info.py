"""elman info MODEL"""

from typing import Any

from elman.cli.flags import Json, ModelArgument
from elman.cli.screen import print_json
from elman.errors import FolderError


def run(model: ModelArgument, as_json: Json = False) -> None:
    from elman import api

    about = api.load(model, brief=True).info()
    if as_json:
        print_json(about)
        return
    try:
        lines = _lines(about)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise FolderError(f"the passport of {model} lacks what elman writes there; train the model again") from error
    for line in lines:
        # A foreign model's words must not steer the terminal.
        print("".join(char if char.isprintable() else "\ufffd" for char in line))


def _lines(about: dict[str, Any]) -> list[str]:
    lines: list[str] = []
    say = lines.append
    shown = about["model"]
    say(f"{shown['name']}, {shown['size']}: {shown['parameters']:,} parameters, {shown['vocabulary']:,} types")
    say(f"folder      {about['folder']} ({about['bytes'] / 1e6:.1f} MB)")
    say(f"hash        {shown['hash'][:16]}")
    if "mixture" in about:
        mixed = about["mixture"]
        weights = ", ".join(f"{weight:.3f}" for weight in mixed["weights"])
        say(f"weights     {weights}, fitted on text {mixed['tuned_on'][:12]}, context {mixed['context']}")
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
        say(f"training    not finished; go on with: elman train --out {about['folder']} --resume")
        return lines
    data, machine = about["data"], about["machine"]
    say(
        f"text        {', '.join(data['sources'])} (hash {data['hash'][:12]}, "
        f"{data['train']['tokens']:,} training tokens)"
    )
    if about.get("from"):
        say(f"from        {about['from']['folder']} (weights {about['from']['weights'][:16]})")
    say(f"tokens      level {about['tokenizer']['level']}, tokenizer {about['tokenizer']['hash']}")
    for name, found in about["figures"].items():
        say(
            f"{name:<11} {found['bits_per_byte']:.4f} bits per byte, perplexity {found['perplexity']:.2f}, "
            f"OOV {100 * found['oov_rate']:.2f}%"
        )
        say(f"            {found['signature']}")
    plan = about["recipe"]["plan"]
    if plan:
        say(f"recipe      {_settings(plan)}")
    for note in about["notes"]:
        say(f"note        {note}")
    if about.get("runtime"):
        found = about["runtime"]
        cost = 100 * (found["int8"]["perplexity_ratio"] - 1)
        say(f"runtime     {found['precision']}, {found['bytes'] / 1e6:.1f} MB, perplexity {cost:+.2f}%")
    say(
        f"trained     {about['trained']} in {about['seconds']:.0f} s, on {machine['cpu']['name']}, "
        f"{machine['threads']} threads"
    )
    say(f"versions    elman {machine['elman']}, torch {machine['torch']}, Python {machine['python']}")
    return lines


def _fitted(facts: Any) -> str:
    if not isinstance(facts, dict):
        return f"{facts:.3g}"
    if "weights" in facts:
        facts = dict(zip(facts["models"], facts["weights"], strict=True))
    return ", ".join(f"{name} {value:.3g}" for name, value in facts.items())


def _settings(plan: dict[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in plan.items())
