"""What reads files from outside, each with good samples: the fuzzer changes these."""

import gzip
import json
import os
import random
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tests.apps.nbest import test_formats as nbest
from tests.apps.nbest import test_lattices as lattices
from tests.contracts.task_samples import SUBJECTS
from tests.data import test_captions
from tests.data.tag_formats import test_brat, test_columns, test_conllu, test_json_spans, test_spacy_json
from tests.data.test_damaged_vectors import FILES as VECTORS
from tests.faults.mutators import mutated

import elman
from elman.apps.nbest.formats import read_nbest
from elman.apps.nbest.references import read_references
from elman.apps.ranking.documents import read_named
from elman.apps.ranking.trec import read_qrels, read_run
from elman.apps.spelling import pairs as misspellings
from elman.data.captions import CaptionsConfig, read_captions
from elman.data.dialogues import read_dialogues
from elman.data.examples import ExamplesConfig, read_examples
from elman.data.pairs import read_pairs
from elman.data.preprocessing import DataConfig, prepare_data
from elman.data.series import SeriesConfig, read_series
from elman.data.squad import read_squad
from elman.data.tagged import read_tagged, write_tagged
from elman.evaluation.word_vectors import read_analogies
from elman.evaluation.word_vectors import read_pairs as read_similarities
from elman.progress import Progress
from elman.storage import folder as model_folder
from elman.storage.language import load_with_card
from elman.tasks.vectors.model import load_any


class Target(NamedTuple):
    """A reader and the files that it is given."""

    name: str
    samples: Mapping[str, bytes]
    """Good files by their name."""
    use: Callable[[Path], object]
    """Reads a changed one; may raise an ElmanError."""
    notices: bool = False
    """Whether every changed bit must be an error."""

    def change(self, folder: Path, rng: random.Random) -> tuple[Path, bool]:
        """A changed sample in a folder, and whether it says something else."""
        name = rng.choice(list(self.samples))
        data = self.samples[name]
        changed = mutated(data, rng)
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(changed)
        return path, not _same(name, changed, data)


def _same(name: str, one: bytes, other: bytes) -> bool:
    """Whether two files are the same; of JSON the order of keys does not count."""
    if one != other and name.endswith(".json"):
        with suppress(ValueError, RecursionError):
            return json.loads(one) == json.loads(other)
    return one == other


def _text(task: str, folder: Path) -> bytes:
    SUBJECTS[task].write(folder / "sample", 1)
    return (folder / "sample").read_bytes()[:4000].rpartition(b"\n")[0] + b"\n"


def _rows(data: bytes) -> bytes:
    """A table as JSON lines."""
    names, *rows = [line.split(",", 1) for line in data.decode().splitlines()]
    return "".join(json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in rows).encode()


def _tagged(path: Path) -> None:
    for sentence in read_tagged(path):
        if sentence.source is not None and sentence.source.format != "spacy":
            write_tagged(sentence, sentence.tags)


def _brat(path: Path) -> None:
    (path.parent / "a.txt").write_text(test_brat.TEXT)
    _tagged(path)


def _prepare(path: Path) -> None:
    prepare_data([str(path)], config=DataConfig(), cache=path.parent / "cache", progress=Progress())


def _nbest(name: str, text: str) -> Target:
    return Target(f"n-best {name}", {"a": text.encode()}, lambda path: read_nbest(path, format=name.split()[0]))


