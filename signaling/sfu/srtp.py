"""SRTP (RFC 3711, RFC 7714) of one session: both directions, by libsrtp. What fails is a value, not an error.

Each key is of one DTLS handshake, one direction and one session: libsrtp counts packets under it and refuses
to send an index twice, so no nonce of GCM comes again.
"""

from dataclasses import dataclass, field

import pylibsrtp
from pylibsrtp import Policy

MAX_PACKET = 1300  # with its tag it fits 1500 bytes of Ethernet, and libsrtp's buffer
MAX_SSRCS = 64  # that one client may send on: each has its state in libsrtp
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


class Srtp:
    """The end that sends under `sends` and reads what was sent under `reads`."""

    def __init__(self, profile: Profile, *, sends: bytes, reads: bytes) -> None:
        self._out = pylibsrtp.Session(_policy(profile, sends, Policy.SSRC_ANY_OUTBOUND))
        self._in = pylibsrtp.Session(_policy(profile, reads, Policy.SSRC_ANY_INBOUND))
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
        ssrc = packet[8:12]
        known = ssrc in self._ssrcs
        if not known and len(self._ssrcs) >= MAX_SSRCS:
            self.refused += 1
            return None
        try:
            opened: bytes = self._in.unprotect(packet)
        except (pylibsrtp.Error, ValueError):
            self.refused += 1
            return None
        if not known:
            self._ssrcs.add(ssrc)
        return opened

    def open_rtcp(self, packet: bytes) -> bytes | None:
        """As `open_rtp`."""
        ssrc = packet[4:8]
        known = ssrc in self._ssrcs
        if not known and len(self._ssrcs) >= MAX_SSRCS:
            self.refused += 1
            return None
        try:
            opened: bytes = self._in.unprotect_rtcp(packet)
        except (pylibsrtp.Error, ValueError):
            self.refused += 1
            return None
        if not known:
            self._ssrcs.add(ssrc)
        return opened

    def seal_rtp(self, packet: bytes) -> bytes | None:
        """None where libsrtp refuses: it would be this index's second packet, or it is too long."""
        if len(packet) > MAX_PACKET:
            self.unsent += 1
            return None
        try:
            return bytes(self._out.protect(packet))
        except pylibsrtp.Error:
            self.unsent += 1
            return None

    def seal_rtcp(self, packet: bytes) -> bytes | None:
        """As `seal_rtp`."""
        if len(packet) > MAX_PACKET:
            self.unsent += 1
            return None
        try:
            return bytes(self._out.protect_rtcp(packet))
        except pylibsrtp.Error:
            self.unsent += 1
            return None


def _policy(profile: Profile, key: bytes, of: int) -> Policy:
    policy = Policy(key=key, ssrc_type=of, srtp_profile=profile.number)
    policy.window_size = WINDOW
    policy.allow_repeat_tx = False
    return policy
