"""Accounts, sign-in, recovery, devices, links: what is taken, and what is refused with which code."""

import secrets
from typing import Any

import pytest

from tests.house_server import HouseServer, run
from tests.opaque.identity import Identity, public, sign
from tests.opaque.session import ServerError, Session
from wire import frames, http
from wire.bounds import from_base64url, to_base64url


async def refused(awaitable: Any) -> tuple[int, str]:
    with pytest.raises(ServerError) as caught:
        await awaitable
    return caught.value.status, caught.value.code


def test_the_founder_link_is_printed_once(house: HouseServer) -> None:
    printed = house.lines(3)
    assert printed[0] == f"Collegium is at http://localhost:{house.port}\n"
    assert printed[2].startswith(f"http://localhost:{house.port}/join#f.")


def test_a_founder_registers_signs_in_and_out(house: HouseServer) -> None:
    async def work() -> None:
        me = Session(house.base)
        token = house.token()
        look = await me.http.call("GET", "/api/join/" + to_base64url(token))
        assert look["founder"] is True
        await me.register(token)
        await me.sign_in()
        devices = await me.http.call("GET", "/api/devices")
        assert [d["current"] for d in devices["devices"]] == [True]
        await me.http.post("/api/sign-out")
        assert await refused(me.http.call("GET", "/api/devices")) == (401, "signed_out")
        assert await refused(me.http.call("GET", "/api/join/" + to_base64url(token))) == (404, "not_found")

    run(work())


def test_a_lost_answer_can_be_asked_for_again(house: HouseServer) -> None:
    async def work() -> None:
        me, token = Session(house.base), house.token()
        await me.register(token)
        await me.register(token)
        assert me.http.session is not None
        other = Session(house.base)
        assert await refused(other.register(token)) == (404, "not_found")

    run(work())


def test_wrong_expired_and_truncated_tokens_look_alike(house: HouseServer) -> None:
    async def work() -> None:
        me = Session(house.base)
        assert await refused(me.register(secrets.token_bytes(32))) == (404, "not_found")
        token = to_base64url(secrets.token_bytes(32))
        for text in (token, token[:-1], token + "A", "x", "%2e%2e"):
            assert await refused(me.http.call("GET", "/api/join/" + text)) == (404, "not_found")

    run(work())


def test_an_account_proves_itself(house: HouseServer) -> None:
    async def work() -> None:
        me, token = Session(house.base), house.token()
        body = await me.new_account(token)
        for change, code in (
            ({"account_id": b"x" * 16}, "account_id"),
            ({"backup": b"another"}, "proof"),
            ({"device_id": b"x" * 16}, "proof"),
            ({"recovery_key": public(Identity().root)}, "proof"),
            ({"recovery_key": b"\x01" + bytes(31)}, "proof"),
            ({"proof": bytes(64)}, "proof"),
        ):
            changed = body.model_copy(update=change)
            assert await refused(me.http.post("/api/accounts", changed)) == (403, code)
        await me.http.post("/api/accounts", body)

    run(work())


def test_sign_in_is_bound_to_device_challenge_and_server(house: HouseServer) -> None:
    async def work() -> None:
        me, other = Session(house.base), Session(house.base)
        await me.register(house.token())
        await other.register(house.token())
        deployment = await me.server()

        async def challenge(device: bytes) -> bytes:
            asked = await me.http.post("/api/sign-in/challenge", http.SignInChallengeFor(device_id=device))
            return from_base64url(asked["challenge"])

        async def answer(device: bytes, asked: bytes, signed: bytes, label: str = http.SIGN_IN_LABEL) -> Any:
            signature = sign(me.identity.sign_in, label, signed)
            body = http.SignIn(device_id=device, challenge=asked, signature=signature)
            return await me.http.post("/api/sign-in", body)

        asked = await challenge(me.device)
        await answer(me.device, asked, deployment + me.device + asked)
        # Once only, for this device only, with its own label, on this server.
        assert await refused(answer(me.device, asked, deployment + me.device + asked)) == (403, "sign_in")
        asked = await challenge(other.device)
        assert await refused(answer(other.device, asked, deployment + other.device + asked)) == (
            403,
            "sign_in",
        )
        asked = await challenge(other.device)
        assert await refused(answer(me.device, asked, deployment + me.device + asked)) == (403, "sign_in")
        asked = await challenge(me.device)
        signed = deployment + me.device + asked
        assert await refused(answer(me.device, asked, signed, http.RECOVERY_LABEL)) == (403, "sign_in")
        asked = await challenge(me.device)
        assert await refused(answer(me.device, asked, bytes(16) + me.device + asked)) == (403, "sign_in")
        # A device that does not exist gets a challenge like any other (THREATS 40).
        nobody = secrets.token_bytes(16)
        asked = await challenge(nobody)
        assert await refused(answer(nobody, asked, deployment + nobody + asked)) == (403, "sign_in")

    run(work())


def test_recovery_registers_one_new_device(house: HouseServer) -> None:
    async def work() -> None:
        me = Session(house.base)
        await me.register(house.token(), backup=b"first")
        await me.http.call("PUT", "/api/backup", http.Backup(backup=b"second"))
        new = Session(house.base, me.identity.other_device())
        assert await new.recover() == b"second"
        assert len((await new.http.call("GET", "/api/devices"))["devices"]) == 2
        thief = Session(house.base, Identity(root=me.identity.root))
        assert await refused(thief.recover()) == (403, "recovery")
        nobody = Session(house.base)
        assert await refused(nobody.recover()) == (403, "recovery")

    run(work())


