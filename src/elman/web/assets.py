"""The files of web pages that come with the package: scripts and styles, ours alone, no build
step."""

from functools import cache
from importlib import resources

KINDS = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
"""The media type of a file by the end of its name."""


@cache
def names() -> tuple[str, ...]:
    """All files there are, sorted; looked up once, as a page asks for dozens.

    >>> [name for name in names() if name.startswith("typing")]
    ['typing.css', 'typing.html', 'typing.js']
    """
    found = (item.name for item in resources.files("elman.web").iterdir() if item.is_file())
    return tuple(sorted(name for name in found if name.rpartition(".")[2] in KINDS))


def read(name: str) -> str:
    """The text of one file.

    >>> "export function mountTyping" in read("typing.js")
    True

    Raises:
        KeyError: there is no such file.
    """
    if name not in names():
        raise KeyError(name)
    return (resources.files("elman.web") / name).read_text(encoding="utf-8")
