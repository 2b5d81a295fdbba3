"""Each mistake gives one line that says what came, what is allowed, what to do; exit code 2;
nothing lost."""

import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tests.stopping import stopped_run

from elman.errors import FolderError
from elman.training.plan_file import read_plan, write_plan

Call = Callable[..., Any]


def fails(result: Any, *parts: str) -> None:
    assert result.code == 2, result.err
    assert result.out == ""
    last = result.err.strip().splitlines()[-1]
    assert last.startswith("elman: ")
    assert "Traceback" not in result.err
    for part in parts:
        assert part in last, last


TRAIN = ("--updates", "2", "--embedding-size", "8", "--hidden-size", "8", "--threads", "1")


@pytest.mark.parametrize(
    ("name", "content", "parts"),
    [
        ("missing.txt", None, ("missing.txt",)),
        ("empty.txt", b"", ("empty.txt", "empty")),
        ("blank.txt", b"\n\n  \n", ("blank.txt", "empty")),
        ("binary.txt", b"text\x00more" * 100, ("binary.txt", "binary")),
        ("latin.txt", b"caf\xe9 " * 400, ("latin.txt", "byte 3", "--encoding")),
        ("small.txt", b"three little words\n", ("too little text", "200")),
    ],
)
def test_bad_texts(cli: Call, tmp_path: Path, name: str, content: bytes | None, parts: tuple[str, ...]) -> None:
    text = tmp_path / name
    if content is not None:
        text.write_bytes(content)
    out = tmp_path / "model"
    for kind in ("lstm", "ngram"):
        extra = TRAIN if kind == "lstm" else ()
        fails(cli("train", text, "--out", out, "--model", kind, *extra), *parts)
        assert not out.exists()


@pytest.mark.parametrize(
    ("flags", "parts"),
    [
        (("--minutes", "0"), ("--minutes is 0", "--minutes 5")),
        (("--minutes", "nan"), ("--minutes is nan",)),
        (("--minutes", "-1"), ("--minutes is -1",)),
        (("--minutes", "soon"), ("minutes", "soon")),
        (("--epochs", "0"), ("--epochs is 0",)),
        (("--updates", "0"), ("--updates is 0", "1 or more")),
        (("--minutes", "1", "--updates", "5"), ("--minutes and --updates", "one of them")),
        (("--model", "markov"), ("markov", "lstm", "ngram")),
        (("--model", "mixture"), ("mixture", "lstm", "ngram")),
        (("--level", "sentence"), ("sentence", "word", "subword", "char", "byte")),
        (("--optimizer", "magic"), ("magic", "adamw")),
        (("--dropout", "1.5"), ("--dropout is 1.5", "below 1")),
        (("--hidden-size", "0"), ("--hidden-size is 0", "at least 1")),
        (("--threads", "0"), ("--threads is 0",)),
        (("--seed", "-1", "--updates", "2"), ("--seed is -1",)),
        (("--batch", "100000", "--updates", "2"), ("too few for a batch",)),
        (("--model", "ngram", "--threads", "2"), ("--threads", "n-gram")),
        (("--precision", "fp8"), ("fp8", "bf16", "fp32", "auto")),
        (("--order", "3"), ("--order", "lstm")),
        (("--model", "ngram", "--order", "9"), ("--order is 9", "1 to 7")),
        (("--model", "ngram", "--hidden-size", "9"), ("--hidden-size", "ngram")),
        (("--model", "ngram", "--minutes", "1"), ("counted",)),
        (("--pretokenized", "--level", "char"), ("--pretokenized", "char")),
        (("--encoding", "klingon"), ("klingon",)),
        (("--nonsense", "1"), ("--nonsense",)),
        (("--input", "one-hot", "--tied"), ("one-hot", "--no-tied")),
    ],
)
def test_bad_flags(cli: Call, text_file: Path, tmp_path: Path, flags: tuple[str, ...], parts: tuple[str, ...]) -> None:
    out = tmp_path / "model"
    fails(cli("train", text_file, "--out", out, *flags), *parts)
    assert not out.exists()


def test_train_needs_a_text_and_a_folder(cli: Call, text_file: Path, tmp_path: Path) -> None:
    fails(cli("train", text_file), "--out is missing")
    fails(cli("train", "--out", tmp_path / "m"), "no text was given")


