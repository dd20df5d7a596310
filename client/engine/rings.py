"""What this device does of its own accord when a group is called: it says that the ring has come here, has
the server wake the devices that are not there, and says that a call came of it. The twin of the browser's,
but for one thing: it never says that somebody has seen a ring, for a program is not a person.
"""

from typing import Final

from client.engine.draft import Draft
from client.room.state import RoomState
from crypto.room.call_bodies import RingAnswer, RingEnd
from crypto.room.calls import Ring, has_lapsed
from wire.frames import Wake

RINGS_MS: Final = 2 * 60_000
"""So old may a ring be for others to be woken by it."""


class RingDesk:
    def __init__(self) -> None:
        # Calls that this device has said to have, woken others for, or said to have come about.
        self._said: set[bytes] = set()
        self._woke: set[bytes] = set()
        self._met: set[bytes] = set()

    def tend(self, draft: Draft) -> None:
        """After rooms were stepped: what follows of the rings that are open now."""
        for room_id in tuple(draft.touched):
            state = draft.room(room_id)
            if state is not None and state.stage == "member" and state.link.caught_up:
                for ring in state.fold.rings:
                    self._tend(draft, state, ring)

    def _tend(self, draft: Draft, state: RoomState, ring: Ring) -> None:
        me, now = draft.env.me.account_id, draft.env.server_now
        if has_lapsed(ring, now):
            return
        if ring.by == me:
            self._tend_own(draft, state, ring, now)
        elif ring.call not in self._said and all(one.account != me for one in ring.answers):
            self._said.add(ring.call)
            draft.volunteer(state.room_id, RingAnswer(ring.call, "ringing"))

    def _tend_own(self, draft: Draft, state: RoomState, ring: Ring, now: int) -> None:
        if ring.call not in self._met and _is_met(ring, state):
            self._met.add(ring.call)
            draft.volunteer(state.room_id, RingEnd(ring.call, "met"))
        elif ring.call not in self._woke and now < ring.at + RINGS_MS:
            self._woke.add(ring.call)
            draft.frames.append(Wake(room=state.room_id, ring=ring.call))


def _is_met(ring: Ring, state: RoomState) -> bool:
    """Whether whoever rang is in the room's call, with as many others as were wanted or as there are."""
    sitting, membership = state.call.sitting, state.membership
    if sitting is None or membership is None:
        return False
    here = {one.device for one in sitting.participants}
    everyone = {who.account_id for who in membership.roster.values()}
    there = {who.account_id for who in membership.roster.values() if who.device_id in here}
    return ring.by in there and len(there) - 1 >= min(ring.wanted, max(len(everyone) - 1, 1))
