"""The machine's speed, measured in a few seconds, so that minutes can be turned into a fixed number
of updates."""

import dataclasses
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from elman.progress import Progress
from elman.system.machine import set_threads, tune_allocator
from elman.training.plan import Plan

if TYPE_CHECKING:
    from elman.training.objective import Objective
    from elman.training.processes import Processes

PlanT = TypeVar("PlanT", bound=Plan)
_WORTH_A_CHANGE = 1.25
"""How many times as fast another number of threads must be: less may be chance."""


def machine_rate(*, precision: str, threads: int) -> float:
    """FLOP per second that a training loop can expect here: part of what a matrix product reaches.

    >>> machine_rate(precision="fp32", threads=1) > 1e8
    True
    """
    import torch

    tune_allocator()
    set_threads(threads)
    kind = torch.bfloat16 if precision == "bf16" else torch.float32
    size = 1024
    left, right = torch.ones(size, size, dtype=kind), torch.ones(size, size, dtype=kind)
    torch.mm(left, right)
    best = float("inf")
    begin = time.perf_counter()
    while time.perf_counter() - begin < 0.3:
        start = time.perf_counter()
        torch.mm(left, right)
        best = min(best, time.perf_counter() - start)
    share_of_peak = 0.45  # the share that whole updates reach: masks, softmax, optimiser and small shapes take the rest
    return share_of_peak * 2 * size**3 / best


def thread_rates(candidates: Sequence[int], *, precision: str, seconds: float = 0.4) -> dict[int, float]:
    """Steps per second that each number of threads sustains, with products as small as a recurrent
    step's.

    The mean, not the best: where something else is running, threads wait for each other at every
    step.

    >>> rates = thread_rates([1], precision="fp32", seconds=0.01)
    >>> rates[1] > 1
    True
    """
    import torch

    tune_allocator()
    kind = torch.bfloat16 if precision == "bf16" else torch.float32
    x, weight = torch.ones(32, 512, dtype=kind), torch.ones(512, 2048, dtype=kind)
    turns, rates = 4, {}
    done = dict.fromkeys(candidates, 0)
    spent = dict.fromkeys(candidates, 0.0)
    for _ in range(turns):  # in turns, so that passing load affects all of them
        for threads in candidates:
            set_threads(threads)
            torch.tanh(x @ weight)
            begin = time.perf_counter()
            while time.perf_counter() - begin < seconds / turns:
                torch.tanh(x @ weight)
                done[threads] += 1
            spent[threads] += time.perf_counter() - begin
    for threads in candidates:
        rates[threads] = done[threads] / spent[threads]
    return rates


def choose_threads(cores: int, *, precision: str, progress: Progress) -> int:
    """All cores, or fewer if the others are busy: a few threads are faster than many that wait for
    each other."""
    if cores == 1:
        return 1
    candidates = [*(1 << power for power in range(cores.bit_length()) if 1 << power < cores), cores]
    rates = thread_rates(candidates, precision=precision)
    best = max(candidates, key=lambda count: rates[count])
    if rates[best] < _WORTH_A_CHANGE * rates[cores]:
        return cores
    progress.say(_faster(best, cores, rates[best] / rates[cores], taken=True))
    return best


@dataclasses.dataclass(frozen=True)
class Speed:
    """What was measured."""

    update: float
    """Seconds per update."""
    validation: float
    """Seconds per validation."""


def measure(objective: "Objective", plan: Plan, *, seconds: float, processes: "Processes") -> Speed:
    """Train and validate a throw-away network for about this many seconds."""
    from elman.training.training import Training

    # Far from the end, where weights may be averaged.
    training = Training(objective, plan.replace(updates=1 << 40), processes)
    training.update()  # the first one pays for setting up
    training.update()
    done, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < seconds * 0.75 or done < 3:
        training.update()
        done += 1
    update = (time.perf_counter() - begin) / done
    share, begin = 0.0, time.perf_counter()
    for number, share in enumerate(training.validating(), 1):  # noqa: B007 (used after the loop)
        # The figure itself needs all processes, and the others have no order.
        if (share == 1 and processes.count > 1) or (time.perf_counter() - begin > seconds * 0.25 and number >= 2):
            break
    return Speed(update, (time.perf_counter() - begin) / max(share, 1e-9))


def with_better_threads(
    objective: "Objective",
    plan: PlanT,
    speed: Speed,
    *,
    cores: int,
    given: bool,
    seconds: float,
    processes: "Processes",
    progress: Progress,
) -> tuple[PlanT, Speed]:
    """The plan with one thread or with all cores, whichever makes its updates much faster; and its
    speed.

    Args:
        speed: what was measured with the plan's threads.
        given: whether the user chose the threads; then a faster number is only mentioned.
        seconds: how long to measure each number.
    """
    other = cores if plan.threads == 1 else 1
    if other == plan.threads or plan.device != "cpu":
        return plan, speed
    found = measure(objective, plan.replace(threads=other), seconds=seconds, processes=processes)
    # Once more, since other programs come and go: the other number must beat both.
    again = measure(objective, plan, seconds=seconds, processes=processes)
    speed = min(speed, again, key=lambda each: each.update)
    times = speed.update / found.update
    if times < _WORTH_A_CHANGE:
        return plan, speed
    progress.say(_faster(other, plan.threads, times, taken=not given))
    return (plan, speed) if given else (plan.replace(threads=other), found)


def _faster(threads: int, than: int, times: float, *, taken: bool) -> str:
    number, verb = ("one", "is") if threads == 1 else (str(threads), "are")
    why = ", perhaps because other programs are running" if threads < than else ""
    then = f"taking {number} (--threads overrides)" if taken else f"--threads {threads} would save time"
    return f"threads: {number} {verb} {times:.1f} times as fast as {than}{why}; {then}"


def plan_minutes(plan: PlanT, speed: Speed, *, minutes: float, most: float) -> PlanT:
    """Fix updates and validations so that training and validating together take this many minutes.

    Validating takes at most a tenth of the time. ``most`` updates are made, however long the time.

    >>> plan = plan_minutes(Plan(updates=1), Speed(0.1, 0.5), minutes=1, most=200_000)
    >>> plan.updates, plan.validations
    (560, 8)
    """
    seconds = 60 * minutes
    validations = int(min(plan.validations, max(1, 0.1 * seconds / max(speed.validation, 1e-9))))
    updates = int(max(1, (seconds - validations * speed.validation) / speed.update))
    return plan.replace(updates=min(updates, max(1, round(most))), validations=validations)
