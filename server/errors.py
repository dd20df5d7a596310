"""What can go wrong, and whose fault it is.

ServiceError
├── MalformedError   400  caller: not what the models in wire/ allow
├── NotSignedInError 401  caller
├── RefusedError     403  caller: understood, and not allowed now
├── NotFoundError    404  caller: absent or forbidden, which look the same (THREATS 39)
├── TakenError       409  caller: the id or token is used already
├── TooLargeError    413  caller
├── TooManyError     429  caller: with `retry_after` in seconds
└── UnavailableError 503  storage: nothing was changed
StartError                whoever starts the server: settings, a locked folder, a damaged backup
"""

from typing import ClassVar, Literal


class ServiceError(Exception):
    """Refused for a reason that the caller may know."""

    status: ClassVar[int]
    fault: ClassVar[Literal["caller", "storage"]] = "caller"

    def __init__(self, code: str, message: str, retry_after: int | None = None) -> None:
        super().__init__(code)
        self.code, self.message, self.retry_after = code, message, retry_after


class MalformedError(ServiceError):
    status = 400

    def __init__(self, message: str = "The request is not in the form that this server speaks.") -> None:
        super().__init__("malformed", message)


class NotSignedInError(ServiceError):
    status = 401

    def __init__(self) -> None:
        super().__init__("signed_out", "Sign in first.")


class RefusedError(ServiceError):
    status = 403


class NotFoundError(ServiceError):
    status = 404

    def __init__(self) -> None:
        super().__init__("not_found", "There is nothing here for you.")


class TakenError(ServiceError):
    status = 409


class TooLargeError(ServiceError):
    status = 413

    def __init__(self) -> None:
        super().__init__("too_large", "The request is larger than this server takes.")


class TooManyError(ServiceError):
    status = 429

    def __init__(self, retry_after: int) -> None:
        super().__init__("too_many", "Too many requests; wait a little.", retry_after)


class UnavailableError(ServiceError):
    status = 503
    fault = "storage"

    def __init__(self, code: str = "storage") -> None:
        super().__init__(code, "The server cannot store anything at the moment. Nothing was changed.", 5)


class StartError(Exception):
    """The server does not start; the text says why and what to do."""
