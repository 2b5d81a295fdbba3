"""The page's view "Caption" in a real browser: a picture chosen, dropped or too large, and where
words looked."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.serve.conftest import Open, until
from tests.serve.painters import Painter

from elman.serve.limits import Limits


def file(left: Any, right: Any, *, scale: int = 8, kind: str = "PNG", noise: int = 1) -> dict[str, Any]:
    """A picture of two colours as a browser gets it."""
    sides = np.repeat([[left, right]], scale, 0).repeat(scale, 1)
    sides = sides + np.random.default_rng(1).integers(0, noise, sides.shape)
    buffer = io.BytesIO()
    Image.fromarray(sides.astype(np.uint8)).save(buffer, kind, compress_level=1)  # of a PNG
    return {"name": f"a.{kind}", "mimeType": f"image/{kind.lower()}", "buffer": buffer.getvalue()}


RED, BLUE = (250, 0, 0), (0, 0, 250)
SHADES = """(() => {
  const {width, height} = document.querySelector('.seen'), brush = document.querySelector('.seen').getContext('2d');
  return [0.25, 0.75].map((x) => [...brush.getImageData(x * width, height / 2, 1, 1).data].slice(0, 3));
})()"""


def test_a_word_shows_where_the_model_looked(opened: Open) -> None:
    page = opened({"paint": Painter()}, width=390, scheme="dark").page
    page.set_input_files("[name=picture]", file(RED, BLUE))
    until(page, "document.querySelectorAll('.written .token').length === 3")
    assert page.locator(".written").inner_text().split() == ["red", "on", "blue"]
    assert page.evaluate(SHADES) == [[250, 0, 0], [0, 0, 250]]
    page.locator(".written .token").last.hover()
    until(page, "document.querySelector('.caption .told').textContent.startsWith('“blue” looked most at')")
    assert page.locator(".caption .told").inner_text() == "“blue” looked most at row 1 of 1, column 2 of 2: 100%."
    dark, bright = page.evaluate(SHADES)
    assert dark[0] == pytest.approx(0.18 * 250, abs=2) and bright == [0, 0, 250]
    page.locator(".written .token").first.click()
    page.mouse.move(2, 2)
    page.evaluate("document.activeElement.blur()")
    bright, dark = page.evaluate(SHADES)
    assert bright == [250, 0, 0] and dark[2] == pytest.approx(0.18 * 250, abs=2)
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_large_pictures_are_made_smaller_and_others_refused(opened: Open) -> None:
    visit = opened({"paint": Painter(), "blind": Painter(attends=False)}, limits=Limits(max_body=700_000))
    page = visit.page
    large = file(BLUE, RED, scale=600, noise=5)
    assert len(large["buffer"]) > 700_000
    page.set_input_files("[name=picture]", large)
    until(page, "document.querySelectorAll('.written').length === 2")
    until(page, "[...document.querySelectorAll('.written')].every((each) => each.textContent.trim() === 'blue on red')")
    assert page.locator(".written").last.locator(".token").count() == 0
    # The browser does not read TIFF; the server does.
    page.set_input_files("[name=picture]", file(RED, RED, kind="TIFF"))
    until(page, "[...document.querySelectorAll('.written')].every((each) => each.textContent.trim() === 'red on red')")
    assert page.locator(".seen:visible").count() == 0
    page.set_input_files("[name=picture]", file(RED, RED, scale=330, kind="TIFF"))
    until(page, "document.querySelector('#trouble').textContent.includes('too large to be sent as it is')")


def test_a_picture_that_the_server_refuses_is_called_a_picture(opened: Open) -> None:
    visit = opened({"paint": Painter()}, limits=Limits(max_body=1000))
    visit.page.set_input_files("[name=picture]", file(RED, BLUE, scale=60, noise=5))
    until(
        visit.page,
        "document.querySelector('#trouble').textContent.startsWith('This picture is larger than the server')",
    )
    assert all("413" in mistake for mistake in visit.mistakes)  # that the browser notes
    visit.mistakes.clear()


def test_a_dropped_picture_is_taken(opened: Open) -> None:
    page = opened({"paint": Painter(attends=False)}).page
    transfer = page.evaluate_handle(
        """([bytes]) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([new Uint8Array(bytes)], "a.png", {type: "image/png"}));
          return transfer;
        }""",
        [list(file(BLUE, BLUE)["buffer"])],
    )
    page.dispatch_event(".drop", "drop", {"dataTransfer": transfer})
    until(page, "document.querySelector('.written').textContent === 'blue on blue'")


def test_a_model_of_features_has_no_view(opened: Open) -> None:
    page = opened({"vectors": Painter(features=True)}).page
    assert page.locator("#trouble").inner_text().startswith("These models have no view here.")
