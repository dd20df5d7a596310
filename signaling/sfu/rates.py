"""How many checks an address may make us verify: token buckets, bounded in number."""

import ipaddress
from collections import OrderedDict
from functools import lru_cache

# A browser makes 20 checks a second while it looks for a pair, then one every few seconds. A practice behind
# one address has a dozen of them.
CHECKS_AT_ONCE = 300
CHECKS_PER_S = 100
MAX_NETWORKS = 4096


@lru_cache(maxsize=MAX_NETWORKS)
def network_of(host: str) -> str:
    """An IPv4 address, or the 64 bits of an IPv6 one that a single line has to itself."""
    address = ipaddress.ip_address(host.partition("%")[0])
    if isinstance(address, ipaddress.IPv4Address):
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return address.packed[:8].hex()


class Rates:
    """One bucket for each network; the longest idle one goes when there are too many."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, host: str, now: float) -> bool:
        """Whether one more check from there is verified now."""
        network = network_of(host)
        level, at = self._buckets.pop(network, (float(CHECKS_AT_ONCE), now))
        level = min(float(CHECKS_AT_ONCE), level + (now - at) * CHECKS_PER_S)
        allowed = level >= 1
        self._buckets[network] = (level - 1 if allowed else level, now)
        if len(self._buckets) > MAX_NETWORKS:
            self._buckets.popitem(last=False)
        return allowed
