"""What a client says it can do (RFC 9420 §7.2)."""

from dataclasses import dataclass

from crypto.mls.bytes import Rng
from crypto.mls.codec import Reader, Writer
from crypto.mls.credential import CredentialType
from crypto.mls.extension import (
    ExtensionType,
    RequiredCapabilities,
    is_default_extension,
    read_type_codes,
    write_type_codes,
)
from crypto.mls.grease import draw_grease
from crypto.mls.proposal_type import is_default_proposal

MLS_10 = 1
"""ProtocolVersion mls10."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    versions: tuple[int, ...]
    suites: tuple[int, ...]
    extensions: tuple[int, ...]
    proposals: tuple[int, ...]
    credentials: tuple[int, ...]


def write_capabilities(writer: Writer, capabilities: Capabilities) -> None:
    write_type_codes(writer, capabilities.versions)
    write_type_codes(writer, capabilities.suites)
    write_type_codes(writer, capabilities.extensions)
    write_type_codes(writer, capabilities.proposals)
    write_type_codes(writer, capabilities.credentials)


def read_capabilities(reader: Reader) -> Capabilities:
    return Capabilities(
        versions=read_type_codes(reader),
        suites=read_type_codes(reader),
        extensions=read_type_codes(reader),
        proposals=read_type_codes(reader),
        credentials=read_type_codes(reader),
    )


def own_capabilities(suite_id: int, listed: tuple[int, ...] = ()) -> Capabilities:
    """What this program can do in a group of the suite: the default types need no mention (RFC 9420 §7.2).
    `listed`: extension types that it names besides.
    """
    return Capabilities(
        versions=(MLS_10,),
        suites=(suite_id,),
        extensions=(ExtensionType.COLLEGIUM_ROOM, *listed),
        proposals=(),
        credentials=(CredentialType.BASIC,),
    )


def greased(capabilities: Capabilities, rng: Rng) -> Capabilities:
    """RFC 9420 §13.5: the same with a GREASE value in each list that allows it."""
    return Capabilities(
        versions=capabilities.versions,
        suites=(*capabilities.suites, draw_grease(rng)),
        extensions=(*capabilities.extensions, draw_grease(rng)),
        proposals=(*capabilities.proposals, draw_grease(rng)),
        credentials=(*capabilities.credentials, draw_grease(rng)),
    )


def supports_extension(capabilities: Capabilities, type_code: int) -> bool:
    return is_default_extension(type_code) or type_code in capabilities.extensions


def supports_proposal(capabilities: Capabilities, type_code: int) -> bool:
    return is_default_proposal(type_code) or type_code in capabilities.proposals


def supports_credential(capabilities: Capabilities, type_code: int) -> bool:
    """No credential type is a default (RFC 9420 §11.1)."""
    return type_code in capabilities.credentials


def meets(capabilities: Capabilities, required: RequiredCapabilities) -> bool:
    return (
        all(supports_extension(capabilities, one) for one in required.extensions)
        and all(supports_proposal(capabilities, one) for one in required.proposals)
        and all(supports_credential(capabilities, one) for one in required.credentials)
    )
