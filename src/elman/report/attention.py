"""Where a translator looked: as a picture, and as a page on which one points at words.

``sentence`` has ``source`` and ``target``, lists of words, and ``attention``: for each target word,
how much it looked at each source word, from 0 to 1.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from elman.report.labels_figures import short
from elman.report.style import INK, drawn, page_head

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_WORDS = 40
"""A picture shows so many words of each side; the rest is cut off."""
_LONGEST = 18
_SHOWN = 0.02
"""Less attention is not marked on the page."""


def attention_size(sentence: Mapping[str, Any]) -> tuple[float, float]:
    """Width and height of ``draw_attention`` (inches), in which the words can be read."""
    source, target = (min(len(sentence[side]), MOST_WORDS) for side in ("source", "target"))
    return max(4.6, 1.3 + 0.24 * source), 1.3 + 0.24 * target


def draw_attention(figure: "Figure", sentence: Mapping[str, Any]) -> None:
    """Target words from top to bottom, source words from left to right; the stronger the colour,
    the more attention."""
    from matplotlib.colors import LinearSegmentedColormap

    source, target = (
        [short(word, longest=_LONGEST) for word in sentence[side][:MOST_WORDS]] for side in ("source", "target")
    )
    weights = np.array(sentence["attention"], float).reshape(len(sentence["target"]), -1)[: len(target), : len(source)]
    axes = figure.add_subplot()
    shades = LinearSegmentedColormap.from_list("attention", [(0, 0.447, 0.698, 0.0), (0, 0.447, 0.698, 0.95)])
    edges = (np.arange(len(source) + 1) - 0.5, np.arange(len(target) + 1) - 0.5)
    axes.pcolormesh(*edges, weights, vmin=0, vmax=1, cmap=shades, edgecolor="none")
    axes.set_aspect("equal")
    axes.invert_yaxis()
    axes.set_xticks(range(len(source)), source, rotation=90)
    axes.set_yticks(range(len(target)), target)
    axes.xaxis.tick_top()
    axes.set_xticks(edges[0][1:-1], minor=True)
    axes.set_yticks(edges[1][1:-1], minor=True)
    axes.grid(which="minor", color=INK, lw=0.4, alpha=0.25)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set(visible=True, color=INK, lw=0.4, alpha=0.25)


def attention_files(sentence: Mapping[str, Any]) -> dict[str, bytes]:
    """The page of one sentence as ``html``, and its picture as ``png`` and ``svg``."""
    width, height = attention_size(sentence)
    files = drawn("attention", partial(draw_attention, sentence=sentence), width=width, height=height)
    pictures = {name.rpartition(".")[2]: data for name, data in files.items()}
    return {"html": attention_page([sentence]).encode(), **pictures}


def attention_page(sentences: Sequence[Mapping[str, Any]], *, title: str = "Where the translator looked") -> str:
    """A page of HTML without scripts: pointing at a word, or tapping it, marks the words that
    belong to it.

    Everything of the texts is escaped.
    """
    import jinja2

    rules, shown = [], []
    for number, sentence in enumerate(sentences):
        for row, weights in enumerate(sentence["attention"]):
            for column, weight in enumerate(weights):
                if weight >= _SHOWN:
                    for one, other in ((f"t{row}", f"s{column}"), (f"s{column}", f"t{row}")):
                        rules.append(
                            f"#n{number}:has(.{one}:is(:hover, :focus)) .{other} {{ --strength: {weight:.2f} }}"
                        )
        shown.append([[short(word, longest=80) for word in sentence[side]] for side in ("source", "target")])
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_PAGE).render(title=title, rules="\n".join(rules), sentences=shown)


_PAGE = (
    page_head("{{ title }}")
    + """main { max-width: 46rem; margin: 0 auto; padding: 1.2rem 1rem 3rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .6rem; }
p { margin: .4rem 0; }
.soft { color: var(--soft); font-size: .9rem; }
section { border-top: 1px solid var(--line); padding: .6rem 0; font-size: 1.1rem; line-height: 1.9; }
section p { overflow-wrap: anywhere; }
section p:first-child { color: var(--soft); }
span { border-radius: .2rem; padding: .1rem .15rem; cursor: default; --strength: 0;
  background: rgb(213 94 0 / calc(var(--strength) * 75%)); }
span:is(:hover, :focus) { outline: 2px solid #0072b2; outline-offset: 1px; }
section:has(span:is(:hover, :focus)) p { color: var(--ink); }
@media print { :root { --ink: #000; --paper: #fff; --soft: #333; --line: #bbb; } }
{{ rules }}
</style>
</head>
<body>
<main>
<h1>{{ title }}</h1>
<p class="soft">Point at a word, or tap it: marked are the words of the other sentence that it goes with. The
stronger the colour, the more attention.</p>
{% for source, target in sentences %}
<section id="n{{ loop.index0 }}">
<p>{% for word in source %}<span class="s{{ loop.index0 }}" tabindex="0">{{ word }}</span> {% endfor %}</p>
<p>{% for word in target %}<span class="t{{ loop.index0 }}" tabindex="0">{{ word }}</span> {% endfor %}</p>
</section>
{% endfor %}
</main>
</body>
</html>
"""
)
