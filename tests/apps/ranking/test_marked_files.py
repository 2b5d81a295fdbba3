"""Collections in the forms in which SMART and TREC gave them."""

from pathlib import Path

import pytest

from elman.apps.ranking.documents import read_named
from elman.apps.ranking.trec import read_qrels
from elman.errors import TextError

SMART = """.I 1
.T
18 Editions of the Dewey
Decimal Classifications
.A
Comaromi, J.P.
.W
   The first edition of the DDC
was published in 1876.
.X
1	5	1
.I 20
.W
No title.
.I 3
.T
A title alone
"""
TREC = """<DOC>
<DOCNO> AP880212-0001 </DOCNO>
<HEAD>Rain &amp; wind</HEAD>
<BYLINE>By X</BYLINE>
<TEXT>
The rain fell.
<P>
On the plain.
</TEXT>
</DOC>

<DOC>
<DOCNO>WT01</DOCNO>
<DOCHDR>
http://www.example.org
</DOCHDR>
<html>Two <b>dogs</b></html>
</DOC>
"""
TOPICS = """<top>
<num> Number: 301
<title> International Organized Crime

<desc> Description:
Identify organizations.

<narr> Narrative:
A relevant document ...
</top>
<top>
<num>MB01</num>
<title></title>
<desc>Only this</desc>
</top>
"""


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        (
            "CISI.ALL",
            SMART,
            [
                (
                    "1",
                    "18 Editions of the Dewey Decimal Classifications\n"
                    "The first edition of the DDC\nwas published in 1876.",
                    "18 Editions of the Dewey Decimal Classifications",
                ),
                ("20", "No title.", ""),
                ("3", "A title alone", "A title alone"),
            ],
        ),
        (
            "ap.trec",
            TREC,
            [
                ("AP880212-0001", "Rain & wind\nThe rain fell.\nOn the plain.", "Rain & wind"),
                ("WT01", "Two  dogs", ""),
            ],
        ),
        ("topics.301-450.txt", TOPICS, [("301", "International Organized Crime", ""), ("MB01", "Only this", "")]),
    ],
)
@pytest.mark.parametrize("whole", [False, True])
def test_records_have_names_and_titles(name: str, text: str, wanted: list, whole: bool, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    assert [tuple(each) for each in read_named(tmp_path / name, whole=whole)] == wanted
    assert [each.id for each in read_named(tmp_path)] == [each[0] for each in wanted]


def test_a_field_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(".I 1\n.A\nWilson\n.W\nx\n")
    assert [each.text for each in read_named(tmp_path / "a", field="author")] == ["Wilson"]
    with pytest.raises(TextError, match="line 1: no field 'bib'; its fields are: id, author, "):
        list(read_named(tmp_path / "a", field="bib"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<DOC>\n<TEXT>x</TEXT>\n</DOC>\n", "line 1: this document or query has no name, which stands in .I, <DOCNO>"),
        ("<DOC>\n<DOCNO>1</DOCNO>\nx\n", "line 1: this <DOC> has no end; </DOC> must follow it"),
        (".I 1\n.W\nx\n.I 1\n.W\ny\n", "line 4: its id is that of "),
    ],
)
def test_what_is_broken_is_named(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_text(text)
    with pytest.raises(TextError) as error:
        list(read_named(tmp_path / "a"))
    assert message in str(error.value)


def test_judgements_of_smart(tmp_path: Path) -> None:
    (tmp_path / "CISI.REL").write_text("     1     28\t0\t0.000000\n     1     35\t0\t0.000000\n02 4  0 0\n")
    assert read_qrels(tmp_path / "CISI.REL") == {"1": {"28": 1, "35": 1}, "2": {"4": 1}}
    (tmp_path / "trec").write_text("1 0 0 0\n1 0 1 1\n")
    assert read_qrels(tmp_path / "trec") == {"1": {"0": 0, "1": 1}}
    (tmp_path / "json").write_text('{"1": {"28": 1}}\n')
    with pytest.raises(TextError, match="json: no judgement in it; lines are QUERY 0 DOCUMENT GRADE"):
        read_qrels(tmp_path / "json")
