"""Rows on the device. Every row that came from a worker stays there; fresh ones are
used first, and when workers are slower than the device, old rows come again."""

import queue as queues
import random
from typing import Any

import numpy as np
import torch
from torch import Tensor

MAX_FRESH = 40  # chunks; beyond that workers wait at the queue
MIN_KEPT = 200  # chunks, before old rows come again
PATIENCE = 120.0  # seconds that a worker gets for a chunk


class Pool:
    def __init__(self, queue: Any, device: str, length: int) -> None:
        self.queue, self.device, self.length = queue, device, length
        self.kept: list[Tensor] = []
        self.fresh: list[Tensor] = []
        self.made, self.used = 0, 0  # tokens

    def fill(self) -> None:
        """Take the chunks that are ready."""
        while len(self.fresh) < MAX_FRESH:
            try:
                self._add(self.queue.get_nowait())
            except queues.Empty:
                return

    def _add(self, chunk: np.ndarray[Any, np.dtype[np.uint16]]) -> None:
        rows = torch.from_numpy(chunk.astype(np.int32)).to(self.device)
        self.made += rows.numel()
        self.fresh.append(rows)

    def batch(self, rows: int) -> Tensor:
        """Rows [rows, length + 1]."""
        self.fill()
        got: list[Tensor] = []
        while sum(len(g) for g in got) < rows:
            if self.fresh:
                got.append(self.fresh.pop(0))
                self.kept.append(got[-1])
            elif len(self.kept) >= MIN_KEPT:
                got.append(random.choice(self.kept))
            else:
                self._add(self.queue.get(timeout=PATIENCE))
        self.used += rows * (self.length + 1)
        return torch.cat(got)[:rows]
