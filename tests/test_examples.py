"""The examples run."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.mark.slow
def test_word_order_of_held_out_sentences(tmp_path: Path) -> None:
    """At least 90% of held-out sentences are likelier than the median of their shuffles."""
    import elman
    from elman.data.preprocessing import DataConfig, prepare_data
    from elman.progress import Progress
    from elman.system.machine import cache_folder

    folder = tmp_path / "model"
    elman.train("builtin:pydocs", model="ngram", out=folder)
    corpus = prepare_data(["builtin:pydocs"], config=DataConfig(), cache=cache_folder(), progress=Progress()).corpus
    assert corpus.valid is not None and corpus.test is not None
    held_out = tmp_path / "held-out.txt"
    held_out.write_bytes(corpus.valid.path.read_bytes() + corpus.test.path.read_bytes())
    command = [sys.executable, str(EXAMPLES / "word_order.py"), str(folder), str(held_out)]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    share, rest = shown.split("%", 1)
    assert float(share) >= 90
    assert int(rest.split()[1]) == 500
    assert "Market falls into bear territory".lower() in shown.lower()
