"""The number of threads: what is faster where it is measured, said where it is not all cores."""

import pytest

from elman.progress import ScreenProgress
from elman.training import calibrate


@pytest.mark.parametrize(
    ("rates", "wanted", "said"), [({1: 10.0, 2: 18.0}, 2, ""), ({1: 25.0, 2: 10.0}, 1, "one is 2.5 times as fast as 2")]
)
def test_the_faster_number_of_threads(
    rates: dict[int, float], wanted: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(calibrate, "thread_rates", lambda candidates, **_: {each: rates[each] for each in candidates})
    assert calibrate.choose_threads(2, precision="fp32", progress=ScreenProgress()) == wanted
    assert said in capsys.readouterr().err


def test_one_core_needs_no_measuring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrate, "thread_rates", None)
    assert calibrate.choose_threads(1, precision="fp32", progress=ScreenProgress()) == 1
