"""/v1/caption: captions of pictures, and where the model looked."""

import base64
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.picture_format import PictureFormat
from elman.data.pictures import read_picture
from elman.errors import ElmanError
from elman.serve.abilities import WritesCaptions
from elman.serve.batching import too_slow
from elman.serve.caption_schemas import CaptionBody
from elman.serve.errors import Problem
from elman.serve.hidden import Hidden
from elman.serve.input_texts import check_begun
from elman.serve.limits import Limits
from elman.serve.request_context import RequestContext


def caption_answer(body: CaptionBody, able: WritesCaptions, context: RequestContext) -> dict[str, Any]:
    """The captions, as ``elman predict`` gives them; hidden words are left out.

    Raises:
        Problem: no picture, too many of them, no base64, more captions than the beam has, or it
            takes too long.
        ElmanError: a picture or features that cannot be read, or the model has no attention.
    """
    model, limits = able.model, context.limits
    given = _given(body, able, limits)
    options = {"beam_size": body.beam_size or body.n_best, "n_best": body.n_best, "begin": body.begin}
    found: list[dict[str, Any]] = []
    weights = 0
    for number, each in enumerate(given, 1):
        with able.turn:
            if context.patience.over:
                raise too_slow()
            picture = each if isinstance(each, np.ndarray) else _pixels(each, f"picture {number}", model.shape, limits)
            (made,) = model.predictions([picture], **options)
            facts = made.to_json()
            del facts["picture"]  # it has no name
            if body.attention:
                weights += len(made.text.split()) * model.shape.rows * model.shape.columns
                if weights > limits.max_answer:
                    raise Problem(
                        422, f"the attention of {number} pictures has {weights:,} weights; this server gives up to "
                        f"{limits.max_answer:,} in one answer: send fewer, or leave out attention", param="attention",
                    )  # fmt: skip
                facts["attention"] = model.picture_attention(picture, made.text).to_json()
        found.append(_shown(facts, context.hidden))
    return {"model": able.name, "captions": found}


def _given(body: CaptionBody, able: WritesCaptions, limits: Limits) -> list[Any]:
    """The pictures as they were sent, or the features ``[H, W, D]`` of one.

    Raises:
        Problem: not one of both, not what the model reads, or too many.
    """
    if body.beam_size is not None and body.n_best > body.beam_size:
        message = f"n_best is {body.n_best}, but beam_size is {body.beam_size}; make it at least {body.n_best}"
        raise Problem(422, message, param="n_best")
    check_begun(body.begin)
    wanted = "features" if able.model.shape.features else "input"
    for name in ("input", "features"):
        if (getattr(body, name) is not None) != (name == wanted):
            what = "features of pictures" if wanted == "features" else "pictures"
            raise Problem(422, f"{able.name} was trained on {what}; send them as {wanted}, and no other", param=name)
    if body.features is not None:
        try:
            return [np.array(body.features, np.float64)]
        except ValueError:
            raise Problem(
                422, "the lists in features differ in length; make them equally long", param="features"
            ) from None
    pictures = [body.input] if isinstance(body.input, str) else body.input or []
    if len(pictures) > limits.max_texts:
        raise Problem(
            422, f"input has {len(pictures)} pictures; this server takes up to {limits.max_texts} in one request",
            param="input",
        )  # fmt: skip
    return pictures


def _pixels(text: str, name: str, shape: PictureFormat, limits: Limits) -> NDArray[np.uint8]:
    """A picture ``[H, W, 3]`` from base64 or a data URL."""
    head, comma, rest = text.partition(",") if text[:5].lower() == "data:" else (";base64", ",", text)
    try:
        if not comma or not head.lower().endswith(";base64"):
            raise ValueError(head)
        data = base64.b64decode("".join(rest.split()), validate=True)
    except ValueError:
        message = f"{name} is not in base64; send the bytes of its file so, or as data:image/png;base64,..."
        raise Problem(422, message, param="input") from None
    try:
        return read_picture(io.BytesIO(data), name=name, height=shape.height, width=shape.width, most=limits.max_pixels)
    except ElmanError as error:
        raise Problem(422, str(error), param="input", code=error.code) from None


def _shown(facts: dict[str, Any], hidden: Hidden) -> dict[str, Any]:
    """An answer without hidden words."""
    facts["caption"] = hidden.masked(facts["caption"])
    for each in facts.get("captions", ()):
        each["text"] = hidden.masked(each["text"])
    if "attention" in facts:
        facts["attention"]["words"] = [hidden.masked(word) for word in facts["attention"]["words"]]
    return facts