def test_an_output_folder_that_exists_is_not_touched(cli: Call, text_file: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    fails(cli("train", text_file, "--out", tmp_path, *TRAIN), str(tmp_path), "exists", "choose another folder")
    assert os.listdir(tmp_path) == ["thesis.txt"]
    fails(cli("train", text_file, "--out", tmp_path / "thesis.txt", *TRAIN), "is a file")
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_verbs_and_models_that_are_not_there(cli: Call, tmp_path: Path) -> None:
    fails(cli("trian"), "'trian'", "train", "evaluate")
    fails(cli("info", tmp_path / "no"), "does not exist", "elman train")
    fails(cli("info", tmp_path), "not a model folder")
    fails(cli("complete", tmp_path / "no"), "PROMPT")


def reading(file: str, folder: Path, text: Path) -> tuple[object, ...]:
    """A command that reads a file of a model folder: what completes a network leaves its weights
    alone."""
    return ("evaluate", folder, text) if file == "model.safetensors" else ("complete", folder, "Anna")


def copy(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copy"))


@pytest.mark.parametrize("file", ["model.safetensors", "config.json", "tokenizer.json", "speller.safetensors"])
def test_a_truncated_or_missing_file_is_found(
    cli: Call, lstm_folder: Path, text_file: Path, tmp_path: Path, file: str
) -> None:
    folder = copy(lstm_folder, tmp_path)
    data = (folder / file).read_bytes()
    for keep in (0, 7, len(data) // 2, len(data) - 1):
        (folder / file).write_bytes(data[:keep])
        fails(cli(*reading(file, folder, text_file)))
    (folder / file).unlink()
    fails(cli(*reading(file, folder, text_file)))


def test_a_newer_schema_says_upgrade(cli: Call, lstm_folder: Path, tmp_path: Path) -> None:
    folder = copy(lstm_folder, tmp_path)
    head = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**head, "schema_version": 99}))
    fails(cli("complete", folder, "Anna"), "schema 99", "newer elman", "upgrade")


def test_a_pickle_is_never_opened(cli: Call, lstm_folder: Path, tmp_path: Path) -> None:
    import pickle

    folder = copy(lstm_folder, tmp_path)

    class Bomb:
        def __reduce__(self) -> Any:
            return (os.system, (f"touch {tmp_path / 'exploded'}",))

    for protocol in (0, 2, 5):
        (folder / "model.safetensors").write_bytes(pickle.dumps(Bomb(), protocol=protocol))
        fails(cli("complete", folder, "Anna"), "pickle" if protocol else "damaged")
    assert not (tmp_path / "exploded").exists()


