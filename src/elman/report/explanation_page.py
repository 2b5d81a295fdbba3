"""Why a text got its label, as a self-contained page, and word by word as a figure.

``explanation`` is what ``Explanation.to_json`` of `elman.evaluation.explanation` gives.
"""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from elman.report.labels_figures import short
from elman.report.style import INK, OWN, drawn, inline, page_head

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_LINES = 5
"""Labels in the figure: the explained one, and those most probable after some word."""
_MOST_NAMES = 40
"""Words named below the figure."""
_NOTHING = 0.005
"""Nats: contributions shown as 0.00 are not marked."""
_STYLES = (
    (OWN, "-", "o"),
    ("#0072b2", (0, (5, 1.5)), "s"),
    ("#009e73", (0, (1, 1)), "^"),
    ("#cc79a7", (0, (4, 1, 1, 1)), "D"),
    ("#777777", (0, (2, 2)), "v"),
)


def explanation_files(explanation: Mapping[str, Any]) -> dict[str, bytes]:
    """The page as ``html``, and its drawing as ``png`` and ``svg``."""
    files = _drawn(explanation, "png", "svg")
    pictures = {name.rpartition(".")[2]: data for name, data in files.items()}
    return {"html": _page(explanation, files).encode(), **pictures}


def explanation_page(explanation: Mapping[str, Any]) -> str:
    """A page of HTML without scripts: the text with its words marked, word by word, and a table.

    Words for the label are orange with a line below, words against it blue with a dotted line; a
    stronger colour means a larger change. Everything of the text is escaped.
    """
    return _page(explanation, _drawn(explanation, "svg"))


def _drawn(explanation: Mapping[str, Any], *kinds: str) -> dict[str, bytes]:
    draw = partial(draw_word_by_word, explanation=explanation)
    width = max(4.6, 1.0 + 0.16 * min(len(explanation["words"]), _MOST_NAMES))
    return drawn("words", draw, width=width, kinds=kinds)


def _page(explanation: Mapping[str, Any], files: Mapping[str, bytes]) -> str:
    import jinja2
    import markupsafe

    # matplotlib escapes the text that it draws; the template escapes everything else.
    figure = markupsafe.Markup(inline(files["words.svg"], "words", "Word by word"))
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_PAGE).render(
        label=short(explanation["label"], longest=80),
        percent=_percent(explanation["probability"]),
        pieces=_pieces(explanation),
        figure=figure,
        words=[
            (short(word["text"]), _signed(word["contribution"]), _percent(word["probability"]))
            for word in explanation["words"]
        ],
    )


def draw_word_by_word(figure: "Figure", explanation: Mapping[str, Any]) -> None:
    """The probabilities of the labels after each word, from nothing to the whole text."""
    probabilities = np.array(explanation["prefixes"])
    words = ["(start)", *(short(word["text"], longest=14) for word in explanation["words"])]
    axes = figure.add_subplot()
    highest = probabilities.max(axis=0)
    highest[explanation["names"].index(explanation["label"])] = np.inf  # the explained one comes first
    likeliest = np.argsort(-highest, kind="stable")[:_MOST_LINES]
    marked = len(words) <= _MOST_NAMES
    for label, (colour, dash, marker) in zip(likeliest, _STYLES, strict=False):
        name = short(explanation["names"][label])
        axes.plot(
            probabilities[:, label],
            color=colour,
            ls=dash,
            marker=marker if marked else None,
            ms=3.5,
            lw=1.5,
            label=name,
        )
    step = -(-len(words) // _MOST_NAMES)
    axes.set_xticks(range(0, len(words), step), words[::step], rotation=90, fontsize=7.5)
    axes.set(ylim=(-0.02, 1.02), ylabel="probability of the text so far")
    axes.grid(alpha=0.18, color=INK, lw=0.6)
    figure.legend(loc="outside upper center", ncols=min(3, len(likeliest)))


def _pieces(explanation: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The text in pieces: words with a side and a strength from 0 to 1, and the text between
    them."""
    words, text, pieces, end = explanation["words"], explanation["text"], [], 0
    largest = max((abs(word["contribution"]) for word in words), default=0.0) or 1.0
    for word in words:
        if word["start"] > end:
            pieces.append({"text": text[end : word["start"]], "side": ""})
        contribution = word["contribution"]
        nothing = abs(contribution) < _NOTHING
        side = "" if nothing else "for" if contribution > 0 else "against"
        strength = f"{abs(contribution) / largest:.3f}"
        pieces.append({"text": word["text"], "side": side, "strength": strength, "title": _signed(contribution)})
        end = word["end"]
    if text[end:]:
        pieces.append({"text": text[end:], "side": ""})
    return pieces


def _signed(nats: float) -> str:
    return f"{round(nats, 2) + 0.0:+.2f}"  # not "-0.00"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%"


_PAGE = (
    page_head("Why {{ label }}")
    + """main { max-width: 46rem; margin: 0 auto; padding: 1.2rem 1rem 3rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .6rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .4rem; }
p { margin: .4rem 0; }
.soft { color: var(--soft); font-size: .9rem; }
.text { font-size: 1.15rem; line-height: 2; white-space: pre-wrap; overflow-wrap: anywhere; }
.for, .against { border-radius: .2rem; padding: .1rem .15rem; }
.for { --colour: 213 94 0; border-bottom: 2px solid; }
.against { --colour: 0 114 178; border-bottom: 2px dotted; }
.for, .against { background: rgb(var(--colour) / calc(var(--strength) * 55%));
  border-color: rgb(var(--colour) / calc(var(--strength) * 100%)); }
svg { display: block; width: 100%; height: auto; margin: .8rem auto; color: var(--ink);
  font-family: "DejaVu Sans", Verdana, sans-serif; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; margin: .6rem 0; }
th, td { text-align: right; padding: .25rem .5rem; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; padding-left: 0; overflow-wrap: anywhere; }
th { font-weight: 600; color: var(--soft); }
@media print { :root { --ink: #000; --paper: #fff; --soft: #333; --line: #bbb; } * { print-color-adjust: exact; } }
</style>
</head>
<body>
<main>
<h1>{{ label }}: {{ percent }}</h1>
<p class="text">
{%- for piece in pieces -%}
{%- if piece.side -%}
<span class="{{ piece.side }}" style="--strength: {{ piece.strength }}" title="{{ piece.title }}">
{{- piece.text -}}
</span>
{%- else -%}
{{ piece.text }}
{%- endif -%}
{%- endfor -%}
</p>
<p class="soft"><span class="for" style="--strength: 1">for</span> and
<span class="against" style="--strength: 1">against</span> this label: the change when a word is left out.
The stronger the colour, the larger the change.</p>
<h2>Word by word</h2>
{{ figure }}
<h2>Numbers</h2>
<table>
<thead>
<tr><th scope="col">word</th><th scope="col">log-odds (nats)</th><th scope="col">label without it</th></tr>
</thead>
<tbody>
{% for word, contribution, probability in words %}
<tr><td>{{ word }}</td><td>{{ contribution }}</td><td>{{ probability }}</td></tr>
{% endfor %}
</tbody>
</table>
</main>
</body>
</html>
"""
)
