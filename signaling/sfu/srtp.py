"""SRTP (RFC 3711, RFC 7714) of one session: both directions, by libsrtp. What fails is a value, not an error.

Each key is of one DTLS handshake, one direction and one session: libsrtp counts packets under it and refuses
to send an index twice, so no nonce of GCM comes again.

Packets go to libsrtp through the binding that pylibsrtp has: its own methods around it take half as long
again as the cipher, for each receiver of each packet. Its exact version is pinned.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import pylibsrtp
from pylibsrtp import Policy
from pylibsrtp._binding import ffi, lib  # type: ignore[import-not-found]

MAX_PACKET = 1300  # with its tag it fits 1500 bytes of Ethernet, and libsrtp's buffer
MAX_SSRCS = 64  # that one client may send on: each has its state in libsrtp
MAX_SEALED = 1500  # of what is opened
WINDOW = 1024  # packets; a burst of video that was overtaken is still taken


@dataclass(frozen=True, slots=True)
class Profile:
    """RFC 5764 §4.1.2, RFC 7714 §14.2."""

    name: bytes  # OpenSSL's
    number: int  # libsrtp's
    key: int
    salt: int

    @property
    def material(self) -> int:
        return 2 * (self.key + self.salt)


PROFILES = (
    Profile(b"SRTP_AEAD_AES_256_GCM", Policy.SRTP_PROFILE_AEAD_AES_256_GCM, 32, 12),
    Profile(b"SRTP_AEAD_AES_128_GCM", Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 16, 12),
    Profile(b"SRTP_AES128_CM_SHA1_80", Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 16, 14),
)


@dataclass(frozen=True, slots=True)
class Keys:
    """What DTLS exported: of each end its master key with its salt behind it."""

    profile: Profile
    client: bytes = field(repr=False)
    server: bytes = field(repr=False)


def split_keys(profile: Profile, material: bytes) -> Keys:
    """RFC 5764 §4.2: client key, server key, client salt, server salt."""
    assert len(material) == profile.material
    key, salts = profile.key, 2 * profile.key
    return Keys(
        profile,
        material[:key] + material[salts : salts + profile.salt],
        material[key:salts] + material[salts + profile.salt :],
    )


class _End:
    """One direction: libsrtp's session, and the room in which it works."""

    __slots__ = ("_length", "_room", "_session", "_view", "srtp")

    def __init__(self, profile: Profile, key: bytes, of: int) -> None:
        self._session = pylibsrtp.Session(_policy(profile, key, of))  # it frees what `srtp` is of
        self.srtp = self._session._srtp[0]
        self._room = ffi.new("char[]", MAX_SEALED)
        self._view = ffi.buffer(self._room)
        self._length = ffi.new("int *")

    def run(self, work: Any, packet: bytes, longest: int) -> bytes | None:
        """What one of libsrtp's functions, which work in place, makes of a packet; None where it refuses."""
        size = len(packet)
        if size > longest:
            return None
        view, length = self._view, self._length
        view[0:size] = packet
        length[0] = size
        if work(self.srtp, self._room, length):
            return None
        done: bytes = view[0 : length[0]]
        return done


PROTECT: Final = lib.srtp_protect
"""libsrtp's own: of a direction, where a packet lies with room behind it, and its length. 0: it is done."""
PROTECT_RTCP: Final = lib.srtp_protect_rtcp
"""As `PROTECT`."""
_UNPROTECT: Final = lib.srtp_unprotect
_UNPROTECT_RTCP: Final = lib.srtp_unprotect_rtcp


class Srtp:
    """The end that sends under `sends` and reads what was sent under `reads`."""

    def __init__(self, profile: Profile, *, sends: bytes, reads: bytes) -> None:
        self._out = _End(profile, sends, Policy.SSRC_ANY_OUTBOUND)
        self._in = _End(profile, reads, Policy.SSRC_ANY_INBOUND)
        self.sends = self._out.srtp
        """What `PROTECT` takes for the direction that this end seals in."""
        self._ssrcs: set[bytes] = set()  # those that authentic packets came from
        self.refused = 0
        self.unsent = 0

    @classmethod
    def of_server(cls, keys: Keys) -> "Srtp":
        return cls(keys.profile, sends=keys.server, reads=keys.client)

    @classmethod
    def of_client(cls, keys: Keys) -> "Srtp":
        return cls(keys.profile, sends=keys.client, reads=keys.server)

    def open_rtp(self, packet: bytes) -> bytes | None:
        """The packet that was sent, or None: forged, damaged, seen before, too old, of too many sources."""
        return self._opened(_UNPROTECT, packet, packet[8:12])

    def open_rtcp(self, packet: bytes) -> bytes | None:
        """As `open_rtp`."""
        return self._opened(_UNPROTECT_RTCP, packet, packet[4:8])

    def _opened(self, work: Any, packet: bytes, ssrc: bytes) -> bytes | None:
        known = ssrc in self._ssrcs
        opened = self._in.run(work, packet, MAX_SEALED) if known or len(self._ssrcs) < MAX_SSRCS else None
        if opened is None:
            self.refused += 1
        elif not known:
            self._ssrcs.add(ssrc)
        return opened

    def seal_rtp(self, packet: bytes) -> bytes | None:
        """None where libsrtp refuses: it would be this index's second packet, or it is too long."""
        return self._sealed(PROTECT, packet)

    def seal_rtcp(self, packet: bytes) -> bytes | None:
        """As `seal_rtp`."""
        return self._sealed(PROTECT_RTCP, packet)

    def _sealed(self, work: Any, packet: bytes) -> bytes | None:
        sealed = self._out.run(work, packet, MAX_PACKET)
        if sealed is None:
            self.unsent += 1
        return sealed


def _policy(profile: Profile, key: bytes, of: int) -> Policy:
    policy = Policy(key=key, ssrc_type=of, srtp_profile=profile.number)
    policy.window_size = WINDOW
    policy.allow_repeat_tx = False
    return policy
