"""Rate limits: token buckets, bounded in number, with the clock as an argument."""

from collections import OrderedDict
from dataclasses import dataclass, field


@dataclass(slots=True)
class Bucket:
    """`capacity` at once, then `refill` each second. It may go into debt by one large request."""

    capacity: float
    refill: float
    level: float = field(init=False)
    at: float = 0.0

    def __post_init__(self) -> None:
        self.level = self.capacity

    def take(self, amount: float, now: float) -> float:
        """Take `amount`. Gives the seconds until the bucket is out of debt; 0 when it is not in debt."""
        if now > self.at:
            self.level = min(self.capacity, self.level + (now - self.at) * self.refill)
            self.at = now
        self.level -= amount
        return 0.0 if self.level >= 0 else -self.level / self.refill

    def give_back(self, amount: float) -> None:
        self.level = min(self.capacity, self.level + amount)


class Limiter:
    """One bucket for each caller; the longest idle one goes when there are too many."""

    def __init__(self, capacity: float, refill: float, callers: int = 20_000) -> None:
        self._capacity, self._refill, self._callers = capacity, refill, callers
        self._buckets: OrderedDict[object, Bucket] = OrderedDict()

    def refuse(self, caller: object, now: float, amount: float = 1.0) -> float:
        """0 when the caller may go on, else the seconds to wait. What is refused costs nothing."""
        bucket = self._buckets.get(caller)
        if bucket is None:
            bucket = self._buckets[caller] = Bucket(self._capacity, self._refill)
            bucket.at = now
            if len(self._buckets) > self._callers:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(caller)
        wait = bucket.take(amount, now)
        if wait > 0:
            bucket.give_back(amount)
        return wait
