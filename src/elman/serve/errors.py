"""What a client did wrong, or what is wrong here, as HTTP: a status and one plain sentence in
OpenAI's JSON shape."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

_SHAPES = {
    "prompt": "it must be a string, a list of strings, a list of token ids, or a list of lists of token ids",
    "stop": "it must be a string or a list of strings",
    "input": "it must be a string or a list of strings",
}
_SHOWN = 60


class Problem(Exception):
    """An answer other than 200.

    Args:
        param: the field that it is about.
        code: a word for programs.
    """

    def __init__(self, status: int, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.param, self.code = status, message, param, code

    def body(self) -> dict[str, Any]:
        """The JSON that the client gets."""
        kind = "server_error" if self.status >= 500 else "invalid_request_error"
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}

    def response(self) -> Response:
        """The whole answer."""
        return json_response(self.body(), status=self.status, headers=_HEADERS.get(self.status))


# Who is too early comes again; who is refused at the door closes it.
_HEADERS = {
    401: {"WWW-Authenticate": "Bearer"},
    408: {"Connection": "close"},
    413: {"Connection": "close"},
    429: {"Retry-After": "1"},
    503: {"Retry-After": "5", "Connection": "close"},
}


def json_response(value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A value as compact JSON in UTF-8."""
    return Response(json_bytes(value), status_code=status, headers=headers, media_type="application/json")


def json_bytes(value: Any) -> bytes:
    """A value as compact JSON in UTF-8; half a surrogate pair, which UTF-8 does not have, stays
    escaped.

    >>> json_bytes({"text": "é\\ud800"}).decode()
    '{"text":"é\\\\ud800"}'
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", errors="backslashreplace")


def bad_field(errors: Sequence[Mapping[str, Any]]) -> Problem:
    """The first of pydantic's complaints, as: what came, what is allowed.

    >>> bad_field([{"loc": ("body", "n"), "msg": "Input should be a valid integer", "input": "x"}]).message
    "n is 'x'; it must be a valid integer"
    """
    error = errors[0]
    place = [str(part) for part in error["loc"] if part != "body"]
    name = place[0] if place else "body"
    if error.get("type") == "json_invalid":
        return Problem(422, "the body is not valid JSON; send one JSON object", code="invalid_json")
    if error.get("type") == "extra_forbidden":
        return Problem(422, f"unknown field {'.'.join(place)[:_SHOWN]!r}; see /openapi.json", param=name)
    if error.get("type") == "missing":
        what = f"{name} is missing" if place else "the body is missing; send one JSON object"
        return Problem(422, what, param=name if place else None)
    shown = repr(error.get("input"))
    shown = shown if len(shown) <= _SHOWN else shown[:_SHOWN] + "..."
    # Fields of several types are complained of once for each of them.
    if any(each.get("type") == "too_short" and list(each["loc"])[1:2] == [name] for each in errors):
        return Problem(422, f"{name} is {shown}; it must not be empty", param=name)
    shapes = _SHAPES.get(name) if len(place) > 1 else None
    wanted = shapes or str(error["msg"]).replace("Input should", "it must").replace("; ", ", ")
    return Problem(422, f"{name} is {shown}; {wanted}", param=name)
