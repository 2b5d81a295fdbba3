"""Plans: what is refused, in one line that names the setting; and where a run computes."""

from pathlib import Path
from typing import Any

import pytest
import torch

from elman.errors import UsageError
from elman.system.machine import fingerprint
from elman.tasks.language.plan import LanguagePlan
from elman.training.run import Run


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"optimizer": "muno"}, "optimizer is 'muno'; it must be 'sgd' or .* or 'muon'"),
        ({"schedule": "step"}, "schedule is 'step'; it must be 'one-cycle' or 'linear' or 'trapezoid' or 'constant'"),
        ({"cooldown": 1.5}, "cooldown is 1.5; it must be between 0 and 1"),
        ({"schedule": "trapezoid", "warmup": 0.5, "cooldown": 0.6}, "warmup 0.5 and cooldown 0.6 are more than"),
        ({"activation_penalty": -1.0}, "activation_penalty is -1; it must be between 0 and a million"),
        ({"temporal_penalty": -1.0}, "temporal_penalty is -1; it must be between 0 and a million"),
        ({"average_after": -1}, "average_after is -1; it must be between 0 and a million"),
        ({"average_after": 2, "average_from": 0.5}, "average_from and average_after both say when"),
        ({"average_after": 3, "patience": 2}, "patience 2 would stop before average_after 3"),
        ({"vary_bptt": True, "bptt": 19}, "bptt is 19; with vary_bptt, .* at least 20"),
        ({"device": "tpu"}, "device is 'tpu'; it must be 'auto' or 'cpu' or 'cuda'"),
    ],
)
def test_what_a_plan_refuses(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        LanguagePlan(updates=10, **settings)
    assert "\n" not in str(caught.value)


def test_edges_that_are_allowed() -> None:
    plan = LanguagePlan(updates=10, vary_bptt=True, bptt=20, average_after=2, patience=2, warmup=0.5, cooldown=0.5)
    assert plan.replace(schedule="trapezoid").mean_bptt == pytest.approx(19.5)


def run_with(device: str) -> Run:
    nothing: Any = None
    return Run(
        folder=Path("m"), objective=nothing, progress=nothing, plan=LanguagePlan(updates=1, device=device),  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.mark.parametrize(("wanted", "there", "chosen"), [("auto", False, "cpu"), ("auto", True, "cuda"),
                                                         ("cpu", True, "cpu"), ("cuda", True, "cuda")])  # fmt: skip
def test_a_run_settles_its_device(wanted: str, there: bool, chosen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    plan = run_with(wanted).plan
    assert plan is not None and plan.device == chosen
    assert LanguagePlan.from_json(plan.to_json()) == plan


def test_a_gpu_that_is_not_there_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError, match="finds no CUDA GPU here, which device cuda needs; use --device cpu") as caught:
        run_with("cuda")
    assert "\n" not in str(caught.value)


def test_the_fingerprint_names_what_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fingerprint(threads=1, precision="fp32")["device"] == "cpu"
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Some GPU")
    assert fingerprint(threads=1, precision="bf16", device="cuda")["device"] == "cuda (Some GPU)"
