"""One end-to-end encrypted room as a pure step machine (E14 to E30, E38, E39): what a driver needs of it.

The driver holds one `RoomState` for each room, and one rule: **persist before you release**.

    stepped = step(state, input, env)           # an input: a frame, a command, Ready, Offline or Tick
    change = room_rows(state, stepped.state)    # the rows that changed; room_rows(None, state): all of them
    ... one transaction: put change.put, drop change.drop, compare-and-set on the row CORE_ROW (E39) ...
    state = stepped.state
    for effect in stepped.effects: ...          # in order, and only now

Nothing here does I/O; the clock (ms) and randomness are in `Env`. `step` raises CommandError for a command
that cannot be taken, and then nothing has changed. Whatever frames a server sends, `step` answers and does
not raise.

A room begins with `found_room`; with `join_room`, after `ask_to_join`, whose expectation is stored until
the Welcome has come (`encode_expectation`, `decode_expectation`); or with `rejoin_room` from a pin list. On
start: read the row CORE_ROW, the rows that `row_names` finds in it, then `load_room`. For each connection:
`hello` with `room_cursor(state)`; `Ready` with what `ready` said of this room, None where it is not listed;
then its frames in order; `Offline` when it is gone. A lost frame is no harm: what was not acknowledged goes
again with the next connection. Rows hold secrets: the store seals them.
"""

from client.room.effects import Effect
from client.room.joining import Asked, ask_to_join, found_room, join_room, rejoin_room
from client.room.pins import room_pin
from client.room.rows import (
    CORE_ROW,
    RowChange,
    decode_expectation,
    encode_expectation,
    load_room,
    room_rows,
    row_names,
)
from client.room.sight import RoomSight
from client.room.state import RoomState
from client.room.step import step
from client.room.surface import (
    CommandError,
    Env,
    Frame,
    Input,
    JoinExpectation,
    Me,
    Offline,
    Ready,
    Stepped,
    Tick,
    WelcomeError,
)
from client.room.view import room_view
from crypto.identity.bundle import Pin

__all__ = [
    "CORE_ROW",
    "Asked",
    "CommandError",
    "Effect",
    "Env",
    "Frame",
    "Input",
    "JoinExpectation",
    "Me",
    "Offline",
    "Pin",
    "Ready",
    "RoomSight",
    "RoomState",
    "RowChange",
    "Stepped",
    "Tick",
    "WelcomeError",
    "ask_to_join",
    "decode_expectation",
    "encode_expectation",
    "found_room",
    "join_room",
    "load_room",
    "rejoin_room",
    "room_cursor",
    "room_pin",
    "room_rows",
    "room_view",
    "row_names",
    "step",
]


def room_cursor(state: RoomState) -> int:
    """The log position up to which all is in the state: for `hello`."""
    return state.log.n
