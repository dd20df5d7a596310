"""Every HTTP body, one class each. JSON; bytes are unpadded base64url; times are milliseconds since the
epoch.

Signatures are Ed25519 over `label ‖ content`, each with its length as a QUIC variable-length integer (the
form of RFC 9420's SignWithLabel, E5). `‖` joins without separators: every part but the last has a fixed
length.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from wire.bounds import (
    MAX_CLAIM,
    MAX_KEY_PACKAGES,
    MAX_PASSKEYS,
    MAX_PUSH_ENDPOINT,
    MAX_TURN_URLS,
    Code,
    JsonId,
    JsonKey,
    JsonKeyPackage,
    JsonPoint,
    JsonRef,
    JsonSealed,
    JsonSecret,
    JsonSignature,
    Number,
    Strict,
    Text,
)

SIGN_IN_LABEL = "Collegium 1.0 sign-in"
RECOVERY_LABEL = "Collegium 1.0 recovery"


class Problem(Strict):
    """Every answer that is not a success. Absent and forbidden look the same."""

    code: Code
    message: Text
    retry_after: Number | None = None


class Empty(Strict):
    """Nothing to say."""


class Limits(Strict):
    """What the server takes at most, in bytes."""

    payload: Number
    welcome: Number
    sealed: Number
    ephemeral: Number


class ServerInfo(Strict):
    """Which server this is; `deployment_id` goes into every sign-in signature."""

    deployment_id: JsonId
    version: Text
    time: Number
    limits: Limits


class JoinInfo(Strict):
    """What a link leads to: the founding of this server, or an invite of a room. Looking uses nothing up."""

    founder: bool
    room_id: JsonId | None = None
    invite_id: JsonId | None = None
    not_after: Number


class NewAccount(Strict):
    """A new account with its first device.

    `account_id` = first 16 bytes of SHA-256("Collegium 1.0 account" ‖ root_key) (E6). `proof` is by the sign-
    in key, label "Collegium 1.0 sign-in", over deployment_id ‖ token ‖ account_id ‖ root_key ‖ device_id ‖
    sign_in_key ‖ recovery_key ‖ SHA-256(backup).
    """

    token: JsonSecret
    account_id: JsonId
    root_key: JsonKey
    device_id: JsonId
    sign_in_key: JsonKey
    recovery_key: JsonKey
    proof: JsonSignature
    backup: JsonSealed


class Session(Strict):
    """Signed in. A browser has a cookie; other clients send `session` as `Authorization: Bearer`."""

    account_id: JsonId
    device_id: JsonId
    session: JsonSecret | None = None


class SignInChallengeFor(Strict):
    """Ask for bytes to sign."""

    device_id: JsonId


class Challenge(Strict):
    """Fresh bytes, good for one answer within a minute."""

    challenge: JsonSecret


class SignIn(Strict):
    """`signature` by the sign-in key, label "Collegium 1.0 sign-in", over deployment_id ‖ device_id ‖
    challenge.
    """

    device_id: JsonId
    challenge: JsonSecret
    signature: JsonSignature


class RecoveryChallengeFor(Strict):
    """Ask for bytes to sign with the key that the recovery code makes."""

    account_id: JsonId


class RecoveryOpen(Strict):
    """`signature` by the recovery key, label "Collegium 1.0 recovery", over deployment_id ‖ account_id ‖
    challenge.
    """

    account_id: JsonId
    challenge: JsonSecret
    signature: JsonSignature


class RecoveryOpened(Strict):
    """The sealed bundle, and a grant for one new device within ten minutes."""

    backup: JsonSealed
    grant: JsonSecret


class RecoveryDevice(Strict):
    """A new device of a recovered account.

    `proof` is by the new sign-in key, label "Collegium 1.0 sign-in", over deployment_id ‖ grant ‖ device_id ‖
    sign_in_key.
    """

    grant: JsonSecret
    device_id: JsonId
    sign_in_key: JsonKey
    proof: JsonSignature


class Backup(Strict):
    """The recovery bundle: identity key, chain and pin list, sealed to a key that only the recovery code
    makes.
    """

    backup: JsonSealed


class Device(Strict):
    """A device of one's own account."""

    device_id: JsonId
    created: Number
    seen: Number
    current: bool


