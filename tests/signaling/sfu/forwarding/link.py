"""A simulated path: a bottleneck with a queue, then delay, jitter and loss. Clock and dice are the test's."""

from random import Random


class Link:
    """Bytes go in at a time; it says when they come out, or that they don't."""

    def __init__(
        self,
        dice: Random,
        capacity: float = 50_000_000.0,
        delay: float = 0.02,
        jitter: float = 0.0,
        loss: float = 0.0,
        queue: float = 0.5,
        reorder: bool = False,
    ) -> None:
        self.dice = dice
        self.capacity = capacity
        """Bits in a second."""
        self.delay = delay
        self.jitter = jitter
        self.loss = loss
        self.queue = queue
        """Seconds of the fullest queue: what comes on top of it is lost."""
        self.reorder = reorder
        self.free_at = 0.0
        self.last_out = 0.0
        self.waited = 0.0
        """How long the last packet stood in the queue."""

    def send(self, size: int, now: float) -> float | None:
        begun = max(now, self.free_at)
        self.waited = begun - now
        if self.waited > self.queue or self.dice.random() < self.loss:
            return None
        self.free_at = begun + (size + 40) * 8 / self.capacity
        out = self.free_at + self.delay + self.dice.random() * self.jitter
        if not self.reorder:
            out = max(out, self.last_out)
        self.last_out = max(out, self.last_out)
        return out
