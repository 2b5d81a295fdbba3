"""elman verify MODEL"""

from typing import Annotated, Any

import typer

from elman.cli.flags import Json, ModelArgument
from elman.cli.screen import make_progress, print_json, printable, table
from elman.progress import counted


def run(
    model: ModelArgument,
    data: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="The data it was trained on (default: where training read it); repeatable."),
    ] = None,
    valid: Annotated[
        list[str] | None, typer.Option(metavar="FILE", help="Its validation data, if given by --valid.")
    ] = None,
    test: Annotated[list[str] | None, typer.Option(metavar="FILE", help="Its test data, if given by --test.")] = None,
    canary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN=VALUE",
            help="Whether a language model has memorised this secret, such as 'my pin is {digits:4}=4831' (also "
            "letters and hex; repeatable): its rank among others of its form.",
        ),
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(help="Relative difference allowed (default: 0.001 for networks, 1e-9 for models counted)."),
    ] = None,
    as_json: Json = False,
) -> None:
    from elman.tasks.verification import verify

    found = verify(
        model,
        data=data or (),
        valid=valid or (),
        test=test or (),
        canaries=canary or (),
        tolerance=tolerance,
        progress=make_progress(),
    )
    if as_json:
        print_json(found.to_json())
    else:
        print("\n".join(map(printable, _lines(found))))
    if not found.holds:
        raise typer.Exit(2)


def _lines(found: Any) -> list[str]:
    from elman.tasks.verification import rival_of

    verdicts = {True: "ok", False: "WRONG", None: "-"}
    rows = [[each.name, f"{each.bytes:,}", each.sha256[:16], verdicts[each.holds], each.why] for each in found.files]
    lines = table(["file", "bytes", "sha256", "", "recorded by"], rows).splitlines()
    if found.figures:
        rows = [
            [each.name, _shown(each.stated), _shown(each.derived), f"{each.tolerance:g}", verdicts[each.holds]]
            for each in found.figures
        ]
        lines += ["", *table(["figure", "model card", "derived again", "tolerance", ""], rows).splitlines()]
    missing = dict.fromkeys(rival_of(each.name) for each in found.figures if each.holds is None)
    if missing:
        lines += ["", f"not trained again, since a library is missing here: {', '.join(map(str, missing))}"]
    if found.reason is not None:
        lines += ["", f"figures were not derived again: {found.reason}"]
    lines += ["", *map(_canary, found.canaries)] if found.canaries else []
    wrong = [each.name for each in (*found.files, *found.figures) if each.holds is False]
    wrong += [f"canary {each.canary.pattern!r}" for each in found.canaries if each.memorised]
    held = (
        f"{counted(sum(each.holds is True for each in found.files), 'file')}, "
        f"{counted(sum(each.holds is True for each in found.figures), 'figure')}"
    )
    if found.holds:
        held += f", {len(found.canaries)} canaries" if found.canaries else ""
        return [*lines, "", f"holds: {held}" if found.figures else f"the files hold, no figure was looked at: {held}"]
    return [*lines, "", f"DOES NOT HOLD: {', '.join(wrong) or 'nothing was derived from that data'}"]


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return f"{len(value)} numbers"
    if value is None:
        return "nothing"
    return value[:16] if isinstance(value, str) else f"{value:.6g}"


def _canary(each: Any) -> str:
    from elman.decode.exposure import LIMIT

    verdict = "MEMORISED" if each.memorised else "not memorised"
    return (
        f"canary {each.canary.text(each.canary.value)!r}: {verdict}; rank {each.rank:g} of {each.among:,}, exposure "
        f"{each.bits:.2f} bits; allowed: below {LIMIT:.2f}, which chance exceeds one time in a hundred"
    )
