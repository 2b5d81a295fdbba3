"""A report as one self-contained page: sections of text, pictures and tables, light, dark and on
paper."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from elman.report.style import drawn, inline, page_head
from elman.system.files import storage_errors, write_atomic


class Section(NamedTuple):
    """A part of the page."""

    title: str
    paragraphs: list[str]
    name: str = ""
    """Of the figure's files."""
    figure: Callable[[Any], None] | None = None
    height: float = 3.6
    table: list[list[str]] | None = None
    """Rows; the first one is the head."""
    width: float = 4.6
    """Of the figure (inches); a wider one may be scrolled on small screens."""


def write_page(folder: Path, file: str, *, title: str, head: str, sections: Sequence[Section]) -> list[Path]:
    """Write the page ``file`` and its pictures, each as PNG and SVG, into a folder; returns all
    files, the page first.

    Raises:
        StorageError: the folder cannot be written.
    """
    import jinja2
    import markupsafe

    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    written, shown = [], []
    for section in sections:
        svg = ""
        if section.figure is not None:
            files = drawn(section.name, section.figure, width=section.width, height=section.height)
            for name, data in files.items():
                write_atomic(folder / name, data)
                written.append(folder / name)
            svg = inline(files[f"{section.name}.svg"], section.name, section.title)
        # Our own drawings, whose text matplotlib escapes; everything else is escaped by the
        # template.
        shown.append({**section._asdict(), "svg": markupsafe.Markup(svg)})
    template = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(_PAGE)
    page = template.render(title=title, head=head, sections=shown)
    write_atomic(folder / file, page.encode())
    return [folder / file, *written]


_PAGE = (
    page_head("{{ title }}", more_sources="; img-src data:")
    + """main { max-width: 59rem; margin: 0 auto; padding: 1.2rem 1rem 3rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .3rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .4rem; }
p { margin: .4rem 0; max-width: 44rem; overflow-wrap: anywhere; }
.head { color: var(--soft); font-size: .9rem; }
svg { display: block; width: 100%; max-width: 38rem; height: auto; margin: .8rem auto; color: var(--ink);
  font-family: "DejaVu Sans", Verdana, sans-serif; }
.wide { overflow-x: auto; }
.large svg { max-width: none; min-width: 48rem; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; margin: .6rem 0; }
th, td { text-align: right; padding: .25rem .5rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; padding-left: 0; white-space: normal; }
td:first-child { min-width: 6.2rem; max-width: 26rem; overflow-wrap: break-word; }
th { font-weight: 600; color: var(--soft); }
@media print {
  :root { --ink: #000; --paper: #fff; --soft: #333; --line: #bbb; }
  body { font-size: 11pt; } main { max-width: none; padding: 0; }
  table { font-size: 8pt; } th, td { padding: .15rem .3rem; } th { white-space: normal; }
  svg, table { break-inside: avoid; } h2 { break-after: avoid; } svg { max-width: 14cm; }
  .large svg { min-width: 0; max-width: none; }
}
</style>
</head>
<body>
<main>
<h1>{{ title }}</h1>
<p class="head">{{ head }}</p>
{% for section in sections %}
<section>
<h2>{{ section.title }}</h2>
{% for paragraph in section.paragraphs %}
<p>{{ paragraph }}</p>
{% endfor %}
{% if section.width > 4.6 %}
<div class="wide large">{{ section.svg }}</div>
{% else %}
{{ section.svg }}
{% endif %}
{% if section.table %}
<div class="wide"><table>
<thead><tr>{% for cell in section.table[0] %}<th scope="col">{{ cell }}</th>{% endfor %}</tr></thead>
<tbody>
{% for row in section.table[1:] %}
<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}
</tbody>
</table></div>
{% endif %}
</section>
{% endfor %}
</main>
</body>
</html>
"""
)
