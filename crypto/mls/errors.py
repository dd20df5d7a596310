"""What can go wrong in MLS, and whose fault it is.

MlsError            code, fault
├─ DecodeError      "decode"             peer      bytes that are not the structure they should be
├─ AeadError        "aead"               peer      a ciphertext that does not open under this key
├─ BadKeyError      "key"                peer      a key or a KEM output that no honest peer makes
├─ SuiteError       "unsupported_suite"  peer      a cipher suite that this program does not have
├─ InvalidError     names the check      peer      well-formed, but breaks a rule of RFC 9420
├─ UsageError       names the misuse     caller    our own code asked for what is not possible
└─ StorageError     names the damage     storage   stored state that cannot be what was stored
"""

from typing import Literal

Fault = Literal["peer", "caller", "storage"]


class MlsError(Exception):
    """`code` is stable: callers, tests and logs match on it; the message is for people who read the log."""

    def __init__(self, code: str, fault: Fault, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.fault: Fault = fault


class DecodeError(MlsError):
    def __init__(self, message: str) -> None:
        super().__init__("decode", "peer", message)


class AeadError(MlsError):
    def __init__(self, message: str) -> None:
        super().__init__("aead", "peer", message)


class BadKeyError(MlsError):
    """The twin of the TypeScript's KeyError, whose name is taken here."""

    def __init__(self, message: str) -> None:
        super().__init__("key", "peer", message)


class SuiteError(MlsError):
    def __init__(self, message: str) -> None:
        super().__init__("unsupported_suite", "peer", message)


class InvalidError(MlsError):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, "peer", message)


class UsageError(MlsError):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, "caller", message)


class StorageError(MlsError):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, "storage", message)
