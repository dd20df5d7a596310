"""What the commands print: lines for people, or JSON for programs."""

import json
import re
import sys
from collections.abc import Mapping
from datetime import datetime

from client.conversation import Room, when
from client.room.sight import SightItem, SightPost
from client.words import happened_words
from wire.bounds import to_base64url

# Controls but line feed and tab, and marks that turn the reading direction: what somebody wrote could move
# the cursor, hide, or type for the reader.
_HOSTILE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def safe(text: str) -> str:
    return _HOSTILE.sub("\ufffd", text)


def show(text: str) -> None:
    sys.stdout.write(safe(text) + "\n")
    sys.stdout.flush()


def show_json(value: Mapping[str, object]) -> None:
    """One value, one line."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """Beside what was asked for: on the standard error, so that the output stays what it is."""
    sys.stderr.write(safe(text) + "\n")
    sys.stderr.flush()


def local(at: datetime) -> str:
    """In the reader's own zone."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M")


def item_line(item: SightItem) -> str:
    """One item of a conversation. Lines after the first are set in."""
    stamp = local(when(item.at))
    if not isinstance(item, SightPost):
        return f"{stamp}  ({happened_words(item.code, item.who, item.by, item.detail, item.about)})"
    text = "(deleted)" if item.deleted else item.text
    quoted = "" if item.reply_to is None else f" (to {item.reply_to.name}: {item.reply_to.text[:40]!r})"
    mark = " (edited)" if item.edited_at is not None and not item.deleted else ""
    reactions = "".join(f" {one.emoji}{len(one.who)}" for one in item.reactions)
    waiting = " (waits to be sent)" if item.n == 0 else ""
    indented = text.replace("\n", "\n" + " " * len(stamp) + "  ")
    return f"{stamp}  {item.author_name or '(unknown)'}{quoted}: {indented}{mark}{reactions}{waiting}"


def item_json(item: SightItem) -> dict[str, object]:
    common: dict[str, object] = {"id": to_base64url(item.id), "n": item.n, "at": when(item.at).isoformat()}
    if not isinstance(item, SightPost):
        what = {"code": item.code, "who": item.who, "by": item.by, "detail": item.detail}
        return {"kind": "system", **common, **what, **({"about": item.about} if item.about else {})}
    return {
        "kind": "post",
        **common,
        "author": {"account_id": to_base64url(item.author), "name": item.author_name},
        "mine": item.mine,
        "text": item.text,
        "deleted": item.deleted,
        "edited": item.edited_at is not None,
        "reply_to": None if item.reply_to is None else to_base64url(item.reply_to.id),
        "reactions": [{"emoji": one.emoji, "names": list(one.who)} for one in item.reactions],
        "delivery": item.delivery,
    }


def room_json(room: Room) -> dict[str, object]:
    return {
        "id": to_base64url(room.id),
        "title": room.title,
        "state": room.state,
        "unread": room.unread,
        "members": [
            {
                "account_id": to_base64url(one.account_id),
                "name": one.name,
                "devices": one.devices,
                "founder": one.founder,
                "online": one.online,
            }
            for one in room.members
        ],
    }


def room_line(room: Room) -> str:
    names = ", ".join(one.name or "(unknown)" for one in room.members)
    state = {"ready": names, "paused": f"sending is paused; {names}"}.get(room.state, room.state)
    unread = f", {room.unread} unread" if room.unread else ""
    return f"{to_base64url(room.id)[:6]}  {room.title or '(no name yet)'}: {state}{unread}"
