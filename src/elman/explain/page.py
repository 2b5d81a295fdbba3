"""A topic as one page of a terminal, 80 columns wide."""

import difflib
import textwrap
from typing import Any

from elman.errors import UsageError
from elman.explain.cells import CELLS
from elman.explain.drawing import draw
from elman.explain.ideas import IDEAS
from elman.explain.topic import Cell, Topic

WIDTH = 79
TOPICS: dict[str, Topic] = {topic.name: topic for topic in (*CELLS, *IDEAS)}
_OTHER_NAMES = {"rnn-relu": "rnn", "feed-forward": "feedforward", "attention": "transformer", "n-gram": "ngram"}


def topic_named(name: str) -> Topic:
    """The topic of that name.

    Raises:
        UsageError: there is none; what is near is said.
    """
    wanted = name.strip().lower()
    wanted = _OTHER_NAMES.get(wanted, wanted)
    if wanted in TOPICS:
        return TOPICS[wanted]
    near = difflib.get_close_matches(wanted, [*TOPICS, *_OTHER_NAMES], n=3)
    near = near or [each for each in TOPICS if wanted and wanted in f"{each} {TOPICS[each].title}".lower()]
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    raise UsageError(f"there is no topic {name[:40]!r}; {hint}topics: {', '.join(TOPICS)}")


def page(topic: Topic) -> str:
    """All of a topic, as text."""
    parts = [f"{topic.name}: {topic.title}", _wrapped(topic.says)]
    if topic.cell is not None:
        parts += [
            _equations(topic.cell),
            "\n".join(f"  {line}" for line in draw(topic.cell.layout)),
            _legend(topic.cell),
        ]
    if topic.shows:
        parts.append(textwrap.indent(topic.shows, "  "))
    if topic.remarks:
        parts.append("\n".join(_wrapped(remark) for remark in topic.remarks))
    parts.append("\n".join(["Papers", *(_wrapped(paper, indent="  ") for paper in topic.papers)]))
    parts.append("\n".join(["See it", *(f"  {command}" for command in topic.commands)]))
    return "\n\n".join(parts)


def values(topic: Topic) -> dict[str, Any]:
    """The same for programs."""
    cell = topic.cell
    return {
        "topic": topic.name,
        "title": topic.title,
        "says": topic.says,
        "equations": [line._asdict() for line in cell.lines] if cell else [],
        "drawing": draw(cell.layout) if cell else [],
        "shows": topic.shows.splitlines(),
        "remarks": list(topic.remarks),
        "papers": list(topic.papers),
        "see": topic.commands,
    }


def overview() -> str:
    """One line for each topic."""
    width = max(map(len, TOPICS))
    return "\n".join(f"{name.ljust(width)}  {topic.title}" for name, topic in TOPICS.items())


def _equations(cell: Cell) -> str:
    width = max(len(line.equation) for line in cell.lines)
    return "\n".join(f"  {line.equation.ljust(width)}   {line.meaning}".rstrip() for line in cell.lines)


def _legend(cell: Cell) -> str:
    old = " and ".join(each for each in cell.state if len(each) == 1)
    verb = "are those" if " and " in old else "is that"
    return _wrapped(
        f"Read downwards: until a line gives a new one, {old} {verb} of the step before. W are matrices, b biases; * "
        "is unit by unit. Drawing: values flow upwards; [ ] has weights, ( ) none; wires meet where they branch, and "
        "cross where one runs through."
    )


def _wrapped(text: str, indent: str = "") -> str:
    return textwrap.fill(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent + ("  " if indent else ""), break_on_hyphens=False
    )
