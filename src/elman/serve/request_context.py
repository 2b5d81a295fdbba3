"""What the answer to a request may use besides its body and the model."""

from typing import NamedTuple

from elman.serve.batching import Patience
from elman.serve.hidden import Hidden
from elman.serve.limits import Limits
from elman.serve.loaded_models import LoadedModels


class RequestContext(NamedTuple):
    """The server's limits, the words it hides, the client's patience, and all models."""

    limits: Limits
    hidden: Hidden
    patience: Patience
    loaded: LoadedModels
