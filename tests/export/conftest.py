"""A browser that opens pages from disk."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.export.pages import Opened


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Opened]:
    found = Opened(browser, tmp_path)
    yield found
    found.close()
    assert not found.mistakes
    assert all(url.startswith(("file:", "data:")) for url in found.requests), found.requests
