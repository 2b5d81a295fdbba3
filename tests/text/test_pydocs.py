import json
import re
import subprocess
import sys
import textwrap
from inspect import cleandoc
from pydoc_data.topics import topics

import pytest

from elman.text import pydocs

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def elsewhere():
    """What a process of its own gathers, and the modules that this has loaded."""
    script = (
        "import json, sys; from elman.text import pydocs; import sysconfig; sysconfig.get_path('stdlib');"
        " before = set(sys.modules); found = pydocs.documents(); after = set(sys.modules);"
        " print(json.dumps([found, sorted(name for name in after - before if not name.startswith('_sysconfigdata'))]))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def documents(elsewhere):
    return elsewhere[0]


def gathered():
    """Gathered anew, whatever was gathered before."""
    return pydocs.documents.__wrapped__()


def test_topics_come_first_and_docstrings_in_the_order_of_their_lines(documents):
    owners = [textwrap, textwrap.TextWrapper, textwrap.TextWrapper.fill, textwrap.fill]
    places = [documents.index(cleandoc(str(owner.__doc__))) for owner in owners]
    assert documents[0].startswith('The "assert" statement\n**********************\n')
    assert documents.index(topics["yield"].strip()) < min(places)
    assert places == sorted(places)


def test_none_is_there_twice_and_none_is_empty(documents):
    assert len(set(documents)) == len(documents)
    assert all(document.strip() for document in documents)


def test_its_size_is_as_promised(documents):
    words_and_marks = sum(len(re.findall(r"\w+(?:'\w+)*|[^\w\s]+", document)) for document in documents)
    assert 270_000 < words_and_marks < 340_000


def test_a_module_that_is_missing_is_skipped(documents, monkeypatch):
    monkeypatch.setattr(pydocs, "_MODULES", "textwrap no_such_module json.no_such_part no.such.package")
    few = gathered()
    assert set(few) < set(documents)
    assert any(document.startswith("Text wrapping and filling.") for document in few)


def test_a_module_of_that_name_on_the_path_is_not_taken(tmp_path, monkeypatch):
    (tmp_path / "textwrap.py").write_text('"""An impostor."""\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(pydocs, "_MODULES", "textwrap")
    assert "An impostor." not in gathered()


def test_nothing_is_imported(elsewhere):
    assert elsewhere[1] == []
