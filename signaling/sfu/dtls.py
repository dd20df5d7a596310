"""DTLS 1.2, the server's side, for the keys of SRTP (RFC 6347, RFC 5764): datagrams in, datagrams out.

OpenSSL speaks it, over memory. It keeps the retransmission timer by its own clock: `due` says when to call
`tick`. Nothing of the handshake is of use before the client's certificate is the one that its answer named.
"""

from enum import Enum

from OpenSSL import SSL

from signaling.sfu.certificate import Certificate, fingerprint_of
from signaling.sfu.srtp import PROFILES, Keys, split_keys

DTLS_1_2 = 0xFEFD
# Of a datagram's content. The smallest packet that IPv6 promises is 1280, of which IPv6 and UDP take 48.
MTU = 1200
HANDSHAKE_S = 30.0
MAX_DATAGRAM = 2048
MAX_RECORDS = 64  # of what arrives after the handshake in one datagram
RECORD_HEADER = 13
CIPHERS = (
    b"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:"
    b"ECDHE-RSA-AES128-GCM-SHA256"
)
EXPORTER = b"EXTRACTOR-dtls_srtp"  # RFC 5764 §4.2


class State(Enum):
    HANDSHAKE = "handshake"
    DONE = "done"
    OVER = "over"


def context_of(certificate: Certificate) -> SSL.Context:
    """What all sessions of the process share: no state of any of them."""
    context = SSL.Context(SSL.DTLS_SERVER_METHOD)
    context.set_min_proto_version(DTLS_1_2)
    context.set_max_proto_version(DTLS_1_2)
    # Without tickets and a cache every session has its own handshake, so each shows its own certificate.
    context.set_options(SSL.OP_NO_TICKET | SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_QUERY_MTU)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_cipher_list(CIPHERS)
    # Certificates of clients are self-signed. Which one it has to be is judged by its fingerprint.
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
    context.use_certificate(certificate.certificate)
    context.use_privatekey(certificate.key)
    context.set_tlsext_use_srtp(b":".join(profile.name for profile in PROFILES))
    return context


class Dtls:
    """One client's association. `fingerprint` is that of its answer: sha-256, in capitals with colons."""

    def __init__(self, context: SSL.Context, fingerprint: str, now: float) -> None:
        self._connection = SSL.Connection(context, None)
        self._connection.set_ciphertext_mtu(MTU)
        self._connection.set_accept_state()
        self._fingerprint = fingerprint
        self._until = now + HANDSHAKE_S
        self._out: list[bytes] = []
        self.state = State.HANDSHAKE
        self.keys: Keys | None = None
        self.fault: str | None = None
        """Why it is over: "dtls", "fingerprint" or "closed", as `control.Lost` has them."""

    def receive(self, datagram: bytes, now: float) -> None:
        """What came from a verified address. Whatever it is, this raises nothing."""
        if self.state is State.OVER or not 0 < len(datagram) <= MAX_DATAGRAM:
            return
        self._connection.bio_write(datagram)
        if self.state is State.HANDSHAKE:
            self._shake()
        # Also in DONE: when the last flight was lost, the client's Finished comes again and asks for it.
        if self.state is State.DONE:
            self._read()
        self._collect()

    def tick(self, now: float) -> None:
        """RFC 6347 §4.2.4: send the flight again that was not answered in time."""
        if self.state is not State.HANDSHAKE:
            return
        if now >= self._until:
            self._end("dtls")
            return
        try:
            self._connection.DTLSv1_handle_timeout()
        except SSL.Error:
            self._end("dtls")
        self._collect()

    def due(self, now: float) -> float | None:
        """When `tick` has something to do; None once the handshake is over."""
        if self.state is not State.HANDSHAKE:
            return None
        left = self._connection.DTLSv1_get_timeout()
        return self._until if left is None else min(self._until, now + left)

    def close(self) -> None:
        """Tell the client that this was all (RFC 5246 §7.2.1)."""
        if self.state is State.DONE:
            try:
                self._connection.shutdown()
            except SSL.Error:
                self.fault = "dtls"  # its end cannot be told of
        self._collect()
        self.state = State.OVER

    def take(self) -> list[bytes]:
        """The datagrams to send."""
        out, self._out = self._out, []
        return out

    def _shake(self) -> None:
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            return
        except SSL.Error:
            self._end("dtls")
            return
        certificate = self._connection.get_peer_certificate(as_cryptography=True)
        # RFC 8122 §6.2, RFC 5763 §5: before anything that the handshake made is used.
        if certificate is None or fingerprint_of(certificate) != self._fingerprint:
            self._end("fingerprint")
            return
        name = self._connection.get_selected_srtp_profile()
        profile = next((one for one in PROFILES if one.name == name), None)
        if profile is None:
            self._end("dtls")
            return
        material = self._connection.export_keying_material(EXPORTER, profile.material)
        self.keys = split_keys(profile, material)
        self.state = State.DONE

    def _read(self) -> None:
        for _ in range(MAX_RECORDS):
            try:
                self._connection.recv(MAX_DATAGRAM)  # there are no data channels: whatever it is
            except SSL.WantReadError:
                return
            except SSL.ZeroReturnError:
                self._end("closed")
                return
            except SSL.Error:
                self._end("dtls")
                return

    def _end(self, fault: str) -> None:
        self._collect()  # an alert that OpenSSL made of it
        self.state, self.fault, self.keys = State.OVER, fault, None

    def _collect(self) -> None:
        """OpenSSL writes its records in one string; they leave in datagrams that fit the path."""
        parts: list[bytes] = []
        while True:
            try:
                parts.append(self._connection.bio_read(65_536))
            except SSL.WantReadError:
                break
        if parts:
            self._out += datagrams(b"".join(parts))


def datagrams(records: bytes, limit: int = MTU) -> list[bytes]:
    """Whole records, as many as fit into each (RFC 6347 §4.1.1)."""
    out: list[bytes] = []
    begin = at = 0
    while at < len(records):
        end = at + RECORD_HEADER + int.from_bytes(records[at + 11 : at + 13], "big")
        if end - begin > limit and at > begin:
            out.append(records[begin:at])
            begin = at
        at = end
    out.append(records[begin:at])
    return out
