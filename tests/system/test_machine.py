"""What the system says about cores and quotas, from files as containers have them; what is chosen
from it."""

import os
from pathlib import Path

import pytest
import torch

from elman.errors import UsageError
from elman.system import machine


def group_files(folder: Path, groups: str, files: dict[str, str]) -> tuple[Path, Path]:
    (folder / "cgroup").write_text(groups)
    for name, text in files.items():
        path = folder / "fs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "cgroup", folder / "fs"


@pytest.mark.parametrize(
    ("groups", "files", "quota"),
    [
        ("0::/\n", {"cpu.max": "150000 100000\n"}, 1.5),
        ("0::/\n", {"cpu.max": "max 100000\n"}, None),
        ("0::/pod/box\n", {"cpu.max": "max 100000\n", "pod/cpu.max": "400000 100000\n"}, 4.0),
        ("0::/pod/box\n", {"pod/cpu.max": "400000 100000\n", "pod/box/cpu.max": "200000 100000\n"}, 2.0),
        ("0::/outside/box\n", {"cpu.max": "50000 100000\n"}, 0.5),  # a container sees its group as the root
        (
            "4:memory:/x\n3:cpu,cpuacct:/box\n1:name=systemd:/\n",
            {"cpu,cpuacct/box/cpu.cfs_quota_us": "300000\n", "cpu,cpuacct/box/cpu.cfs_period_us": "100000\n"},
            3.0,
        ),
        ("3:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None),
        ("0::/\n", {"cpu.max": "100000 0\n"}, None),
        ("", {"cpu.max": "100000 100000\n"}, None),
        ("0::/\n", {}, None),
    ],
)
def test_quota(tmp_path: Path, groups: str, files: dict[str, str], quota: float | None) -> None:
    assert machine.cpu_quota(*group_files(tmp_path, groups, files)) == quota


@pytest.mark.parametrize(("quota", "cores"), [(None, 6), (2.0, 2), (1.2, 2), (0.3, 1), (64.0, 6)])
def test_cores_are_those_that_are_paid_for(monkeypatch: pytest.MonkeyPatch, quota: float | None, cores: int) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(6)), raising=False)
    monkeypatch.setattr(machine, "cpu_quota", lambda: quota)
    assert machine.available_cores() == cores


def test_what_the_system_says_about_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {
        "/proc/meminfo": ["MemTotal:  1000 kB", "MemAvailable: 400 kB", "SwapTotal: 50 kB", "SwapFree: 20 kB"],
        "/proc/stat": ["cpu  10 20 30 40 50 60 70 80 90 100", "cpu0 1 1 1 1 1 1 1 1 1 1"],
        "/sys/devices/system/cpu/cpu0/cpufreq/scaling_driver": ["acpi-cpufreq"],
        "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": ["powersave"],
    }
    monkeypatch.setattr(machine, "_lines", lambda path: texts.get(str(path), []))
    assert machine.memory() == {"total": 1000 * 1024, "available": 400 * 1024, "swapped": 30 * 1024}
    assert machine.stolen_time() == (80, 360)  # guest time is part of user time
    assert machine.governor() == "acpi-cpufreq: powersave"
    texts.clear()
    assert (machine.memory(), machine.stolen_time(), machine.governor()) == ({}, None, None)


@pytest.mark.parametrize(
    ("wanted", "device", "works", "chosen"),
    [("auto", "cpu", True, "bf16"), ("auto", "cpu", False, "fp32"), ("auto", "cuda", True, "bf16"),
     ("fp32", "cuda", True, "fp32"), ("bf16", "cuda", True, "bf16")],
)  # fmt: skip
def test_precision(monkeypatch: pytest.MonkeyPatch, wanted: str, device: str, works: bool, chosen: str) -> None:
    monkeypatch.setattr(machine, "bf16_works", lambda: works and device == "cpu")
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: works and device == "cuda")
    assert machine.choose_precision(wanted, device=device) == chosen


@pytest.mark.parametrize(("device", "unit"), [("cpu", "CPU"), ("cuda", "GPU")])
def test_bf16_that_cannot_be_had(monkeypatch: pytest.MonkeyPatch, device: str, unit: str) -> None:
    monkeypatch.setattr(machine, "bf16_works", lambda: False)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: False)
    with pytest.raises(UsageError, match=f"this {unit} cannot train in bf16; use fp32 or auto"):
        machine.choose_precision("bf16", device=device)


def test_fp32_on_a_gpu_is_fp32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "before")
    before = torch.backends.cudnn.allow_tf32
    try:
        torch.backends.cudnn.allow_tf32 = True
        machine.prepare_device("cpu", precision="fp32")
        assert torch.backends.cudnn.allow_tf32
        machine.prepare_device("cuda", precision="fp32")
        assert not torch.backends.cudnn.allow_tf32
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == "before"  # what the user set stays
    finally:
        torch.backends.cudnn.allow_tf32 = before
