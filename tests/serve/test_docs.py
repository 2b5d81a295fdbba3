"""The commands and the code of docs/serve.md, run as they stand against a server."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.in_process import run_code
from tests.serve.classifiers import write_classifier
from tests.serve.conftest import fit, serving

import elman
from elman.cli.main import VERBS

PAGE = (Path(__file__).parents[2] / "docs" / "serve.md").read_text(encoding="utf-8")
URL = "http://127.0.0.1:1990"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("docs")
    fit("word").save(folder / "words")
    write_classifier(folder / "reviews")
    with serving({name: elman.load(folder / name) for name in ("words", "reviews")}) as found:
        yield found.rstrip("/")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_every_curl_command(url: str) -> None:
    lines = [line for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
    assert len(lines) == 22
    for line in lines:
        assert line.startswith("$ curl -s") and URL in line
        command = line[2:].replace("curl", "curl --fail-with-body", 1).replace(URL, url)
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and done.stdout, f"{line}\n{done.stdout}{done.stderr}"
        assert not done.stdout.startswith('{"error"')


@pytest.mark.slow
def test_the_python_code(url: str) -> None:
    pytest.importorskip("openai")
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert run_code(block.replace(URL, url), Path.cwd()).split()[-1].isdigit()


@pytest.mark.slow
def test_the_help_names_every_limit(capsys: pytest.CaptureFixture[str]) -> None:
    from dataclasses import fields

    from elman.cli.main import main
    from elman.serve.limits import Limits

    assert "serve" in VERBS
    with pytest.raises(SystemExit):
        main(["serve", "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    for field in fields(Limits):
        assert f"--{field.name.replace('_', '-')} " in shown
        assert f"(default {field.default:g})" in shown or f"(default {field.default})" in shown
