"""The registry of proposal types (RFC 9420 §17.4)."""

from enum import IntEnum


class ProposalType(IntEnum):
    ADD = 0x0001
    UPDATE = 0x0002
    REMOVE = 0x0003
    PSK = 0x0004
    REINIT = 0x0005
    EXTERNAL_INIT = 0x0006
    GROUP_CONTEXT_EXTENSIONS = 0x0007


def is_default_proposal(type_code: int) -> bool:
    """RFC 9420 §7.2: types that everyone knows, and that no list of capabilities names."""
    return 1 <= type_code <= 7
