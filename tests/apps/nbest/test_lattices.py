"""Lattices are cut to the lists that trying every path gives."""

import itertools
import random
from pathlib import Path

import pytest

from elman.apps.nbest.formats import ReadOptions, format_of, read_nbest
from elman.apps.nbest.lattice import Arc, Lattice, best_sequences
from elman.errors import TextError


def random_lattice(rng: random.Random) -> Lattice:
    """A small graph with words, arcs without words, and several ends; many paths have the same
    words."""
    lattice = Lattice("u", "here", start=0)
    for source in range(6):
        for _ in range(rng.randint(1, 3)):
            target = rng.randint(source + 1, 7)
            word = rng.choice(["a", "b", ""])
            lattice.add(source, Arc(target, word, rng.uniform(-9, 0), rng.uniform(-9, 0)))
    lattice.finals = {7: (0.0, 0.0), rng.randint(0, 6): (rng.uniform(-9, 0), rng.uniform(-9, 0))}
    return lattice


def all_paths(lattice: Lattice, node: int) -> list[tuple[tuple[str, ...], float, float]]:
    found = [((), *lattice.finals[node])] if node in lattice.finals else []
    for arc in lattice.arcs.get(node, ()):
        for words, acoustic, lm in all_paths(lattice, arc.target):
            found.append(((arc.word, *words) if arc.word else words, acoustic + arc.acoustic, lm + arc.lm))
    return found


def test_the_best_sequences_are_those_of_all_paths() -> None:
    rng = random.Random(1)
    for _ in range(100):
        lattice = random_lattice(rng)
        scale, penalty = rng.choice([0.1, 1.0, 5.0]), rng.choice([0.0, -3.0])
        best: dict[tuple[str, ...], tuple[float, float, float]] = {}
        for words, acoustic, lm in all_paths(lattice, 0):
            total = acoustic + scale * lm + penalty * len(words)
            best[words] = max(best.get(words, (float("-inf"), 0.0, 0.0)), (total, acoustic, lm))
        wanted = sorted(best.items(), key=lambda item: -item[1][0])
        if not wanted:
            continue
        for n in (3, 1000):
            found = best_sequences(lattice, n, lm_scale=scale, word_penalty=penalty)
            assert [each.text for each in found] == [" ".join(words) for words, _ in wanted[:n]]
            for each, (_, (_, acoustic, lm)) in zip(found, wanted, strict=False):
                assert dict(each.scores) == pytest.approx({"acoustic": acoustic, "lm": lm})


COMPACT = """u1
0 1 in 2.5,80,1_2_3
0 1 an 1.5,100,4
1 2 <eps> 1,0,
1 2 end 3,50,
2 0.5,10,7

u2
0 1 yes 1,2,
1
"""
PLAIN = "u1 \n0 1 5 7 2.5,80\n0 1 6 8 1.5,100\n1 2 0 0 1,0\n1 2 9 9 3,50\n2 0.5,10\n\nu2\n0 1 1 1 1,2\n1\n"
SYMBOLS = "<eps> 0\nyes 1\nin 7\nan 8\nend 9\n"
WANTED = [("in", -90, -4), ("in end", -140, -6), ("an", -110, -3), ("an end", -160, -5)]


def test_kaldi_s_lattices(tmp_path: Path) -> None:
    (tmp_path / "compact").write_text(COMPACT)
    (tmp_path / "plain").write_text(PLAIN)
    (tmp_path / "words.txt").write_text(SYMBOLS)
    assert format_of(tmp_path / "compact") == format_of(tmp_path / "plain") == "kaldi-lattice"
    by_words = read_nbest(tmp_path / "compact")
    by_numbers = read_nbest(tmp_path / "plain", options=ReadOptions(symbols=tmp_path / "words.txt"))
    for lists in (by_words, by_numbers):
        assert [each.utterance for each in lists] == ["u1", "u2"]
        found = {(each.text, each.scores["acoustic"], each.scores["lm"]) for each in lists[0].hypotheses}
        assert found == set(WANTED)
        # By 0.1 acoustic + lm: -13, -14, -20, -21.
        assert [each.text for each in lists[0].hypotheses] == ["in", "an", "in end", "an end"]
    assert len(read_nbest(tmp_path / "compact", options=ReadOptions(n=2))[0].hypotheses) == 2
    with pytest.raises(TextError, match="plain, line 1: lattice 'u1' has numbers for words"):
        read_nbest(tmp_path / "plain")


