"""Errors of clients and of the server as HTTP: a status and one plain sentence in OpenAI's JSON
format."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from elman.serve.schemas import ErrorAnswer

_SHAPES = {
    "prompt": "it must be a string, a list of strings, a list of token ids, or a list of lists of token ids",
    "stop": "it must be a string or a list of strings",
    "input": "it must be a string or a list of strings",
    "features": "it must be a list of lists of numbers, or a list of such lists",
}
_WANTED = {
    "string_type": "it must be a string",
    "int_type": "it must be a whole number",
    "int_from_float": "it must be a whole number",
    "float_type": "it must be a number",
    "finite_number": "it must be a finite number",
    "bool_type": "it must be true or false",
    "list_type": "it must be a list",
    "dict_type": "it must be an object",
    "model_type": "it must be an object",
    "model_attributes_type": "it must be an object",
    "greater_than": "it must be above {gt:.10g}",
    "greater_than_equal": "it must be {ge:.10g} or more",
    "less_than_equal": "it must be at most {le:.10g}",
    "less_than": "it must be below {lt}",
    "string_too_short": "it must have {min_length} or more characters",
    "string_too_long": "it must have at most {max_length} characters",
    "too_long": "it must have at most {max_length} entries",
}
"""What a field must be, by pydantic's error type; the numbers come with the error."""
_SHOWN = 60
_MEANINGS = {
    400: "Not a valid request, or one that the model cannot answer.",
    401: "The API key is missing or wrong.",
    404: "No such model, or no model that can do it.",
    408: "The body arrived too slowly.",
    413: "Body or prompt too large.",
    415: "The body is not application/json.",
    421: "The Host header names a different server.",
    422: "A field or value that is not allowed; 400 on the routes of other servers.",
    429: "Too much work at once.",
    503: "Shutting down, or it took too long.",
}
_ERROR = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorAnswer"}}}
# Made into a validator once for each route and status, the schema would take longer than all else
# of a server's start. One of a route is enough to have it in the document.
REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"description": meaning, **({"model": ErrorAnswer} if status == 400 else {"content": _ERROR})}
    for status, meaning in _MEANINGS.items()
}
"""Errors in the document of all routes, by status."""


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


_HALF = "has half of a surrogate pair, which is not Unicode text"
# Early requests should be retried; refused ones close the connection.
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


def shown(value: Any) -> str:
    """The beginning of a value as its sender wrote it, in JSON.

    >>> print(shown(None), shown("it's"), shown([True]))
    null "it's" [true]
    """
    text = json.dumps(value, ensure_ascii=False)
    text = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def check_unicode(texts: Sequence[str], *, param: str) -> None:
    """See that strings are texts.

    Raises:
        Problem: one has half of a surrogate pair.
    """
    for number, text in enumerate(texts):
        try:
            text.encode()
        except UnicodeEncodeError:
            what = f"text {number} of {param} {_HALF}"
            raise Problem(422, f"{what}; send whole characters", param=param) from None


def bad_field(errors: Sequence[Mapping[str, Any]]) -> Problem:
    """The first of pydantic's errors, as: the value, what is allowed.

    >>> bad_field([{"type": "int_type", "loc": ("body", "n"), "input": "x"}]).message
    'n is "x"; it must be a whole number'
    >>> bad_field([{"type": "missing", "loc": ("body", "lists", 0, "hypotheses")}]).message
    'lists.0.hypotheses is missing'
    """
    error = errors[0]
    place = [str(part) for part in error["loc"] if part != "body"]
    name = place[0] if place else None
    if error["type"] == "json_invalid":
        return Problem(422, "the body is not valid JSON; send one JSON object", code="invalid_json")
    if error["type"] == "extra_forbidden":
        return Problem(422, f"unknown field {shown('.'.join(place))}; see /openapi.json", param=name)
    if name is None:
        what = "missing" if error["type"] == "missing" or error.get("input") is None else shown(error["input"])
        return Problem(422, f"the body is {what}; send one JSON object")
    # Without a number the rest of a place may be one of several types that the field can have.
    inner = ".".join(place)[:_SHOWN] if any(isinstance(part, int) for part in error["loc"]) else name
    if error["type"] == "missing":
        return Problem(422, f"{inner} is missing", param=name)
    came = shown(error.get("input"))
    # Fields of several types give one error for each type.
    if any(each["type"] == "too_short" and list(each["loc"])[1:2] == [name] for each in errors):
        return Problem(422, f"{inner} is {came}; it must not be empty", param=name)
    if error["type"] == "string_unicode":
        return Problem(422, f"{'.'.join(place)[:_SHOWN]} {_HALF}; send whole characters", param=name)
    shapes = _SHAPES.get(name) if len(place) > 1 else None
    where = name if shapes else ".".join(place)[:_SHOWN]
    rule = _WANTED.get(error["type"], "it is not what this field takes, see /openapi.json")
    return Problem(422, f"{where} is {came}; {shapes or rule.format(**error.get('ctx') or {})}", param=name)
