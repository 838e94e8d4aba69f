"""Several processes that train one network: each has a share of a step's rows, and all take the same step.

`torchrun` starts them; whoever trains calls `init_process_group` first. Gradients are summed in one message a step, and
whatever a clock decides is decided by the first process: else one would stop while another waits for it.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, distributed

from swerve.errors import ConfigError


class Processes:
    """This process's place among all, or the only one."""

    def __init__(self, device: torch.device) -> None:
        together = distributed.is_available() and distributed.is_initialized()
        self.count = distributed.get_world_size() if together else 1
        self.rank = distributed.get_rank() if together else 0
        self._device = device

    @property
    def first(self) -> bool:
        """Whether this is the process that writes and tells."""
        return self.rank == 0

    def share(self, rows: int) -> slice:
        """The rows of a step that are this process's. Raises ConfigError where there are fewer rows than processes."""
        if rows < self.count:
            raise ConfigError(f"must be at least the number of processes, {self.count}", field="learn.rows")
        return slice(self.rank * rows // self.count, (self.rank + 1) * rows // self.count)

    def summed(self, parameters: Iterable[Tensor], loss: Tensor) -> Tensor:
        """Sum gradients, in place, and the loss over all processes; each gives its own by its share of the rows."""
        if self.count == 1:
            return loss
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        line = torch.cat([*(gradient.reshape(-1) for gradient in gradients), loss.reshape(1)])
        distributed.all_reduce(line)
        *parts, total = torch.split(line, [*(gradient.numel() for gradient in gradients), 1])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))
        whole: Tensor = total[0]
        return whole

    def agreed(self, value: float) -> float:
        """What the first process gave, in all of them; waits for it."""
        if self.count == 1:
            return value
        said = torch.tensor([value], dtype=torch.float64, device=self._device)
        distributed.broadcast(said, 0)
        return said.item()