def test_a_removed_device_is_out_at_once(house: HouseServer) -> None:
    async def work() -> None:
        me = Session(house.base)
        await me.register(house.token())
        lost = Session(house.base, me.identity.other_device())
        await lost.recover()
        await lost.connect()
        await me.http.call("DELETE", "/api/devices/" + to_base64url(lost.device))
        await lost.wait(frames.Bye, lambda f: f.code == "signed_out")
        await lost.until(lambda: lost.closed_by_server)
        assert await refused(lost.ticket()) == (401, "signed_out")
        assert await refused(lost.sign_in()) == (403, "sign_in")
        stranger = Session(house.base)
        await stranger.register(house.token())
        path = "/api/devices/" + to_base64url(me.device)
        assert await refused(stranger.http.call("DELETE", path)) == (404, "not_found")

    run(work())


def test_an_invite_link_registers_and_asks_once(house: HouseServer) -> None:
    async def work() -> None:
        founder = Session(house.base)
        await founder.register(house.token())
        room = await founder.create_room()
        await founder.connect()
        invite = secrets.token_bytes(16)
        token = await founder.mint(room, invite)
        guest = Session(house.base)
        look = await guest.http.call("GET", "/api/join/" + to_base64url(token))
        assert (look["founder"], look["room_id"], look["invite_id"]) == (
            False,
            to_base64url(room),
            to_base64url(invite),
        )
        ask = http.JoinRequest(token=token, sealed=b"sealed request")
        assert await refused(guest.http.post("/api/join-requests", ask)) == (401, "signed_out")
        await guest.register(token)
        first = await guest.http.post("/api/join-requests", ask)
        assert await guest.http.post("/api/join-requests", ask) == first
        seen = await founder.wait(frames.Request)
        assert (seen.kind, seen.sealed) == ("join", b"sealed request")
        assert to_base64url(seen.request_id) == first["request_id"]
        other = http.JoinRequest(token=token, sealed=b"another")
        assert await refused(guest.http.post("/api/join-requests", other)) == (409, "link_used")
        thief = Session(house.base)
        await thief.register(house.token())
        assert await refused(thief.http.post("/api/join-requests", ask)) == (404, "not_found")
        assert await refused(guest.http.call("GET", "/api/join/" + to_base64url(token))) == (404, "not_found")

    run(work())


def test_a_member_of_one_group_joins_another_by_link(house: HouseServer) -> None:
    async def work() -> None:
        founder, member = Session(house.base), Session(house.base)
        await founder.register(house.token())
        await member.register(house.token())
        room = await founder.create_room()
        token = await founder.mint(room)
        await member.http.post("/api/join-requests", http.JoinRequest(token=token, sealed=b"s"))
        # The link is used up, for registration as well.
        late = Session(house.base)
        assert await refused(late.register(token)) == (404, "not_found")

    run(work())


def test_a_withdrawn_invite_is_dead(house: HouseServer) -> None:
    async def work() -> None:
        founder, guest = Session(house.base), Session(house.base)
        await founder.register(house.token())
        room = await founder.create_room()
        await founder.connect()
        invite = secrets.token_bytes(16)
        token = await founder.mint(room, invite)
        await guest.register(token)
        await guest.http.post("/api/join-requests", http.JoinRequest(token=token, sealed=b"s"))
        path = "/api/registration-tokens/" + to_base64url(invite)
        assert await refused(guest.http.call("DELETE", path)) == (404, "not_found")
        request = await founder.wait(frames.Request)
        await founder.http.call("DELETE", path)
        await founder.wait(frames.RequestGone, lambda f: f.request_id == request.request_id)
        assert await refused(guest.http.call("GET", "/api/join/" + to_base64url(token))) == (404, "not_found")

    run(work())


def test_others_rooms_do_not_exist(house: HouseServer) -> None:
    """THREATS 39: the same 404 for absent and forbidden."""

    async def work() -> None:
        owner, stranger = Session(house.base), Session(house.base)
        await owner.register(house.token())
        await stranger.register(house.token())
        room = await owner.create_room()
        for there in (room, secrets.token_bytes(16)):
            assert await refused(stranger.mint(there)) == (404, "not_found")
            ask = http.RejoinRequest(room_id=there, sealed=b"s")
            assert await refused(stranger.http.post("/api/rejoin-requests", ask)) == (404, "not_found")
        assert await refused(stranger.create_room(room)) == (409, "room_exists")
        assert await owner.create_room(room) == room  # its own, again: the answer was lost

    run(work())


def test_e27_invites_have_a_quota(house: HouseServer) -> None:
    async def work() -> None:
        me = Session(house.base)
        await me.register(house.token())
        room = await me.create_room()
        for _ in range(20):
            await me.mint(room)
        assert await refused(me.mint(room)) == (403, "too_many_invites")

    run(work())


def test_a_ticket_opens_one_socket(house: HouseServer) -> None:
    async def work() -> None:
        me = Session(house.base)
        await me.register(house.token())
        await me.connect()
        replaced = me.received
        other = Session(house.base, me.identity)
        await other.connect()
        await me.until(lambda: me.closed_by_server)
        assert frames.Bye(code="replaced") in replaced
        await other.close()

    run(work())


def test_passkey_ceremonies_begin_and_refuse_nonsense(house: HouseServer) -> None:
    async def work() -> None:
        me = Session(house.base)
        await me.register(house.token())
        made = (await me.http.post("/api/passkeys/options"))["options"]
        assert made["rp"]["id"] == "localhost"
        assert made["user"]["name"] == made["rp"]["name"] == "Collegium"
        assert (await me.http.post("/api/passkeys/assert-options"))["options"]["allowCredentials"] == []
        for path in ("register", "assert"):
            for nonsense in ({}, {"response": {"clientDataJSON": "AAAA"}}, {"response": 3}):
                body = http.PasskeyAnswer(credential=nonsense)
                assert await refused(me.http.post(f"/api/passkeys/{path}", body)) == (403, "passkey")

    run(work())
