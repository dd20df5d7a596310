"""Coming into being: links, new accounts, and accounts that come back by their recovery code."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from client.engine.auth import server_info
from client.engine.draft import Draft, Opened, env_of
from client.engine.http import Http, origin_of
from client.engine.records import Account, KeptCode, Records, Recover, Register
from client.engine.world import World
from client.errors import CollegiumError, ServerError
from client.room.core import rejoin_room
from crypto.identity.bundle import Bundle, open_bundle, seal_bundle
from crypto.identity.identity import new_identity
from crypto.identity.recovery_code import new_recovery_code, parse_recovery_code
from crypto.identity.root_keys import RootKeys, account_id_of, root_keys
from crypto.identity.sign_in import new_sign_in_key, prove_recovery
from crypto.mls.bytes import Rng
from crypto.room.errors import LinkError
from crypto.room.invites import FounderLink, InviteLink, Link, parse_link
from crypto.room.text import is_name, is_title
from wire import http as bodies
from wire.bounds import ID_BYTES, from_base64url

MAX_LINK: Final = 1024
PASSPHRASE_MIN: Final = 12


def _line(text: str) -> str:
    return re.sub(r"\s+", " ", unicodedata.normalize("NFC", text).strip())


def checked_name(text: str) -> str:
    """A name as colleagues will see it. Raises CollegiumError."""
    name = _line(text)
    if not is_name(name):
        raise CollegiumError("name_invalid")
    return name


def checked_title(text: str) -> str:
    """A group's title. Raises CollegiumError."""
    title = _line(text)
    if not is_title(title):
        raise CollegiumError("title_invalid")
    return title


def checked_passphrase(text: str) -> str:
    """One that is chosen now: whatever is shorter protects nothing for long. Raises CollegiumError."""
    if len(unicodedata.normalize("NFKC", text)) < PASSPHRASE_MIN:
        raise CollegiumError("passphrase_short")
    return text


def link_origin(text: str) -> str:
    """The server of a link, which must be a whole address. Raises CollegiumError."""
    if len(text) > MAX_LINK or "#" not in text or "://" not in text:
        raise CollegiumError("link_incomplete")
    return origin_of(text)


def read_link(text: str, origin: str) -> Link:
    """A whole address that belongs to this server, or the text behind its `#`. Raises CollegiumError."""
    link = text.strip()
    if len(link) > MAX_LINK:
        raise CollegiumError("link_incomplete")
    if "://" in link:
        if origin_of(link) != origin:
            raise CollegiumError("link_other_server")
        link = link.partition("#")[2]
    try:
        return parse_link(link.removeprefix("#"))
    except LinkError as error:
        raise CollegiumError("link_incomplete") from error


@dataclass(frozen=True, slots=True)
class FounderInfo:
    """The link makes an account and leads into no room."""


@dataclass(frozen=True, slots=True)
class InviteInfo:
    """The link leads into a room."""

    room_id: bytes
    invite_id: bytes
    not_after: int


async def look_up(http: Http, link: Link) -> FounderInfo | InviteInfo:
    """What the server knows of a link; looking uses nothing up. Raises CollegiumError."""
    try:
        answer = await http.call("GET", f"/api/join/{link.token}", bodies.JoinInfo)
    except ServerError as error:
        if error.code == "not_found":
            raise CollegiumError("link_unknown") from error
        raise
    if answer.founder:
        return FounderInfo()
    # An invite without its fragment, or a founder's mark on an invite: part of the link is missing.
    if isinstance(link, FounderLink):
        raise CollegiumError("link_incomplete")
    if answer.room_id is None or answer.invite_id is None:
        raise ServerError("server_answer", 200)
    return InviteInfo(answer.room_id, answer.invite_id, answer.not_after)


@dataclass(frozen=True, slots=True)
class Code:
    """A recovery code (15 bytes) and what it makes. Nothing of it is stored but `KeptCode` (E6)."""

    code: bytes
    keys: RootKeys

    @property
    def account_id(self) -> bytes:
        return account_id_of(self.keys.root.public_key)


def new_code(rng: Rng) -> Code:
    code = new_recovery_code(rng)
    return Code(code, root_keys(code))


def typed_code(text: str) -> Code:
    """Raises RecoveryCodeError."""
    code = parse_recovery_code(text)
    return Code(code, root_keys(code))


async def new_account(world: World, http: Http, code: Code, link: Link, text: str, name: str) -> Records:
    """An account that nobody has heard of yet. Raises ServerError."""
    info = await server_info(http)
    identity = new_identity(code.keys, world.rng)
    account = Account(
        origin=http.origin,
        deployment_id=info.deployment_id,
        identity=identity,
        device_id=world.rng(ID_BYTES),
        sign_in=new_sign_in_key(world.rng),
        name=name,
        kept=KeptCode(code.code),
        pending=Register(
            token=from_base64url(link.token),
            recovery_key=code.keys.recovery.public_key,
            backup=seal_bundle(Bundle(identity, name, ()), world.rng),
        ),
        link=text if isinstance(link, InviteLink) else None,
    )
    return Records(account)


async def recovered(world: World, http: Http, code: Code) -> Opened:
    """E22: what the recovery code brings back: the account with a new device that is not registered yet, and
    a room for each pin, which asks to be let in again. Raises ServerError "recovery", and BundleError.
    """
    info = await server_info(http)
    asked = await http.call(
        "POST",
        "/api/recovery/challenge",
        bodies.Challenge,
        bodies.RecoveryChallengeFor(account_id=code.account_id),
    )
    signature = prove_recovery(
        code.keys.recovery,
        deployment_id=info.deployment_id,
        account_id=code.account_id,
        challenge=asked.challenge,
    )
    body = bodies.RecoveryOpen(account_id=code.account_id, challenge=asked.challenge, signature=signature)
    answer = await http.call("POST", "/api/recovery/open", bodies.RecoveryOpened, body)
    bundle = open_bundle(answer.backup, code.keys)
    account = Account(
        origin=http.origin,
        deployment_id=info.deployment_id,
        identity=bundle.identity,
        device_id=world.rng(ID_BYTES),
        sign_in=new_sign_in_key(world.rng),
        name=bundle.name,
        kept=None,
        pending=Recover(answer.grant),
        link=None,
    )
    records, now = Records(account), world.now()
    draft = Draft(Opened(records, {}), env_of(records, now, info.time - now, world.rng))
    for pin in {pin.room: pin for pin in reversed(bundle.pins)}.values():
        draft.add(rejoin_room(draft.env, pin))
    return Opened(draft.records, draft.rooms)
