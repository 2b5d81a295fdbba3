"""Several processes of one training, each a thread of this process."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import torch.distributed as dist

from elman.training.processes import Group


def side_by_side(count: int, work: Callable[[Group], Any]) -> list[Any]:
    """What ``work`` returns in each of several processes, the first one first."""
    store = dist.HashStore()

    def one(rank: int) -> Any:
        return work(Group(dist.ProcessGroupGloo(store, rank, count, timedelta(seconds=60))))

    with ThreadPoolExecutor(count) as pool:
        return [each.result() for each in [pool.submit(one, rank) for rank in range(count)]]
