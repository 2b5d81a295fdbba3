"""NetworkJob: the training of a network on examples, as far as it is the same for every task."""

import dataclasses
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from elman.errors import UsageError
from elman.progress import Progress
from elman.storage import folder as model_folder
from elman.system.machine import available_cores, choose_device, choose_precision
from elman.tasks.folder_model import FolderModel
from elman.tasks.job import Job
from elman.tasks.request import Request
from elman.training.plan import Plan

if TYPE_CHECKING:
    from elman.training.objective import Arrays

P = TypeVar("P", bound=Plan)


@dataclasses.dataclass(frozen=True, kw_only=True)
class NetworkJob(Job):
    """The data of a task, what was fitted on it, and its network."""

    model: ClassVar[type[FolderModel]]
    """The class of the trained model."""

    plan: Plan
    data: Any
    """What was read: it has ``hash``, ``about()`` for the model card, and perhaps ``notes``."""

    @property
    def data_hash(self) -> str:
        return self.data.hash

    @abstractmethod
    def make_network(self) -> Any:
        """The network, with random weights."""

    @abstractmethod
    def begin(self, network: Any) -> None:
        """Set those of its first weights that follow from the data."""

    @abstractmethod
    def write_inference(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Measure the trained network on the validation part, and write its file for the inference
        engine.

        Returns:
            Facts on calibration, which ``FolderModel.calibrate`` takes, and on precision.
        """

    @abstractmethod
    def figures(self, model: Any) -> dict[str, Any]:
        """The figures of the trained model, by the name of the part."""

    def more_facts(self) -> dict[str, Any]:
        """Further entries of the model card."""
        return {}

    def first_weights(self) -> "Arrays":
        import torch

        torch.manual_seed(self.plan.seed)
        network = self.make_network()
        self.begin(network)
        return network.to_arrays()

    def trained_weights(self) -> "Arrays":
        """The weights in the folder."""
        return model_folder.read_arrays(self.folder / model_folder.WEIGHTS_FILE)

    def store(self, engine: Any, parity: Mapping[str, Any], *, more: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Write a network's file for the inference engine.

        Args:
            engine: the network, with ``to_arrays()`` and ``config``.
            parity: how far it is from the trained one.
            more: ``arrays`` and ``config`` to store with it.

        Returns:
            Facts on precision, for the model card.
        """
        arrays, config = ({} if more is None else more[name] for name in ("arrays", "config"))
        size = model_folder.write_inference(
            self.folder,
            {**engine.to_arrays(), **arrays},
            config={**engine.config.to_json(), **config},
            parity=dict(parity),
        )
        self.progress.say(f"{model_folder.INFERENCE_FILE}: {parity['precision']}, {size / 1e6:.2f} MB")
        return {**parity, "bytes": size}

    def finish(self) -> dict[str, Any]:
        calibration, parity = self.write_inference()
        model = type(self).model.load(self.folder, finished=False)
        model.calibrate(calibration)
        about = {
            **model.describe(),
            "parameters": sum(int(array.size) for array in self.trained_weights().values()),
            "hash": model_folder.weights_digest(self.folder),
        }
        notes = getattr(self.data, "notes", ())
        return {
            "model": about,
            "data": {"sources": list(self.request.sources), **self.data.about()},
            **self.more_facts(),
            **({"notes": list(notes)} if notes else {}),
            **({"calibration": calibration} if calibration else {}),
            "inference": parity,
            "figures": self.figures(model),
        }


def fit_temperature_of(
    progress: Progress,
    *,
    count: int,
    fewest: int,
    unit: str,
    fit: Callable[[], float],
    error: Callable[[float], float],
) -> dict[str, float]:
    """Fit the temperature of probabilities on the validation part, and say what it changes.

    Args:
        count: how many examples there are; below ``fewest`` the temperature is 1.
        error: the expected calibration error at a temperature.
    """
    if count < fewest:
        progress.say(f"not calibrated: {count} {unit} of the validation part are too few to fit a temperature")
    temperature = fit() if count >= fewest else 1.0
    before, after = error(1.0), error(temperature)
    if temperature != 1:
        progress.say(
            f"calibrated: temperature {temperature:.2f}; expected calibration error on the validation part "
            f"{100 * before:.1f}% before, {100 * after:.1f}% after"
        )
    return {"temperature": temperature, "error_before": before, "error_after": after}


def planned(
    plan: P,
    request: Request,
    *,
    examples: int,
    progress: Progress,
    small: bool = False,
    try_threads: bool = False,
    most_validations: int | None = None,
) -> P:
    """A plan for this machine and the length that was asked for.

    Args:
        examples: of the training part.
        small: whether the products are too small for bf16.
        try_threads: whether fewer threads than cores are tried before training by the clock.
        most_validations: with a length in epochs, one validation for each, up to so many.

    Raises:
        UsageError: this machine or the task cannot train as asked.
    """
    from elman.training.calibrate import choose_threads

    device, cores = choose_device(plan.device), available_cores()
    if small and request.precision == "bf16":
        raise UsageError(f"--precision bf16 does not apply to {request.task}, whose products are small; leave it out")
    precision = "fp32" if small else choose_precision(request.precision, device=device)
    threads = request.threads or cores
    if try_threads and request.threads is None and request.default_minutes is not None:
        threads = choose_threads(cores, precision=precision, progress=progress)
    plan = plan.replace(precision=precision, threads=threads)
    if request.updates is not None:
        plan = plan.replace(updates=request.updates)
    if request.epochs is not None:
        plan = plan.replace(updates=max(1, round(request.epochs * -(-examples // plan.batch))))
        if most_validations is not None:
            plan = plan.replace(validations=max(1, min(round(request.epochs), most_validations)))
    return plan
