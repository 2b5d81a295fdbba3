import os
from pathlib import Path

import pytest

from elman.errors import TextError, UsageError
from elman.progress import Progress
from elman.text.sources import find_sources, total_bytes, without


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(*names):
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("text\n")


def found(*sources):
    return [Path(source.name).as_posix() for source in find_sources(list(sources))]


def message(*sources):
    with pytest.raises(TextError) as caught:
        find_sources(list(sources))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_folders_are_sorted_and_only_what_looks_like_text_is_taken(home):
    write("d/b.txt", "d/a.md", "d/noext", "d/sub/c.txt.gz", "d/.hidden", "d/.git/x.txt", "d/p.PNG", "d/q.png.gz")
    write("d/r.tar.gz", "d/s.tgz", "d/m.safetensors")
    assert found("d") == ["d/a.md", "d/b.txt", "d/noext", "d/sub/c.txt.gz"]


def test_model_folders_and_caches_inside_a_folder_are_no_text(home):
    write("d/a.txt", "d/model/config.json", "d/model/tokenizer.json", "d/model/training/log.txt")
    write("d/cache/elman-corpus.json", "d/cache/train.txt", "d/other/config.json")
    write("d/index/config.json", "d/index/model.safetensors", "d/index/model_card.json")
    assert found("d") == ["d/a.txt", "d/other/config.json"]
    for own in ("d/model", "d/index", "d/cache"):
        assert message(own) == f"{Path(own)} is the folder of a model or an index, not of text; name files of text"


def test_globs_are_sorted_by_path_and_skip_binary_files(home):
    write("d/b.txt", "d/a.txt", "d/a/z.txt", "d/p.png")
    assert found("d/*") == ["d/a.txt", "d/b.txt"]
    assert found("d/**/*.txt") == ["d/a/z.txt", "d/a.txt", "d/b.txt"]


def test_a_file_whose_name_looks_like_a_glob_is_that_file(home):
    write("a[1].txt", "a1.txt")
    assert found("a[1].txt") == ["a[1].txt"]


def test_named_files_are_taken_whatever_they_are_called(home):
    write(".hidden", "x.png")
    assert found(".hidden", "x.png") == [".hidden", "x.png"]


class Talk(Progress):
    def __init__(self):
        self.said = []

    def say(self, message):
        self.said.append(message)


@pytest.mark.parametrize(
    "sources", [["d"], ["d/**"], ["d", "d/sub/a.txt"], ["d/sub/a.txt", "d"], ["d/sub/*", "d/l*/*"]]
)
def test_a_file_is_read_once_however_many_names_lead_to_it(home, sources):
    write("d/sub/a.txt")
    os.symlink(".", "d/self")
    os.symlink("..", "d/sub/up")
    os.symlink("sub", "d/link")
    os.symlink("sub/a.txt", "d/b.txt")
    os.link("d/sub/a.txt", "d/c.txt")
    talk = Talk()
    assert len(find_sources(sources, progress=talk)) == 1
    assert any("each file is read once" in line for line in talk.said)


def test_a_folder_behind_a_link_is_read_and_said(home):
    write("far/sub/a.txt", "d/own.txt")
    os.symlink("../far", "d/notes")
    talk = Talk()
    assert [source.name for source in find_sources("d", progress=talk)] == ["d/own.txt", "d/notes/sub/a.txt"]
    assert talk.said == ["note: d/notes: a link to a folder, whose files are read too"]
    assert found("d/**/sub/*.txt") == ["d/notes/sub/a.txt"]


def test_links_between_many_folders_are_followed_in_little_time(home):
    for n in range(12):
        write(f"d/{n}/{n}.txt")
        for other in range(12):
            os.symlink(f"../{other}", f"d/{n}/to{other}")
    assert len(found("d")) == len(found("d/**/*.txt")) == 12


