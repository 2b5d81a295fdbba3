"""Cells as pictures."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from elman.errors import UsageError
from elman.explain.cells import cell_topics
from elman.explain.page import topic_named
from elman.explain.picture import kind_of_file, picture
from elman.explain.topic import Topic

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.slow
@pytest.mark.parametrize("topic", cell_topics(), ids=lambda topic: topic.name)
def test_it_shows_every_node(topic: Topic) -> None:
    svg = picture([topic.layout], title=topic.title, kind="svg").decode()
    texts = ["".join(each.itertext()).strip() for each in ElementTree.fromstring(svg).iter(f"{SVG}text")]
    shown = [node.text[1:-1] for node in topic.layout.nodes if node.text[:1] in ("[", "(")]
    assert len(shown) == sum(not node.origin for node in topic.flow.nodes)
    assert all(texts.count(label) == shown.count(label) for label in set(shown))
    assert topic.title in texts
    # Its ink and paper follow the reader's: nothing is left in the black of light pages.
    assert svg.count("#1b1d1f") == 1 and "prefers-color-scheme: dark" in svg and 'class="paper"' in svg


def test_png() -> None:
    assert picture([topic_named("rnn").layout], title="rnn", kind="png").startswith(b"\x89PNG")


def test_kinds() -> None:
    assert kind_of_file(Path("a/b.SVG")) == "svg"
    with pytest.raises(UsageError, match=r"'lstm\.pdf'; a drawing is written as \.svg or \.png: try --out lstm\.svg"):
        kind_of_file(Path("lstm.pdf"))
