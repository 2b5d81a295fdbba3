"""The README's own commands and code run, in order, as a newcomer would type them."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.in_process import run_code, run_here, short

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("readme")
    for name in ("README.md", "CHANGELOG.md"):
        shutil.copy(ROOT / name, folder)
    return folder


def shell(line: str, folder: Path) -> str:
    words = shlex.split(line)
    if words[0] == "elman" and not {"|", ">"} & {*words}:
        return run_here(words, folder)
    # `python` and `elman` are those of the environment that runs the tests.
    command = re.sub(r"(^|\| )elman ", rf"\1{shlex.quote(sys.executable)} -m elman ", line)
    command = re.sub(r"^python ", f"{shlex.quote(sys.executable)} ", command)
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], cwd=folder, capture_output=True, text=True, env=os.environ.copy()
    )
    assert done.returncode == 0, f"{line}\n{done.stderr}"
    return done.stdout


@pytest.mark.slow
def test_the_console_blocks(folder: Path) -> None:
    blocks = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
    assert len(blocks) == 5
    outputs = {}
    for block in blocks:
        for line in block.splitlines():
            assert line.startswith("$ "), line
            outputs[line[2:]] = shell(short(line[2:]), folder)
            if line.endswith("> my.txt"):
                # A tenth of the text, from all over it, takes a tenth of the time.
                paragraphs = (folder / "my.txt").read_text(encoding="utf-8").split("\n\n")
                (folder / "my.txt").write_text("\n\n".join(paragraphs[::10]), encoding="utf-8")
    text = outputs['elman complete words "Return the number of"']
    assert "%" in text and "█" in text
    assert outputs['elman complete words "Return the numb" --partial'].startswith("number")
    labels = outputs['elman predict reviews "A clever film." "A silly plot."'].splitlines()
    assert [line.split("\t")[0] for line in labels] == ["pos", "neg"]
    assert outputs['elman predict tagger "A bird hears Ann."'] == "A/DET bird/NOUN hears/VERB Ann/PROPN ./PUNCT\n"
    assert len(outputs["elman similar vectors string -n 5"].splitlines()) == 5
    assert "signature: model:mixture" in outputs["elman evaluate net README.md --mix words --tune CHANGELOG.md"]


@pytest.mark.slow
def test_the_python_block(folder: Path) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    shutil.rmtree(folder / "kept", ignore_errors=True)
    assert float(run_code(block, folder).splitlines()[-1]) > 0


def test_every_verb_is_in_the_table() -> None:
    from elman.cli.main import VERBS

    for verb in VERBS:
        assert f"| `elman {verb}" in README, verb
