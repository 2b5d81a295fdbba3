"""elman doctor"""

from elman.cli.flags import Json
from elman.cli.screen import make_progress, print_json


def run(as_json: Json = False) -> None:
    from elman.studies.doctor import diagnose

    found = diagnose(make_progress())
    if as_json:
        print_json(found)
        return
    for name, value in found["facts"].items():
        print(f"{name:<12} {value}")
    print()
    for advice in found["advice"] or ["nothing to mend"]:
        print(f"- {advice}")