def test_held_out_files_of_a_folder_are_no_training_text(home):
    write("d/a.txt", "d/valid.txt")
    talk = Talk()
    sources, valid = find_sources("d"), find_sources("d/valid.txt")
    assert [source.name for source in without(sources, valid, progress=talk)] == ["d/a.txt"]
    assert "d/valid.txt is validation or test text, so it is left out" in talk.said[0]
    named = find_sources(["d/a.txt", "d/valid.txt"])
    assert without(named, valid, progress=talk) == named
    assert talk.said[1].startswith("warning: d/valid.txt is in the training text and in the validation")


def test_brackets_in_the_name_of_a_folder_are_no_pattern(home):
    write("a [b]/x [1].txt", "a [b]/deep/[c]/y.txt", "a b/z.txt")
    assert found("a [b]/*.txt") == ["a [b]/x [1].txt"]
    assert found("a [b]/**/[c]/?.txt") == ["a [b]/deep/[c]/y.txt"]
    assert found("a [b]/x [[]1].txt") == ["a [b]/x [1].txt"]
    assert found(str(home / "a [b]" / "x*")) == [(home / "a [b]/x [1].txt").as_posix()]
    assert found("a [[]b]/*.txt") == ["a [b]/x [1].txt"]


def test_one_source_needs_no_list(home):
    write("a.txt")
    assert [source.name for source in find_sources("a.txt")] == ["a.txt"]
    assert [source.name for source in find_sources(Path("a.txt"))] == ["a.txt"]


def test_home_folder(home, monkeypatch):
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    write("a.txt")
    assert find_sources(["~/a.txt"])[0].path == home / "a.txt"
    assert find_sources(["~/*.txt"])[0].path == home / "a.txt"


def test_suffixes(home):
    write("A.JSONL.GZ", "b.tsv", "plain")
    assert [(s.suffix, s.compression) for s in find_sources(["A.JSONL.GZ", "b.tsv", "plain"])] == [
        (".jsonl", ".gz"),
        (".tsv", ""),
        ("", ""),
    ]


def test_missing_file_names_the_nearest_one(home):
    write("d/moby.txt", "d/Other.txt")
    assert message("d/mobby.txt") == f"d/mobby.txt: no such file; did you mean {Path('d/moby.txt')}?"
    assert message("d/OTHER.TXT") == f"d/OTHER.TXT: no such file; did you mean {Path('d/Other.txt')}?"
    assert message("d/qqqqqqqq") == "d/qqqqqqqq: no such file or folder; check the name"
    assert message("nowhere/x.txt") == "nowhere/x.txt: no such file, and no folder nowhere either; check the path"


def test_what_cannot_be_found_is_said(home):
    write("d/x.png")
    assert "no file matches" in message("*.txt")
    assert "only folders or binary files match" in message("d/*")
    assert "no text files in this folder" in message("d")
    assert "Protocol not known: nowhere); check address" in message("nowhere://example.org/a.txt")
    assert message("builtin:pydoc") == "builtin:pydoc: no such built-in text; there is: builtin:pydocs"
    assert "an empty name" in message("")


def test_nothing_given_and_stdin_twice():
    with pytest.raises(UsageError, match="no text given"):
        find_sources([])
    with pytest.raises(UsageError, match="given twice"):
        find_sources(["-", "-"])


def test_total_bytes_for_progress(home):
    write("a.txt", "b.txt")
    assert total_bytes(find_sources(["a.txt", "b.txt"])) == 10
    assert total_bytes(find_sources(["a.txt", "-"])) is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs special files")
def test_what_is_no_file_is_refused_by_name_and_never_waited_for(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    os.mkfifo(tmp_path / "b.txt")
    for given in (tmp_path, tmp_path / "b.txt", str(tmp_path / "*.txt")):
        with pytest.raises(TextError, match=r"b\.txt is a pipe, a socket or a device"):
            find_sources(given)
    (tmp_path / "b.txt").unlink()
    (tmp_path / "b.txt").symlink_to(tmp_path / "nowhere")
    for given in (tmp_path, tmp_path / "b.txt"):
        with pytest.raises(TextError, match=r"b\.txt is a link to nothing"):
            find_sources(given)
    (tmp_path / "b.txt").unlink()
    (tmp_path / "b.txt").symlink_to("a.txt")
    assert [source.path for source in find_sources(tmp_path)] == [tmp_path / "a.txt"]
