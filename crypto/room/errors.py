"""What can go wrong with what travels inside a room, and whose fault it is.

RoomError            code, fault
├─ RoomDataError     "room_data"        peer     bytes that are not the structure they should be
├─ RoomRuleError     names the check    peer     a Commit, request or reply that breaks a rule; `rule` is its
│                                                number
├─ LinkError         names the fault    peer     a link that was cut, mistyped, or is of another version (E27)
└─ RoomPlanError     names the refusal  caller   what a person asked for is not theirs, or not possible now
"""

from typing import Literal

from crypto.mls.errors import Fault


class RoomError(Exception):
    """`code` is stable: callers, tests and words for people match on it."""

    def __init__(self, code: str, fault: Fault, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.fault: Fault = fault


class RoomDataError(RoomError):
    def __init__(self, message: str) -> None:
        super().__init__("room_data", "peer", message)


class RoomRuleError(RoomError):
    """`rule` is the number of the rule that was broken, such as "E30"."""

    def __init__(self, rule: str, code: str, message: str) -> None:
        super().__init__(code, "peer", f"{rule}: {message}")
        self.rule = rule


class LinkError(RoomError):
    """What is wrong with a link that somebody opened."""

    def __init__(self, code: Literal["link_incomplete", "link_version"], message: str) -> None:
        super().__init__(code, "peer", message)


class RoomPlanError(RoomError):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, "caller", message)
