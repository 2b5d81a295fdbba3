"""A topic as one page of a terminal, 80 columns wide."""

import difflib
import re
import textwrap
from typing import Any

from elman.errors import UsageError
from elman.explain.cells import cell_topics
from elman.explain.drawing import draw
from elman.explain.ideas import IDEAS
from elman.explain.topic import Topic
from elman.system.plugins import import_plugins

WIDTH = 79
_LONG = 46
"""Widest equations for which all meanings are aligned in one column."""
_HELD = "\xa0"
_OTHER_NAMES = {"feedforward": "feed-forward", "attention": "transformer", "n-gram": "ngram"}
_NOTATION = {
    r"\w\[": "v[0] is the first of a vector's pieces, v[1:] all but that one",
    r"concat\(": "concat puts vectors side by side",
    r"norm\(": "norm makes mean 0 and variance 1, then multiplies by a gain",
    r"dot\(": "dot(q, k) is the product of a query with each key",
    r"mix\(": "mix(s, v) is the sum of the values v, each times its share in s",
    r"softmax\(": "softmax makes shares that sum to 1",
    r"expm1\(": "expm1(x) is e^x - 1",
    r"softplus\(": "softplus(x) is log(1 + e^x)",
    r"gelu\(": "gelu(x) is x times the probability that a normal number is below x",
}
"""Notes on notation, shown where it is used."""


def topics() -> dict[str, Topic]:
    """All topics by name: the registered cells, including those of ELMAN_PLUGINS, then the
    ideas."""
    import_plugins()
    return {topic.name: topic for topic in (*cell_topics(), *IDEAS)}


def topic_named(name: str) -> Topic:
    """The topic of that name.

    Raises:
        UsageError: there is none; similar names are suggested.
    """
    known = topics()
    wanted = name.strip().lower()
    wanted = _OTHER_NAMES.get(wanted, wanted)
    if wanted in known:
        return known[wanted]
    near = difflib.get_close_matches(wanted, [*known, *_OTHER_NAMES], n=3)
    near = near or [each for each in known if wanted and wanted in f"{each} {known[each].title}".lower()]
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    raise UsageError(f"there is no topic {name[:40]!r}; {hint}topics: {', '.join(known)}")


def page(topic: Topic) -> str:
    """A topic as text."""
    parts = [f"{topic.name}: {topic.title}".removesuffix(": "), _wrapped(topic.says)]
    if topic.cell is not None:
        parts += [_equations(topic), _drawing(topic), _legend(topic)]
    if topic.shows:
        parts.append(textwrap.indent(topic.shows, "  "))
    parts.append("\n".join(map(_wrapped, topic.remarks)))
    for head, lines in (("Papers", topic.papers), ("See it", topic.commands)):
        if lines:
            parts.append("\n".join([head, *(_wrapped(line, indent="  ") for line in lines)]))
    return "\n\n".join(filter(None, parts))


def values(topic: Topic) -> dict[str, Any]:
    """A topic as JSON values."""
    return {
        "topic": topic.name,
        "title": topic.title,
        "says": topic.says,
        "equations": [{"equation": line, "meaning": meaning} for line, meaning in _explained(topic)],
        "drawing": [] if topic.cell is None else draw(topic.layout),
        "shows": topic.shows.splitlines(),
        "remarks": list(topic.remarks),
        "papers": list(topic.papers),
        "see": topic.commands,
    }


def overview() -> str:
    """One line for each topic."""
    known = topics()
    width = max(map(len, known))
    return "\n".join(f"{name.ljust(width)}  {topic.title or topic.says}".rstrip() for name, topic in known.items())


def _explained(topic: Topic) -> list[tuple[str, str]]:
    """The equations, each with the meaning of its name on its first occurrence."""
    meanings = dict(topic.meanings)
    return [(str(line), meanings.pop(line.name, "")) for line in topic.equations]


def _equations(topic: Topic) -> str:
    lines = _explained(topic)
    column = max((len(line) for line, _ in lines if len(line) <= _LONG), default=0) + 5
    shown: list[str] = []
    for line, meaning in lines:
        shown += textwrap.wrap(_held(line), WIDTH, initial_indent="  ", subsequent_indent=" " * 6)
        if meaning and max(len(shown[-1]) + 3, column) + len(meaning) <= WIDTH:
            shown[-1] = f"{shown[-1]}   ".ljust(column) + meaning
        elif meaning:
            shown.append(" " * column + meaning)
    return "\n".join(shown).replace(_HELD, " ")


def _held(line: str) -> str:
    """An equation that wraps only before the terms of a sum."""
    depth, text = 0, ""
    for index, character in enumerate(line):
        depth += (character in "([") - (character in ")]")
        breaks = depth == 0 and line[index + 1 : index + 2] in ("+", "-")
        text += _HELD if character == " " and not breaks else character
    return text


def _drawing(topic: Topic) -> str:
    lines = [f"  {line}".rstrip() for line in draw(topic.layout)]
    width = max(map(len, lines))
    if width <= WIDTH:
        return "\n".join(lines)
    return _wrapped(
        f"The drawing is {width} columns wide; to see it: elman explain {topic.name} --out {topic.name}.svg"
    )


def _legend(topic: Topic) -> str:
    text = "\n".join(line for line, _ in _explained(topic))
    *others, last = [each for each in topic.recorded.state if re.search(rf"\b{each}\b", text)] or ["the state"]
    old = f"{', '.join(others)} and {last} are those" if others else f"{last} is that"
    said = [
        f"Read downwards: until a line gives a new one, {old} of the step before",
        "W are matrices, b biases",
        "* is unit by unit",
        *(meaning for pattern, meaning in _NOTATION.items() if re.search(pattern, text)),
    ]
    return _wrapped(
        f"{'; '.join(said)}. Drawing: values flow upwards; [ ] has weights, ( ) none; wires meet where they branch, "
        "and cross where one runs through; t is this step, t − 1 the one before."
    )


def _wrapped(text: str, indent: str = "") -> str:
    return textwrap.fill(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent + ("  " if indent else ""), break_on_hyphens=False
    )