SLF = """VERSION=1.0
UTTERANCE=call.7
lmscale=2.00 wdpenalty=-1.00
# a comment
N=5 L=5
I=0 t=0.00 W=!NULL
I=1 t=0.20 W=in v=1
I=2 t=0.20 W=an v=1
I=3 t=0.50 W=end v=1
I=4 t=0.50 W=</s>
J=0 S=0 E=1 a=-80 l=-2.5 r=0.00
J=1 S=0 E=2 a=-90 l=-0.5
J=2 S=1 E=3 a=-50 l=-3
J=3 S=2 E=3 a=-50 l=-1
J=4 S=3 E=4 a=0 l=-1
"""


def test_htk_s_lattices_with_words_on_nodes_and_on_links(tmp_path: Path) -> None:
    file = tmp_path / "x.lat"
    file.write_text(SLF)
    assert format_of(file) == "htk-lattice"
    on_links = SLF.replace("E=1 ", "E=1 W=in ").replace("E=2 ", "E=2 W=an ").replace("E=3 ", "E=3 W=end ")
    for content in (SLF, on_links.replace("W=in v=1\n", "\n").replace("W=an v=1\n", "\n").replace("W=end v=1\n", "\n")):
        file.write_text(content)
        (found,) = read_nbest(file)
        assert found.utterance == "call.7"
        # a + 2 l - 1 a word: -140 - 5 - 2 = -147 for "an end", -130 - 13 - 2 = -145 for "in end".
        assert [(each.text, dict(each.scores)) for each in found.hypotheses] == [
            ("in end", {"acoustic": -130.0, "lm": -6.5}), ("an end", {"acoustic": -140.0, "lm": -2.5})
        ]  # fmt: skip
    file.write_text(SLF.replace("VERSION=1.0", "VERSION=1.0\nbase=10"))
    assert read_nbest(file)[0].hypotheses[0].scores["lm"] == pytest.approx(-6.5 * 2.302585)


BROKEN = [
    ("kaldi-lattice", "u1\n0 1 in x,1,\n", "line 2: a cost is 'x'"),
    ("kaldi-lattice", "u1\nzero 1 in 1,1,\n", "line 2: 'zero 1 in 1,1,' is neither an arc"),
    ("kaldi-lattice", "0 1 in 1,1,\n", "line 1: '0 1 in 1,1,' stands where a lattice begins"),
    ("kaldi-lattice", "u1\n0 1 in 1,1,\n1 2 on 1,1,\n", "line 1: no path of lattice 'u1'"),
    ("kaldi-lattice", "u1\n0 1 in 1,1,\n1 0 on 1,1,\n1\n", "line 1: lattice 'u1' has a circle"),
    ("kaldi-lattice", "", "empty, there is no"),
    ("htk-lattice", SLF.replace("J=4 S=3 E=4", "J=4 S=3 E=9"), "line 15: there is no node 9"),
    ("htk-lattice", SLF.replace("J=4 S=3 E=4 a=0 l=-1\n", ""), "line 1: N=5 and L=5 are announced, and 5 nodes and 4"),
    ("htk-lattice", SLF.replace("a=-90", "a=high"), "line 12: a= is 'high'"),
    ("htk-lattice", SLF.replace("J=2 S=1 ", "J=2 "), "line 13: a link without S= or E="),
    ("htk-lattice", SLF.replace("I=2 t=0.20 W=an", "I=2 t=0.20 an"), "line 8: 'an' is no field such as W=word"),
    ("htk-lattice", "VERSION=1.0\n", "no nodes (I=) and links (J=)"),
]


@pytest.mark.parametrize(("format", "content", "message"), BROKEN)
def test_a_broken_lattice_is_named_in_one_line(format: str, content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "n").write_text(content)
    with pytest.raises(TextError) as error:
        read_nbest(tmp_path / "n", format=format)
    assert message in str(error.value) and "\n" not in str(error.value)


def test_many_paths_cost_little() -> None:
    """2^60 paths with the same words are one sequence."""
    lattice = Lattice("u", "here", finals={60: (0.0, 0.0)})
    for node, (score, _) in itertools.product(range(60), ((-1.0, 0), (-2.0, 1))):
        lattice.add(node, Arc(node + 1, "a", score, 0.0))
    (found,) = best_sequences(lattice, 10)
    assert found.text == " ".join("a" * 60) and found.scores["acoustic"] == -60
