"""elman info MODEL"""

from typing import Any

from elman.cli.flags import Json, ModelArgument
from elman.cli.screen import print_json


def run(model: ModelArgument, as_json: Json = False) -> None:
    from elman import api

    about = api.load(model).info()
    if as_json:
        print_json(about)
        return
    shown = about["model"]
    print(f"{shown['name']}, {shown['size']}: {shown['parameters']:,} parameters, {shown['vocabulary']:,} types")
    print(f"folder      {about['folder']} ({about['bytes'] / 1e6:.1f} MB)")
    print(f"hash        {shown['hash'][:16]}")
    if "figures" not in about:
        print("training    not finished; go on with: elman train --out", about["folder"], "--resume")
        return
    data, machine = about["data"], about["machine"]
    print(
        f"text        {', '.join(data['sources'])} (hash {data['hash'][:12]}, "
        f"{data['train']['tokens']:,} training tokens)"
    )
    if about.get("from"):
        print(f"from        {about['from']['folder']} (weights {about['from']['weights'][:16]})")
    print(f"tokens      level {about['tokenizer']['level']}, tokenizer {about['tokenizer']['hash']}")
    for name, found in about["figures"].items():
        print(
            f"{name:<11} {found['bits_per_byte']:.4f} bits per byte, perplexity {found['perplexity']:.2f}, "
            f"OOV {100 * found['oov_rate']:.2f}%"
        )
        print(f"            {found['signature']}")
    plan = about["recipe"]["plan"]
    if plan:
        print(f"recipe      {_settings(plan)}")
    for note in about["notes"]:
        print(f"note        {note}")
    print(
        f"trained     {about['trained']} in {about['seconds']:.0f} s, on {machine['cpu']['name']}, "
        f"{machine['threads']} threads"
    )
    print(f"versions    elman {machine['elman']}, torch {machine['torch']}, Python {machine['python']}")


def _settings(plan: dict[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in plan.items())
