"""What the answer to a request may use besides its body and the model."""

from typing import NamedTuple

from elman.serve.batching import Patience
from elman.serve.hidden import Hidden
from elman.serve.limits import Limits


class RequestContext(NamedTuple):
    """The server's limits, the words it hides, and the client's patience."""

    limits: Limits
    hidden: Hidden
    patience: Patience