class Devices(Strict):
    """The devices of one's own account."""

    devices: list[Device]


class PasskeyOptions(Strict):
    """What the browser's passkey ceremony is called with (WebAuthn JSON)."""

    options: dict[str, Any]


class FirstPasskeyFor(Strict):
    """Ask what to make a passkey with before one is signed in: a new account, or one that is coming back."""

    account_id: JsonId


class PasskeyAnswer(Strict):
    """What the browser's passkey ceremony answered (WebAuthn JSON), without any PRF result."""

    credential: dict[str, Any]


class Passkeys(Strict):
    """How many passkeys the account has now."""

    count: Annotated[int, Field(ge=0, le=MAX_PASSKEYS)]


class Confirmed(Strict):
    """Until when this session may change the account."""

    until: Number


class Ticket(Strict):
    """Opens one socket within 30 seconds."""

    ticket: JsonSecret


class NewRegistrationToken(Strict):
    """A one-use token for an invite of a room that one is in (E27)."""

    room_id: JsonId
    invite_id: JsonId


class RegistrationToken(Strict):
    """The token; the server keeps its hash alone."""

    token: JsonSecret
    not_after: Number


class NewRoom(Strict):
    """A room whose only device is the caller's. `room_id` is the MLS group id."""

    room_id: JsonId


class JoinRequest(Strict):
    """A request to be added, sealed to the members (E28)."""

    token: JsonSecret
    sealed: JsonSealed


class RejoinRequest(Strict):
    """A request to be added again (E22)."""

    room_id: JsonId
    sealed: JsonSealed


class RequestPosted(Strict):
    """The request waits for a member's device."""

    request_id: JsonId
    not_after: Number


class KeyPackage(Strict):
    """What others add this device with (RFC 9420 §10). `ref` is its KeyPackageRef, `not_after` the end of its
    lifetime. The one of last resort stays when it was handed out.
    """

    ref: JsonRef
    not_after: Number
    payload: JsonKeyPackage
    last_resort: bool


class KeyPackages(Strict):
    """Store these, and first take away of the own ones whatever is named in `withdrawn` and still there. A
    `ref` that is known changes nothing.
    """

    key_packages: Annotated[list[KeyPackage], Field(max_length=MAX_KEY_PACKAGES)]
    withdrawn: Annotated[list[JsonRef], Field(max_length=MAX_KEY_PACKAGES)]


class OwnKeyPackages(Strict):
    """What is there of this device. `last_resort_handed_out`: when that was, for the first time."""

    available: Annotated[list[JsonRef], Field(max_length=MAX_KEY_PACKAGES)]
    last_resort: JsonRef | None = None
    last_resort_handed_out: Number | None = None


class KeyPackageClaim(Strict):
    """Ask for one KeyPackage of each of these devices, to add them with."""

    devices: Annotated[list[JsonId], Field(min_length=1, max_length=MAX_CLAIM)]


class ClaimedKeyPackage(Strict):
    """Handed out to this caller alone, unless it is the one of last resort."""

    device_id: JsonId
    payload: JsonKeyPackage
    last_resort: bool


class ClaimedKeyPackages(Strict):
    """Those that there were, in the order of the claim. The others are not there, or not for this caller."""

    key_packages: Annotated[list[ClaimedKeyPackage], Field(max_length=MAX_CLAIM)]


class PushKey(Strict):
    """What a browser subscribes with (RFC 8292 §3.2), and whether this device has an endpoint here."""

    key: JsonPoint
    subscribed: bool


class PushEndpoint(Strict):
    """Where a push service takes the wakes of this device (RFC 8030 §4). A wake has no body, so no keys."""

    endpoint: Annotated[str, Field(min_length=1, max_length=MAX_PUSH_ENDPOINT)]


class TurnServers(Strict):
    """For RTCConfiguration.iceServers. Without a TURN server `urls` is empty and nothing else is there."""

    urls: Annotated[list[Text], Field(max_length=MAX_TURN_URLS)]
    username: Text | None = None
    credential: Text | None = None
    ttl: Number | None = None


class Health(Strict):
    """The process runs, or can serve."""

    status: Literal["ok", "starting", "stopping"]
