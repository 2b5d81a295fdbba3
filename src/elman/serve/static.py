"""The page and its files over HTTP, with headers that let it talk only to this server."""

from starlette.responses import Response

from elman.serve.errors import Problem, shown
from elman.web.assets import KINDS, names, read

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def web_page() -> Response:
    """The page."""
    return web_file("index.html")


def web_file(name: str) -> Response:
    """A file of the page.

    Raises:
        Problem: there is no such file.
    """
    if name not in names():
        raise Problem(404, f"there is nothing at {shown('/web/' + name)}; see /openapi.json")
    return Response(read(name), media_type=KINDS[name.rpartition(".")[2]], headers=_HEADERS)
