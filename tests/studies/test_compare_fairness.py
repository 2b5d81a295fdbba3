"""Networks without room for layers, and the orders of the n-grams."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.networks import make

from elman.studies.compare import check_folder
from elman.studies.compare_fairness import is_starved, starved_words
from elman.studies.compare_language import language_jobs
from elman.studies.comparison import ComparePlan
from elman.text.tokenizer import Level

PLAN: dict[str, Any] = {"sources": ("text",), "models": ("ngram",), "minutes": 1.0}


@pytest.mark.parametrize(
    ("shape", "starved"), [({"embedding_size": 1, "hidden_size": 2}, False), ({"embedding_size": 8}, False)]
)
def test_a_small_vocabulary_leaves_room(shape: dict[str, Any], starved: bool) -> None:
    assert is_starved(make("lstm", **shape).to_arrays()) == starved


def test_a_large_vocabulary_leaves_none() -> None:
    import torch

    from elman.models.network_config import NeuralConfig
    from elman.models.neural import Network

    torch.manual_seed(1)
    network = Network(NeuralConfig(cell="lstm", embedding_size=1, hidden_size=2), 8000)
    assert is_starved(network.to_arrays())
    data: Any = SimpleNamespace(tokenizer=SimpleNamespace(size=8000))
    (said,) = starved_words(["lstm"], [{"size": "2 -> 1, embedding 1, tied"}], budget=10_000, data=data)
    assert said == (
        "No verdict on lstm: of 10,000 parameters the 8,000 types take nearly all, and hardly any are left for the "
        "layers (lstm: 2 -> 1); give --parameters 280000 or more, or fewer types (--vocab-size)"
    )
    assert starved_words([], [], budget=None, data=data) == []


def test_orders_follow_the_level() -> None:
    def orders(level: Level) -> list[int | None]:
        return [job.order for job in language_jobs(ComparePlan(**PLAN), Path("out"), level=level)]

    assert orders("word") == [1, 2, 3, 4, 5]
    assert orders("char") == [1, 2, 3, 4, 5, 6, 7]


def test_what_matters_asks_for_no_other_models(tmp_path: Path) -> None:
    import json

    kept = {name: value for name, value in ComparePlan(**PLAN).to_json().items() if name != "matters"}
    (tmp_path / "compare.json").write_text(json.dumps({"plan": kept}))
    check_folder(tmp_path, ComparePlan(**PLAN, matters=0.05))