def readers(folder: Path, arpa: bytes) -> list[Target]:
    """Everything that reads a file of data; ``folder`` is for scratch files."""
    classify, tag, series = (_text(task, folder) for task in ("classify", "tag", "forecast"))
    pairs, dialogues, plain = (_text(task, folder) for task in ("translate", "reply", "language"))
    ft = "".join("__label__{} {}\n".format(*line.split(",", 1)) for line in classify.decode().splitlines()[1:]).encode()
    spans = "".join(json.dumps(each) + "\n" for each in test_json_spans.NAMES.values()).encode()
    squad = {"data": [{"title": "t", "paragraphs": [{"context": "Anna sees Ben.", "qas": [
        {"id": "1", "question": "Who sees Ben?", "answers": [{"text": "Anna", "answer_start": 0}]},
    ]}]}]}  # fmt: skip
    lists = {
        "kaldi": nbest.KALDI, "srilm": nbest.SRILM["third"][0], "srilm 1": nbest.SRILM["first"][0],
        "srilm 2": nbest.SRILM["second"][0], "wenet": "wav a1\ncandidate -1.5 in the end\ncandidate -2 \nwav a2\n",
        "tsv": "utt\trank\tac\thyp\tref\na1\t1\t-1\tin\tin\na1\t2\t-2\tan\tin\n",
        "jsonl": '{"id": "a1", "hyps": [["in the end", -3.2], ["in", -3]], "ref": "in", "session": 7}\n'
        '{"utt": 2, "nbest": [{"text": "yes", "ac_cost": 80, "lm_score": -4.2, "rank": 1, "final": true}]}\n',
        "kaldi-lattice": lattices.COMPACT, "htk-lattice": lattices.SLF,
    }  # fmt: skip
    return [
        Target("ARPA", {"a.arpa": arpa, "b.arpa.gz": gzip.compress(arpa)}, load_with_card),
        Target("vectors", VECTORS | {f"{name}.gz": gzip.compress(data) for name, data in VECTORS.items()},
               lambda path: load_any(path).most_similar("king")),
        Target("CoNLL-U", {"a.conllu": test_conllu.SENTENCES.encode()}, _tagged),
        Target("tagged text", {"a.conll": test_columns.CONLL.encode(), "b.tsv": tag, "c.jsonl": spans,
               "d.json": json.dumps([test_spacy_json.DOCUMENT]).encode()}, _tagged),
        Target("brat", {"a.ann": test_brat.SPANS.encode()}, _brat),
        Target("examples", {"a.csv": classify, "b.tsv": classify.replace(b",", b"\t"), "c.jsonl": _rows(classify),
               "d.ft": ft}, lambda path: list(read_examples(path, config=ExamplesConfig()))),
        Target("series", {"a.csv": series}, lambda path: read_series(
            [str(path)], config=SeriesConfig(time="day", value="sold", group="shop", covariates="sale"))),
        Target("pairs", {"a.csv": pairs, "b.tsv": b"one\teins\ntwo\tzwei\n"}, read_pairs),
        Target("dialogues", {"a.csv": dialogues, "b.txt": b"a b\nc d\n\ne f\ng h\n"},
               lambda path: list(read_dialogues(str(path)))),
        Target("text", {"a.txt": plain, "b.txt.gz": gzip.compress(plain), "c.jsonl": _rows(classify)}, _prepare),
        *(_nbest(name, text) for name, text in lists.items()),
        Target("references", {"a.trn": b"in the end (a1)\n(a2)\n", "b.jsonl": b'{"id": "a1", "ref": "in the end"}\n'},
               read_references),
        Target("TREC", {"run": b"7 Q0 d2 1 1.5 bm25\n7 Q0 d1 2 1.25 bm25\n8 Q0 d2 1 -3e2 bm25\n"}, read_run),
        Target("judgements", {"qrels": b"7 0 d2 1\n7 0 d1 0\n8 0 d2 3\n"}, read_qrels),
        Target("documents", {"a.jsonl": b'{"id": "d1", "title": "t", "text": "one wing"}\n{"_id": 2, "text": "b"}\n',
               "b.tsv": b"d1\tone wing\nd2\ttwo\n", "c.csv": b"id,title,text\nd1,t,one wing\n"},
               lambda path: list(read_named(str(path)))),
        Target("captions", {name: text.encode() for name, text in test_captions.FILES.items()},
               lambda path: read_captions(path, config=CaptionsConfig())),
        Target("SQuAD", {"a.json": json.dumps(squad).encode()}, lambda path: read_squad(str(path))),
        Target("similarities", {"a.tsv": b"# c\none\ttwo\tscore\ncat\tdog\t7.5\nsun\tsea\t1\n"}, read_similarities),
        Target("analogies", {"a.txt": b": capitals\nParis France Rome Italy\n: verbs\na b c d\n"}, read_analogies),
        Target("misspellings", {"a": b"their: thier*2, ther\nrecieve->receive\n$get\ngett\nwrong\tright\n"},
               misspellings.read_pairs),
    ]  # fmt: skip


def folders(models: Mapping[str, Path], stopped: Path, scratch: Path) -> list[Target]:
    """Model folders with one file changed, which must be noticed; and a training that is to be
    resumed."""

    def loads(path: Path) -> None:
        whole = models[path.parent.name]
        for name in model_folder.used_files(whole):
            if name != path.name:
                (path.parent / name).unlink(missing_ok=True)
                os.link(whole / name, path.parent / name)
        elman.load(path.parent)

    def resumes(path: Path) -> None:
        copy = scratch / "resumed"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(stopped, copy)
        shutil.copy(path, copy / "training" / path.name)
        elman.resume(copy)

    found = [
        Target(f"folder of {kind}", {f"{kind}/{name}": data for name, data in model_folder.used_files(folder).items()},
               loads, notices=True)
        for kind, folder in models.items()
    ]  # fmt: skip
    training = {name: (stopped / "training" / name).read_bytes() for name in ("plan.json", "checkpoint.safetensors")}
    return [*found, Target("checkpoint", training, resumes, notices=True)]
