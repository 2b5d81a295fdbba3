"""The number of threads: what is faster where it is measured, said where it is not all cores."""

import pytest

from elman.progress import ScreenProgress
from elman.training import calibrate
from elman.training.plan import Plan
from elman.training.processes import ALONE


@pytest.mark.parametrize(
    ("rates", "wanted", "said"),
    [
        ({1: 10.0, 2: 18.0}, 2, ""),
        (
            {1: 25.0, 2: 10.0},
            1,
            "one is 2.5 times as fast as 2, perhaps because other programs are running; taking one (--thr",
        ),
        ({1: 11.0, 2: 10.0}, 2, ""),
        (
            {1: 10.0, 2: 16.0, 4: 20.0, 6: 5.0},
            4,
            "4 are 4.0 times as fast as 6, perhaps because other programs are running",
        ),
    ],
)
def test_the_faster_number_of_threads(
    rates: dict[int, float], wanted: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(calibrate, "thread_rates", lambda candidates, **_: {each: rates[each] for each in candidates})
    assert calibrate.choose_threads(max(rates), precision="fp32", progress=ScreenProgress()) == wanted
    assert said in capsys.readouterr().err


def test_one_core_needs_no_measuring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrate, "thread_rates", None)
    assert calibrate.choose_threads(1, precision="fp32", progress=ScreenProgress()) == 1


@pytest.mark.parametrize(
    ("threads", "updates", "given", "wanted", "said"),
    [
        (2, {1: 0.1, 2: 0.25}, False, 1, "one is 2.5 times as fast as 2, perhaps because other programs are running"),
        (2, {1: 0.1, 2: 0.25}, True, 2, "; --threads 1 would save time"),
        (2, {1: 0.1, 2: 0.11}, False, 2, ""),
        (1, {1: 0.3, 2: 0.1}, False, 2, "2 are 3.0 times as fast as 1; taking 2 (--threads overrides)"),
    ],
)  # fmt: skip
def test_threads_are_tried_on_the_network_itself(
    threads: int,
    updates: dict[int, float],
    given: bool,
    wanted: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    measured = {count: calibrate.Speed(seconds, 1.0) for count, seconds in updates.items()}
    monkeypatch.setattr(calibrate, "measure", lambda objective, plan, *, seconds, processes: measured[plan.threads])
    plan = Plan(updates=1, threads=threads, device="cpu")
    found, speed = calibrate.with_better_threads(
        None, plan, measured[threads], cores=2, given=given, seconds=1.0, processes=ALONE, progress=ScreenProgress()  # type: ignore[arg-type]
    )  # fmt: skip
    err = capsys.readouterr().err
    assert (found.threads, speed) == (wanted, measured[wanted]) and said in err and bool(err) == bool(said)