def reseal(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Write changed weights with honest digests, as an attacker would."""
    from elman.storage.folder import read_arrays, write_weights

    arrays = read_arrays(folder / "model.safetensors", sealed=False)
    change(arrays)
    write_weights(folder, arrays)


def test_weights_of_another_shape_are_refused(cli: Call, lstm_folder: Path, tmp_path: Path) -> None:
    def shrink(arrays: dict[str, Any]) -> None:
        arrays["stack.layers.0.weight_hh"] = arrays["stack.layers.0.weight_hh"][:, :-1].copy()

    folder = copy(lstm_folder, tmp_path)
    reseal(folder, shrink)
    fails(cli("complete", folder, "Anna"), "stack.layers.0.weight_hh", "needs float32")


def test_a_configuration_that_asks_for_a_huge_network_allocates_nothing(
    cli: Call, lstm_folder: Path, tmp_path: Path
) -> None:
    folder = copy(lstm_folder, tmp_path)
    head = json.loads((folder / "config.json").read_text())
    head["config"]["hidden_size"] = 1 << 20
    (folder / "config.json").write_text(json.dumps(head))
    reseal(folder, lambda arrays: None)
    fails(cli("complete", folder, "Anna"), "needs float32", "damaged")


def test_nan_in_the_weights_is_refused(cli: Call, lstm_folder: Path, tmp_path: Path) -> None:
    def poison(arrays: dict[str, Any]) -> None:
        arrays["output.bias"] = arrays["output.bias"] * float("nan")

    folder = copy(lstm_folder, tmp_path)
    reseal(folder, poison)
    fails(cli("complete", folder, "Anna"), "output.bias", "not finite")


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (("complete", "Anna", "--n", "0"), ("--n is 0",)),
        (
            ("complete", "Anna xylophonist-zq", "--partial", "--strict", "--no-typos"),
            ("no word in the vocabulary begins with",),
        ),
        (("complete", "Anna", "mat"), ("quotes", "--candidates")),
        (("complete", "Anna", "--candidates"), ("needs words to compare",)),
        (("generate", "Anna", "--temperature", "-1"), ("temperature",)),
        (("generate", "Anna", "--top-p", "1.5"), ("--top-p is 1.5",)),
        (("generate", "Anna", "--top-k", "0"), ("--top-k is 0",)),
        (("generate", "Anna", "--max-tokens", "-1"), ("--max-tokens is -1",)),
        (("generate", "Anna", "--seed", "-1"), ("seed",)),
        (("evaluate", "missing.txt"), ("missing.txt",)),
        (("evaluate", "builtin:nothing"), ("builtin",)),
        (("evaluate", "builtin:pydocs", "--context", "guess"), ("guess", "carry, document or independent")),
        (("evaluate", "builtin:pydocs", "--tune", "x.txt"), ("--mix", "--cache", "--dynamic")),
        (("complete", "Anna sees the zzzxq", "--phrase", "--partial", "--strict"), ("begins with 'zzzxq'",)),
        (("complete", "Anna", "--words", "3"), ("--phrase",)),
        (("complete", "Anna", "--candidates", "sees", "--block", "sees"), ("--block",)),
        (("complete", "Anna", "--phrase", "--repeats"), ("--repeats",)),
        (("complete", "Anna", "--block", "/(/"), ("'/(/'", "plain word")),
        (("complete", "Anna", "--block", "*"), ("'*'", "dog*")),
        (("complete", "Anna", "--block", "builtin", "--strict", "--block", "/./"), ("block fewer words",)),
    ],
)
def test_bad_requests(cli: Call, lstm_folder: Path, words: tuple[str, ...], parts: tuple[str, ...]) -> None:
    words = tuple(str(lstm_folder) if word == "MODEL" else word for word in words)
    fails(cli(words[0], lstm_folder, *words[1:]), *parts)


def test_nothing_to_tune_on_is_one_line(
    cli: Call, lstm_folder: Path, text_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ELMAN_CACHE", str(tmp_path / "empty"))
    for flag in ("--cache", "--dynamic", "--temperature"):
        fails(cli("evaluate", lstm_folder, text_file, flag), "no text to tune on", "--tune FILE")
    fails(cli("evaluate", lstm_folder, text_file, "--cache", "--tune", tmp_path / "missing.txt"), "missing.txt")


def test_dynamic_evaluation_of_an_ngram_is_one_line(cli: Call, ngram_folder: Path, text_file: Path) -> None:
    fails(cli("evaluate", ngram_folder, text_file, "--dynamic", "--tune", text_file), "needs a network", "ngram")


def test_errors_as_json(cli: Call, tmp_path: Path) -> None:
    result = cli("info", tmp_path / "no", "--json")
    assert result.code == 2 and result.err == ""
    error = json.loads(result.out)["error"]
    assert error["code"] == "folder" and "does not exist" in error["message"]


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="needs /proc")
def test_a_full_disk_is_one_line_and_the_old_model_stays(
    cli: Call, text_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    out = tmp_path / "model"
    real = os.fsync
    written: list[int] = []

    def full_later(handle: int) -> None:
        if str(out) in os.readlink(f"/proc/self/fd/{handle}"):
            written.append(handle)
        if len(written) > 25:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", full_later)
    result = cli("train", text_file, "--out", out, *TRAIN[2:], "--updates", "60", "--validations", "20")
    fails(result, "the disk is full", f"resume with: elman train --out {out} --resume")
    monkeypatch.undo()
    assert cli("complete", out, "Anna").code == 0
    resumed = cli("train", "--out", out, "--resume")
    assert resumed.code == 0, resumed.err


def test_resume_needs_something_to_resume_and_nothing_else(cli: Call, ngram_folder: Path, tmp_path: Path) -> None:
    fails(cli("train", "--out", tmp_path / "none", "--resume"), "does not exist")
    fails(cli("train", "--out", ngram_folder, "--resume"), "counted in one go")
    fails(cli("train", "x.txt", "--out", ngram_folder, "--resume"), "takes everything from the folder")


@pytest.mark.slow
def test_mixing_models_of_other_types_is_one_line(
    cli: Call, lstm_folder: Path, text_file: Path, tmp_path: Path
) -> None:
    assert cli("train", text_file, "--out", tmp_path / "c", "--model", "ngram", "--level", "char").code == 0
    fails(cli("evaluate", lstm_folder, text_file, "--mix", tmp_path / "c", "--tune", text_file), "same types")


def test_a_prompt_in_the_place_of_a_model_is_one_line(cli: Call) -> None:
    fails(cli("complete", "a long prompt " * 40, "model"))


@pytest.mark.parametrize(
    "head",
    [
        {"model": [], "config": {}},
        {"model": "mixture", "config": {"weights": [10**400], "parts": [{"model": [], "config": {}}]}},
        {"model": "mixture", "config": {"weights": [1.0], "parts": [{"model": "mixture", "config": {}}]}},
        {"model": "lstm", "config": {"embedding_size": 1 << 20, "hidden_size": 1}},
        {"model": "lstm", "config": {"layers": True}},
    ],
)
def test_hostile_configurations(cli: Call, lstm_folder: Path, tmp_path: Path, head: dict[str, Any]) -> None:
    folder = copy(lstm_folder, tmp_path)
    (folder / "config.json").write_text(json.dumps({"schema_version": 1, **head}))
    with suppress(FolderError):  # elman itself seals nothing that it does not know
        reseal(folder, lambda arrays: None)
    fails(cli("complete", folder, "Anna"))


def test_a_tokenizer_that_never_ends_is_not_read(cli: Call, lstm_folder: Path, tmp_path: Path) -> None:
    folder = copy(lstm_folder, tmp_path)
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer.json").symlink_to("/dev/zero")
    fails(cli("complete", folder, "Anna"), "is a symbolic link; a model folder holds plain files only")


def test_deep_json_in_the_weights_is_refused(cli: Call, lstm_folder: Path, tmp_path: Path) -> None:
    import numpy as np
    from safetensors.numpy import save

    folder = copy(lstm_folder, tmp_path)
    deep = save({"a": np.zeros(1, np.float32)}, metadata={"elman": "[" * 100_000})
    (folder / "model.safetensors").write_bytes(deep)
    fails(cli("complete", folder, "Anna"), "damaged")


def test_a_passport_of_another_model_is_not_believed(
    cli: Call, ngram_folder: Path, lstm_folder: Path, tmp_path: Path
) -> None:
    folder = copy(ngram_folder, tmp_path)
    shutil.copy(lstm_folder / "model_card.json", folder / "model_card.json")
    fails(cli("info", folder), "belongs to another model")


@pytest.mark.slow
@pytest.mark.parametrize("change", [{"batch": 3}, {"batch": 8}, {"optimizer": "sgd"}, {"updates": 1}])
def test_a_plan_that_the_checkpoint_does_not_fit(
    cli: Call, text_file: Path, tmp_path: Path, change: dict[str, Any]
) -> None:
    out = tmp_path / "m"
    stopped_run(text_file, out)
    record = read_plan(out / "training")
    record["plan"] |= change
    write_plan(out / "training", record)
    result = cli("train", "--out", out, "--resume")
    if change == {"optimizer": "sgd"}:
        assert result.code == 0 or "elman: " in result.err.splitlines()[-1]
    else:
        fails(result, "does not fit")


def test_a_damaged_text_in_the_cache_is_replaced(text_file: Path, tmp_path: Path) -> None:
    from elman.data.preprocessing import DataConfig, prepare_data
    from elman.progress import Progress

    def prepared() -> Any:
        return prepare_data([str(text_file)], config=DataConfig(), cache=tmp_path / "cache", progress=Progress()).corpus

    path = prepared().train.path
    good = path.read_bytes()
    path.write_bytes(b"Z" * 50 + good[50:])
    assert prepared().train.path.read_bytes() == good


def test_backoffs_that_make_probabilities_above_one(cli: Call, ngram_folder: Path, tmp_path: Path) -> None:
    folder = copy(ngram_folder, tmp_path)

    def inflate(arrays: dict[str, Any]) -> None:
        arrays["books"] = arrays["books"] * 0 + 1000

    reseal(folder, inflate)
    fails(cli("complete", folder, "Anna"), "books holds values outside 0 to 1")
