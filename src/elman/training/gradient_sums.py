"""Gradients added up over several processes, in buckets that are sent while the backward pass goes
on.

A bucket is sent when all of its gradients are there and all buckets before it are on their way, so
that the order is the same in every process. A gradient that a process lacks, since its rows do not
touch that weight, counts as zero there; one that all lack stays None. Row-sparse gradients are
gathered and not added: see ``elman.training.sparse_updates``.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from elman.training.processes import Group, Processes

_BUCKET = 1 << 20
"""Numbers of a bucket, 4 MB."""
_NONE, _DENSE, _SPARSE = 0, 1, 2


class GradientSums:
    """The gradients of a network, added up over the processes: nothing to do in one alone.

    Args:
        bucket: numbers of a bucket.
    """

    def __init__(self, network: nn.Module, processes: Processes, *, bucket: int = _BUCKET) -> None:
        self._group = processes if isinstance(processes, Group) else None
        # The last weights get their gradients first.
        self._parameters = list(network.parameters())[::-1]
        self._limit = bucket
        self._kinds: list[int] = [_NONE] * len(self._parameters)
        self._buckets: list[_Bucket] = []
        self._next = 0
        if self._group is not None:
            for number, parameter in enumerate(self._parameters):
                parameter.register_post_accumulate_grad_hook(lambda _, number=number: self._ready(number))

    def begin(self) -> None:
        """Before a backward pass."""
        if self._group is None:
            return
        dense = [number for number, kind in enumerate(self._kinds) if kind == _DENSE]
        self._buckets, self._next, numbers, size = [], 0, [], 0
        for number in dense:
            numbers.append(number)
            size += self._parameters[number].numel()
            if size >= self._limit or number == dense[-1]:
                self._buckets.append(_Bucket(numbers, [self._parameters[each] for each in numbers]))
                numbers, size = [], 0

    def finish(self) -> None:
        """After the backward pass: every process has the sums.

        Raises:
            TrainingError: another process has ended.
        """
        group = self._group
        if group is None:
            return
        for bucket in self._buckets:
            bucket.missing.clear()
        self._send()
        kinds = torch.tensor([_kind(each.grad) for each in self._parameters], dtype=torch.int32)
        agreed = torch.stack(group.all(kinds)).amax(0).tolist()
        for bucket in self._buckets:
            bucket.take(group, agreed)
        sent = {number for bucket in self._buckets for number in bucket.numbers}
        for number, (parameter, kind) in enumerate(zip(self._parameters, agreed, strict=True)):
            if kind == _SPARSE:
                assert number not in sent, "a gradient that was dense and is sparse"
                parameter.grad = _gathered(group, parameter)
            elif kind == _DENSE and number not in sent:
                parameter.grad = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
                group.wait(group.add(parameter.grad))
        self._kinds = [max(pair) for pair in zip(self._kinds, agreed, strict=True)]

    def _ready(self, number: int) -> None:
        for bucket in self._buckets:
            bucket.missing.discard(number)
        self._send()

    def _send(self) -> None:
        assert self._group is not None
        while self._next < len(self._buckets) and not self._buckets[self._next].missing:
            self._buckets[self._next].send(self._group)
            self._next += 1


class _Bucket:
    def __init__(self, numbers: Sequence[int], parameters: Sequence[Tensor]) -> None:
        self.numbers, self._parameters = list(numbers), list(parameters)
        self.missing = set(numbers)
        self._message = torch.empty(0)
        self._work: Any = None

    def send(self, group: Group) -> None:
        """Begin to add the gradients up; those that are not there count as zero."""
        parts = [torch.zeros_like(each) if each.grad is None else each.grad for each in self._parameters]
        self._message = torch.cat([part.reshape(-1) for part in parts])
        self._work = group.add(self._message)

    def take(self, group: Group, kinds: Sequence[int]) -> None:
        """Put the sums where the gradients were."""
        group.wait(self._work)
        pieces = self._message.split([each.numel() for each in self._parameters])
        for number, parameter, piece in zip(self.numbers, self._parameters, pieces, strict=True):
            parameter.grad = piece.view_as(parameter) if kinds[number] == _DENSE else None


def _kind(gradient: Tensor | None) -> int:
    return _NONE if gradient is None else _SPARSE if gradient.is_sparse else _DENSE


def _gathered(group: Group, parameter: Tensor) -> Tensor:
    """The row-sparse gradient of all processes."""
    own = parameter.grad
    rows, values = torch.empty(0, dtype=torch.int64), parameter.new_empty(0, *parameter.shape[1:])
    if own is not None:
        own = own.coalesce()
        rows, values = own.indices()[0], own.values()
    rows = rows.to(parameter.device)
    counts = [int(count) for count in group.all(torch.tensor([len(rows)], device=parameter.device))]
    padded_rows, padded = rows.new_zeros(max(counts)), values.new_zeros(max(counts), *values.shape[1:])
    padded_rows[: len(rows)], padded[: len(rows)] = rows, values
    all_rows = [each[:count] for each, count in zip(group.all(padded_rows), counts, strict=True)]
    all_values = [each[:count] for each, count in zip(group.all(padded), counts, strict=True)]
    found = torch.cat(all_rows)[None], torch.cat(all_values)
    return torch.sparse_coo_tensor(*found, parameter.shape, check_invariants=False).coalesce()
