"""The page's view "Forecast" in a real browser: a picture with bands and a table of steps."""

import pytest
from tests.serve.conftest import Open, until
from tests.serve.seasons import forecaster


@pytest.mark.slow
def test_a_series_is_drawn_and_numbers_of_ones_own(opened: Open) -> None:
    page = opened({"seasons": forecaster()}).page
    until(page, "document.querySelectorAll('#forecast td').length === 9")
    (wanted,) = forecaster().forecast([{"series": "a"}])
    rows = page.locator("#forecast tr").all_inner_texts()
    assert rows[1].split("\t")[0] == wanted.times[0]
    assert float(rows[1].split("\t")[1].replace(",", "")) == pytest.approx(wanted.median[0], rel=1e-3)
    assert page.locator("#forecast .band").count() == 1
    page.select_option("select[name=series]", "b")
    page.fill("input[name=steps]", "5")
    until(page, "document.querySelectorAll('#forecast td').length === 15")
    page.select_option("select[name=series]", label="my own numbers")
    until(page, "!document.querySelector('.own').hidden")
    page.fill(".own textarea", "1, 2 3")
    page.fill("input[name=steps]", "1")
    until(page, "document.querySelectorAll('#forecast td').length === 3")
    page.fill(".own textarea", "1, two")
    until(page, "document.querySelectorAll('#forecast svg').length === 0")
