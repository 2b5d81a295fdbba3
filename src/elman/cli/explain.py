"""elman explain [TOPIC]"""

from typing import Annotated

import typer

from elman.cli.flags import Json
from elman.cli.screen import print_json


def run(
    topic: Annotated[str | None, typer.Argument(metavar="[TOPIC]", help="Without one, all topics are listed.")] = None,
    as_json: Json = False,
) -> None:
    from elman.explain.page import TOPICS, overview, page, topic_named, values

    if topic is None:
        if as_json:
            print_json({"topics": [{"topic": each.name, "title": each.title} for each in TOPICS.values()]})
        else:
            print(overview())
        return
    found = topic_named(topic)
    if as_json:
        print_json(values(found))
        return
    print(page(found))
