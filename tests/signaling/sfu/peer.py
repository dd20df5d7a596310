"""A client without a browser, over memory: ICE, DTLS by OpenSSL, SRTP, and answers made from the offer."""

import datetime
import itertools

from OpenSSL import SSL

from signaling.sfu import stun
from signaling.sfu.certificate import Certificate, new_certificate
from signaling.sfu.dtls import DTLS_1_2, EXPORTER, datagrams
from signaling.sfu.ice import Credentials
from signaling.sfu.srtp import PROFILES, Keys, Srtp, split_keys

NOW = datetime.datetime(2026, 11, 30, tzinfo=datetime.UTC)
THEIRS = new_certificate(NOW)
MTU = 300  # its Certificate goes in fragments
_transactions = itertools.count()


class Peer:
    """The client's end of DTLS."""

    def __init__(self, certificate: Certificate = THEIRS, profiles: bytes = b"") -> None:
        context = SSL.Context(SSL.DTLS_CLIENT_METHOD)
        context.set_max_proto_version(DTLS_1_2)
        context.set_options(SSL.OP_NO_QUERY_MTU)
        context.use_certificate(certificate.certificate)
        context.use_privatekey(certificate.key)
        context.set_tlsext_use_srtp(profiles or b":".join(one.name for one in PROFILES))
        self.connection = SSL.Connection(context, None)
        self.connection.set_ciphertext_mtu(MTU)
        self.connection.set_connect_state()
        self.done = False
        self.shake()

    def shake(self) -> None:
        try:
            self.connection.do_handshake()
            self.done = True
        except SSL.WantReadError:
            pass

    def receive(self, datagram: bytes) -> None:
        self.connection.bio_write(datagram)
        self.shake()

    def take(self) -> list[bytes]:
        try:
            return datagrams(self.connection.bio_read(65_536), MTU)
        except SSL.WantReadError:
            return []

    def keys(self) -> Keys:
        name = self.connection.get_selected_srtp_profile()
        profile = next(one for one in PROFILES if one.name == name)
        return split_keys(profile, self.connection.export_keying_material(EXPORTER, profile.material))

    def srtp(self) -> Srtp:
        return Srtp.of_client(self.keys())


def check(
    credentials: Credentials,
    ufrag: str = "theirs",
    *,
    nominate: bool = False,
    controlling: bool = True,
    password: str = "",
) -> bytes:
    """A check of a full agent, with the password that the offer told it."""
    return stun.request(
        next(_transactions).to_bytes(12, "big"),
        f"{credentials.ufrag}:{ufrag}".encode(),
        (password or credentials.password).encode(),
        priority=1,
        tie_breaker=5,
        controlling=controlling,
        use_candidate=nominate,
    )


def credentials_of(offer: str) -> Credentials:
    lines = dict(line.partition(":")[::2] for line in offer.split("\r\n") if ":" in line)
    return Credentials(lines["a=ice-ufrag"], lines["a=ice-pwd"])


def answer_to(
    offer: str, sends: tuple[str, ...] = (), fingerprint: str = THEIRS.fingerprint, ufrag: str = "theirs"
) -> str:
    """What a browser makes of an offer: sends on these mids, receives all that there is."""
    head, *sections = offer.split("\r\nm=")
    lines = [line for line in head.split("\r\n") if line != "a=ice-lite"]
    for mid, section in enumerate(sections):
        for line in f"m={section}".rstrip("\r\n").split("\r\n"):
            name, _, value = line.partition(":")
            match name:
                case "a=recvonly":
                    lines.append("a=sendonly" if str(mid) in sends else "a=inactive")
                case "a=sendonly":
                    lines.append("a=recvonly")
                case "a=setup":
                    lines.append("a=setup:active")
                case "a=ice-ufrag":
                    lines.append(f"a=ice-ufrag:{ufrag}")
                case "a=ice-pwd":
                    lines.append(f"a=ice-pwd:{'w' * 24}")
                case "a=fingerprint":
                    lines.append(f"a=fingerprint:sha-256 {fingerprint}")
                case "a=rid":
                    lines.append(line.replace("recv", "send"))
                case "a=simulcast":
                    lines.append(f"a=simulcast:{value.replace('recv', 'send')}")
                case "a=candidate" | "a=end-of-candidates" | "a=ssrc" | "a=ssrc-group" | "a=msid":
                    pass
                case _:
                    lines.append(line)
    return "\r\n".join(lines) + "\r\n"


def rtp(sequence: int, ssrc: int = 7, payload: bytes = b"sealed frame") -> bytes:
    return bytes([0x80, 96]) + sequence.to_bytes(2, "big") + bytes(4) + ssrc.to_bytes(4, "big") + payload


def rtcp(ssrc: int = 7) -> bytes:
    """An empty receiver report."""
    return bytes.fromhex("80c90001") + ssrc.to_bytes(4, "big")
