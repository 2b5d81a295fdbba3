"""/v1/rank: the documents of an index for a query."""

from typing import Any

from elman.apps.rank import Ranker
from elman.serve.abilities import RanksDocuments
from elman.serve.errors import Problem, check_unicode
from elman.serve.rank_schemas import RankBody
from elman.serve.request_context import RequestContext


def rank_answer(body: RankBody, able: RanksDocuments, context: RequestContext) -> dict[str, Any]:
    """The documents as ``elman.rank`` finds them.

    Raises:
        Problem: too many documents are asked for, or the query is not valid text.
        ElmanError: an unknown method.
    """
    if body.n > context.limits.max_words:
        raise Problem(422, f"n is {body.n}; this server gives up to {context.limits.max_words} documents", param="n")
    check_unicode([body.query], param="query")
    hits = [hit.to_json() for hit in Ranker(able.model.index, methods=body.method).rank(body.query, body.n)]
    if not body.text:
        hits = [{name: value for name, value in hit.items() if name != "text"} for hit in hits]
    return {"model": able.name, "documents": hits}
