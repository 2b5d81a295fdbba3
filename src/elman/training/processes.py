"""Processes: those that train one network together, each on its part of every batch.

They are started by torchrun, and speak through ``torch.distributed``: gloo between processors, NCCL
between GPUs. The first one leads: it alone reads and writes the model folder and decides what comes
next, and gives the others their orders. Sums over all processes have the same bits in each of them,
so their weights stay the same.
"""

import json
import os
from collections.abc import Callable, Generator, Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from safetensors.numpy import load, save
from torch import Tensor

from elman.data.part import Part
from elman.errors import TrainingError
from elman.system.launcher import TIMEOUT, is_launched

T = TypeVar("T")


class Order(NamedTuple):
    """What the first process tells the others to do."""

    what: str
    facts: Mapping[str, Any] = {}
    data: bytes = b""


class LostProcess(TrainingError):
    """Another process has ended, hangs, or cannot be reached."""


class Processes:
    """One process alone: there is nobody to wait for."""

    rank = 0
    count = 1

    def part(self, rows: int) -> Part | None:
        """The rows of a batch that this process trains on; None for all of them, as where there are
        fewer rows than processes."""
        return None if self.count == 1 or rows < self.count else Part.of(self.rank, self.count, rows)

    def sums(self, values: Sequence[float]) -> list[float]:
        """The sums over all processes, float64."""
        return list(values)

    def order(self, what: str, facts: Mapping[str, Any] | None = None, data: bytes = b"") -> None:
        """Tell the others what comes next; nothing if this is not the first process."""

    def gather(self, own: Tensor, rows: int) -> Tensor:
        """The rows ``[rows, ..]`` of all processes, from each one's part ``[b, ..]``."""
        return own

    def each(self, work: Callable[[T], NDArray[Any]], items: Sequence[T]) -> Generator[float, None, list[NDArray[Any]]]:
        """What a function returns for each item, in their order, the same in all processes.

        Each process does some of the items; yields the share that is done of its own.
        """
        own, found = items[self.rank :: self.count], []
        for number, item in enumerate(own, 1):
            found.append(work(item))
            yield number / len(own)
        together = self.exchange(found)
        return [together[number % self.count][number // self.count] for number in range(len(items))]

    def exchange(self, own: Sequence[NDArray[Any]]) -> list[Sequence[NDArray[Any]]]:
        """The arrays of each process, any number of any shapes, in the order of the processes."""
        return [own]

    def describe(self, updates: int) -> str:
        """How many there are, and what each of them sent, after so many updates; empty for one."""
        return ""


class Group(Processes):
    """One of several processes.

    Args:
        group: a process group of ``torch.distributed``.
        timeout: seconds after which the group gives up waiting.
    """

    def __init__(self, group: Any, *, timeout: float = TIMEOUT) -> None:
        self.group, self.timeout = group, timeout
        self.rank, self.count = group.rank(), group.size()
        self.sent = 0
        """Bytes of all messages so far."""

    def sums(self, values: Sequence[float]) -> list[float]:
        message = torch.tensor(values, dtype=torch.float64)
        self.wait(self.add(message))
        return message.tolist()

    def order(self, what: str, facts: Mapping[str, Any] | None = None, data: bytes = b"") -> None:
        if self.rank:
            return
        head = json.dumps([what, facts or {}]).encode()
        self._send(torch.tensor([len(head), len(data)]))
        self._send(torch.frombuffer(bytearray(head + data), dtype=torch.uint8))

    def next_order(self) -> Order:
        """What the first process says next."""
        first, second = self._send(torch.zeros(2, dtype=torch.int64)).tolist()
        message = self._send(torch.zeros(first + second, dtype=torch.uint8)).numpy().tobytes()
        what, facts = json.loads(message[:first])
        return Order(what, facts, message[first:])

    def gather(self, own: Tensor, rows: int) -> Tensor:
        if self.part(rows) is None:
            return own
        parts = [Part.of(rank, self.count, rows) for rank in range(self.count)]
        most = max(map(len, parts))
        padded = own.new_zeros(most, *own.shape[1:])
        padded[: len(own)] = own
        found = self.all(padded)
        return torch.cat([each[: len(part)] for each, part in zip(found, parts, strict=True)])

    def exchange(self, own: Sequence[NDArray[Any]]) -> list[Sequence[NDArray[Any]]]:
        message = save({str(number): np.ascontiguousarray(array) for number, array in enumerate(own)})
        sizes = [int(size) for size in self.all(torch.tensor([len(message)]))]
        padded = torch.zeros(max(sizes), dtype=torch.uint8)
        padded[: len(message)] = torch.frombuffer(bytearray(message), dtype=torch.uint8)
        found: list[Sequence[NDArray[Any]]] = []
        for each, size in zip(self.all(padded), sizes, strict=True):
            arrays = load(each[:size].numpy().tobytes())
            found.append([arrays[str(number)] for number in range(len(arrays))])
        return found

    def describe(self, updates: int) -> str:
        return f" by {self.count} processes, {self.sent / max(updates, 1) / 1e6:.2f} MB of messages per update,"

    def all(self, own: Tensor) -> list[Tensor]:
        """The tensors of all processes, which have the same shape."""
        found = [torch.empty_like(own) for _ in range(self.count)]
        self.sent += own.nbytes
        self.wait(self.group.allgather([found], [own.contiguous()]))
        return found

    def add(self, message: Tensor) -> Any:
        """Begin to add up a tensor over all processes; it is there after ``wait``."""
        self.sent += message.nbytes
        return self.group.allreduce([message])

    def wait(self, work: Any) -> None:
        """Wait for a message.

        Raises:
            LostProcess: another process has ended, or does not answer.
        """
        try:
            work.wait()
        except RuntimeError as error:
            if "timed out" in str(error).lower() or "timeout" in str(error).lower():
                raise LostProcess(
                    f"process {self.rank} of {self.count} heard nothing from the others for {self.timeout:g} s "
                    "(--timeout): one of them hangs, or its machine is out of reach; begin again with --resume"
                ) from error
            raise LostProcess(
                f"process {self.rank} of {self.count} lost the others ({str(error).splitlines()[0][:200]}); all of "
                "them must run: begin again with --resume"
            ) from error

    def _send(self, message: Tensor) -> Tensor:
        self.sent += message.nbytes
        self.wait(self.group.broadcast(message, 0))
        return message


ALONE = Processes()


def join(timeout: float = TIMEOUT) -> Processes:
    """The processes that torchrun started; ALONE without torchrun.

    Args:
        timeout: seconds to wait for the others, here and at every message.

    Raises:
        TrainingError: they do not find each other.
    """
    if not is_launched():
        return ALONE
    backend = "gloo"
    if torch.cuda.is_available():
        backend = "cpu:gloo,cuda:nccl"
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]) % torch.cuda.device_count())
    try:
        if not dist.is_initialized():
            dist.init_process_group(backend, timeout=timedelta(seconds=timeout))
    except RuntimeError as error:
        raise TrainingError(f"the processes do not find each other: {str(error).splitlines()[0][:200]}") from error
    return Group(dist.group.WORLD, timeout=timeout)
