"""Training: a network, its optimiser and its position in the data; everything that an update
changes."""

import math
from collections.abc import Generator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from elman.data.cursor import Cursor
from elman.data.part import Part
from elman.errors import FolderError, TrainingError
from elman.nn.dropout import Masks
from elman.system.machine import prepare_device, set_threads, tune_allocator
from elman.training.checkpoint import Position
from elman.training.gradient_sums import GradientSums
from elman.training.nonfinite import first_nonfinite
from elman.training.objective import Arrays, Divisible, Objective, State, TrainableNetwork
from elman.training.optimizers import fits_optimizer, make_optimizers, optimizer_arrays, restore_optimizer, set_rate
from elman.training.plan import Plan
from elman.training.processes import ALONE, Processes
from elman.training.schedule import make_schedule
from elman.training.sparse_updates import clip_gradients, step


@dataclass(frozen=True)
class Update:
    """What one update did."""

    loss: float
    """Mean loss per unit of the objective."""
    norm: float
    """Gradient norm before clipping."""
    count: float
    """Units: tokens, or examples."""


class Training:
    """What an update changes. It asks an ``Objective`` for all that belongs to the task.

    Args:
        plan: its ``device`` is settled.
        processes: those that train together; all of them make the same calls.
    """

    def __init__(
        self,
        objective: Objective,
        plan: Plan,
        processes: Processes = ALONE,
    ) -> None:
        processes.order("begin", plan.to_json())
        self.processes = processes
        tune_allocator()
        set_threads(plan.threads)
        prepare_device(plan.device, precision=plan.precision)
        torch.manual_seed(plan.seed)
        self.objective, self.plan = objective, plan
        self.device = torch.device(plan.device)
        # Drawn on the processor, so that a seed means the same first weights everywhere.
        self.network: nn.Module = objective.make_network().to(self.device)
        self.optimizers = make_optimizers(
            self.network,
            name=plan.optimizer,
            rate=plan.rate,
            weight_decay=plan.weight_decay,
            dtype=torch.bfloat16 if plan.precision == "bf16" else torch.float32,
            factor=objective.rate_factor,
        )
        self.schedule = make_schedule(plan.schedule, updates=plan.updates, warmup=plan.warmup, cooldown=plan.cooldown)
        self.position = Position()
        self.divides = processes.count > 1 and isinstance(objective.batch(self.position.cursor, 0).data, Divisible)
        """Whether processes share the rows of a batch; otherwise each trains on all of them, with
        the same result."""
        self.state: State = self._part_of(objective.initial_state(self.network))
        self.gradients = GradientSums(self.network, processes)
        self.average: dict[str, Tensor] = {}

    def update(self) -> Update:
        """One step of the optimiser.

        Raises:
            TrainingError: the loss or the gradient is not finite; nothing was changed by this
                update.
        """
        self.processes.order("update")
        plan, position = self.plan, self.position
        batch = self.objective.batch(position.cursor, position.update)
        set_rate(self.optimizers, plan.rate * self.schedule(position.update) * batch.share)
        for name, parameter in self.network.named_parameters():
            parameter.requires_grad_(not self.objective.is_frozen(name, position.update))
        self.network.zero_grad(set_to_none=True)
        data, part = self._own_rows(batch.data)
        masks = Masks(plan.seed, position.update, part)
        with self._autocast():
            loss = cast(TrainableNetwork, self.network).loss(data, self.state, masks)
        sums = self.processes.sums(
            [number for mean in loss.means for number in (float(mean.total.detach()), mean.count)]
        )
        totals, counts = sums[::2], sums[1::2]
        value = totals[0] / counts[0]
        if not math.isfinite(value):
            raise self._blame(data, "loss")
        self.gradients.begin()
        parts = [mean.total / max(count, 1e-9) for mean, count in zip(loss.means, counts, strict=True)]
        sum(parts[1:], parts[0]).backward()
        self.gradients.finish()
        norm = clip_gradients(self.network.parameters(), plan.clip or math.inf)
        if not math.isfinite(norm):
            raise self._blame(data, "gradient")
        for optimizer in self.optimizers:
            step(optimizer)
        self.state = tuple(part.detach() for part in loss.state)
        position.update += 1
        position.epoch, position.offset = batch.cursor.epoch, batch.cursor.offset
        if position.update > plan.average_from * plan.updates or position.average_start:
            self._add_to_average()
        return Update(value, norm, counts[0] / (self.processes.count if part is None else 1))

    def validating(self) -> Generator[float, None, float]:
        """Compute the validation figure with the weights to use; yields the share that is done."""
        backup = self._use_average()
        try:
            with torch.no_grad(), self._autocast():
                return (yield from self.objective.validate(self.network, self.processes))
        finally:
            self._restore(backup)

    def validate(self) -> float:
        """The validation figure of the weights to use."""
        self.processes.order("validate")
        work = self.validating()
        while True:
            try:
                next(work)
            except StopIteration as done:
                return float(done.value)

    def is_better(self, figure: float) -> bool:
        """Whether a validation figure is better than the best one so far."""
        best = self.position.best
        if best is None:
            return True
        return figure > best if self.objective.higher_is_better else figure < best

    def average_from_here(self) -> None:
        """Begin to average the weights, with those of the next update (Merity et al. 2018,
        NT-ASGD)."""
        self.processes.order("average")
        self.position.average_start = self.position.update
        self.position.worse = 0

    def weights(self) -> Arrays:
        """The weights to use, averaged where the plan says so, as NumPy arrays."""
        backup = self._use_average()
        arrays = cast(TrainableNetwork, self.network).to_arrays()
        self._restore(backup)
        return arrays

    def groups(self) -> dict[str, dict[str, Tensor]]:
        """All tensors that a checkpoint holds."""
        self.processes.order("gather")
        state = [self.processes.gather(each, self._rows) if self.divides else each for each in self.state]
        return {
            "weights": dict(self.network.named_parameters()),
            "optimizer": optimizer_arrays(self.optimizers),
            "average": self.average,
            "state": {str(number): part for number, part in enumerate(state)},
        }

    def restore(self, position: Position, groups: dict[str, dict[str, Tensor]]) -> None:
        """Go back to where a checkpoint was written.

        Raises:
            FolderError: it does not fit this network and plan.
        """
        self.processes.order("restore")
        if not self._fits(position, groups):
            raise FolderError(
                "the checkpoint does not fit the plan of this training; remove the folder and train again"
            )
        self.position = position
        with torch.no_grad():
            for name, parameter in self.network.named_parameters():
                parameter.copy_(groups["weights"][name])
        restore_optimizer(self.optimizers, groups.get("optimizer", {}))
        self.average = {name: mean.to(self.device) for name, mean in groups.get("average", {}).items()}
        state = groups.get("state", {})
        whole = tuple(state[str(number)].to(self.device) for number in range(len(state)))
        self.state = self._part_of(whole)

    def _fits(self, position: Position, groups: dict[str, dict[str, Tensor]]) -> bool:
        shapes = {name: parameter.shape for name, parameter in self.network.named_parameters()}
        weights, average, state = (groups.get(name, {}) for name in ("weights", "average", "state"))
        fits = {name: tensor.shape for name, tensor in weights.items()} == shapes
        fits &= not average or {name: tensor.shape for name, tensor in average.items()} == shapes
        here = {str(number): (self._rows, *part.shape[1:]) for number, part in enumerate(self.state)}
        fits &= {name: tuple(tensor.shape) for name, tensor in state.items()} == here
        fits &= fits_optimizer(self.optimizers, groups.get("optimizer", {}))
        fits &= all(tensor.dtype == torch.float32 for family in groups.values() for tensor in family.values())
        return fits and self.objective.is_valid_cursor(position.cursor) and position.update <= self.plan.updates

    def _own_rows(self, data: Any) -> tuple[Any, Part | None]:
        """The rows of a batch that are trained here, and which they are; None for all."""
        part = self.processes.part(data.rows) if self.divides else None
        return (data if part is None else data.part(part)), part

    def _part_of(self, state: State) -> State:
        """The rows of a state ``[B, ..]`` that are trained here."""
        self._rows = len(state[0]) if state else 0
        part = self.processes.part(self._rows) if self.divides else None
        return state if part is None else tuple(each[part.slice].clone() for each in state)

    def _autocast(self) -> AbstractContextManager[Any]:
        return torch.autocast(self.device.type, torch.bfloat16) if self.plan.precision == "bf16" else nullcontext()

    def _add_to_average(self) -> None:
        self.position.averaged += 1
        with torch.no_grad():
            for name, parameter in self.network.named_parameters():
                if name not in self.average:
                    self.average[name] = parameter.detach().clone()
                else:
                    self.average[name].lerp_(parameter, 1 / self.position.averaged)

    def _use_average(self) -> dict[str, Tensor]:
        backup: dict[str, Tensor] = {}
        with torch.no_grad():
            for name, mean in self.average.items():
                parameter = self.network.get_parameter(name)
                backup[name] = parameter.detach().clone()
                parameter.copy_(mean)
        return backup

    def _restore(self, backup: dict[str, Tensor]) -> None:
        with torch.no_grad():
            for name, value in backup.items():
                self.network.get_parameter(name).copy_(value)

    def _blame(self, data: Any, what: str) -> TrainingError:
        position = self.position
        where = first_nonfinite(self.network, data, self.state)
        batch = self.objective.describe_cursor(Cursor(position.epoch, position.offset))
        return TrainingError(
            f"the {what} is not finite at update {position.update + 1} ({batch}); first seen in {where}; "
            f"try a lower --rate (now {self.plan.rate:g}) or a smaller --clip (now {self.plan.clip:g})"
        )
