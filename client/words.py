"""What people are told, in plain words: what happened, and what they can do. Keys are stable codes."""

PROBLEMS = {
    # The server.
    "offline": "The server can't be reached. Check the connection and the address; nothing was changed.",
    "server_answer": "What answers at this address is not a Collegium server that this version understands. "
    "Check the address, or update the client.",
    "malformed": "The server did not understand this request. Update the client.",
    "too_many": "That was too often in a short time. Wait a minute, then try again.",
    "too_many_links": "Too many invitations are open. Withdraw one that is not needed, then try again.",
    "too_many_devices": "This account has as many devices as are allowed. Remove one first.",
    "too_many_rooms": "This account is in as many groups as it can hold. Leave one first.",
    "too_large": "This is larger than can be sent at once. Shorten it or send it in parts.",
    "storage": "The server can't store anything at the moment. Nothing was changed; try again in a minute.",
    "not_found": "This does not exist any more, or is not open to you.",
    "origin": "This address is not the one the server expects. Use its usual address.",
    "signed_out": "The server does not know this device any more. It may have been removed from the account; "
    "a new device needs the recovery code.",
    "confirm": "This changes the account and needs its passkey. Do it in a browser.",
    # Links and accounts.
    "link_unknown": "This invitation was used already, was withdrawn, or its 72 hours are over. "
    "Ask for a new link.",
    "insecure": "This address is not protected by TLS (https://), so nothing is sent there.",
    "address": "This is not the address of a server: it is like https://group.example.org",
    "address_missing": "Say which server to look at: collegium doctor https://group.example.org",
    "link_incomplete": "A part of this link is missing. Copy the whole link, in quotes, and try again.",
    "link_other_server": "This link belongs to another server than the account in this store. "
    "Use another store for it (--store).",
    "link_used": "This invitation was used already. Ask for a new link.",
    "link_member": "This account is in this group already.",
    "link_founder": "This link founds a group and leads into none. Say what the group is called (--start).",
    "link_invite": "This link leads into a group that exists already: leave out --start.",
    "server_missing": "There is no store here. Say which server the account is on: "
    "collegium recover https://group.example.org",
    "account_exists": "There is an account in this store already.",
    "no_account": "There is no account in this store yet. Join with an invitation link first.",
    "name_missing": "Say what colleagues will see as the name of this member (--name).",
    "name_invalid": "This name can't be used: one line, at most 80 characters.",
    "title_invalid": "This name of a group can't be used: one line, at most 80 characters.",
    # The recovery code.
    "recovery_code_length": "A recovery code has 28 letters and digits, in seven groups of four. "
    "Something is missing or too much.",
    "recovery_code_letters": "There is a character in it that recovery codes do not have. "
    "Look for a misread letter.",
    "recovery_code_checksum": "One of the characters is not right. Compare the code with your copy, "
    "group by group.",
    "recovery_code_unknown": "The code is well written, but no account on this server belongs to it. "
    "Look whether this is the right server.",
    "recovery_code_other": "This code belongs to another account than the one in this store.",
    "bundle": "What the server keeps for recovery is damaged or from a newer version. Try again; if it "
    "stays, tell whoever looks after this server.",
    # The store.
    "passphrase_missing": "This store opens with a passphrase: set COLLEGIUM_PASSPHRASE, or name a file "
    "that holds it (--key-file).",
    "passphrase_typed": "The two passphrases differ. Try again.",
    "passphrase_short": "This passphrase is too short. Use at least 12 characters.",
    "key_file": "The key file can't be used: it must exist, be readable by its owner alone (chmod 600), "
    "and hold one passphrase.",
    "wrong_opener": "The passphrase does not open this store.",
    "not_open": "The store was closed meanwhile. Open it and try again.",
    "storage_busy": "Another program has this store open, perhaps another collegium command. End it, or "
    "give each its own store and invitation: two at once would use one key twice.",
    "storage_denied": "This store can't be read or written. Check its path and its permissions.",
    "storage_full": "This disk is full. Free some space, then try again; nothing was lost.",
    "storage_damaged": "What is stored here was damaged, or is not a store of Collegium's. Nothing false is "
    "shown; come back with the recovery code in a new store.",
    "storage_newer": "This store was written by a newer version of Collegium. Update the client.",
    "storage_conflict": "This store was changed by something else while it was open. Start again; if it "
    "stays, it was copied: come back with the recovery code in a new store.",
    # Rooms.
    "not_allowed": "The group's rules do not allow this to you.",
    "room_unknown": "There is no such group here. `collegium rooms` lists those that there are.",
    "room_ambiguous": "Several groups fit. Say more of its name, or its id.",
    "room_not_ready": "The group is not ready for this yet. Try again in a moment.",
    "room_paused": "Sending is paused in this group: somebody's device has seen other messages than this "
    "one. Compare the last messages by telephone; `resume` goes on.",
    "room_closed": "This member is not in this group any more.",
    "room_full": "This group has as many devices as it can hold.",
    "invite_gone": "This invitation was used or withdrawn already.",
    "invite_expired": "Nobody's device answered this invitation within its 72 hours. Ask for a new link.",
    "welcome_refused": "A device let this member in in a way that does not fit the invitation, so this one "
    "refused. Ask a colleague by telephone, and for a new link.",
    # Calls.
    "call_file": "This file has neither picture nor sound that can be read. Name another one (--file).",
    "call_over": "This call is over. Join again.",
    "call_full": "The call has as many people as it can hold. Try again when somebody has left.",
    "call_lost": "The connection to the call is lost. Join again.",
    "call_replaced": "Another device of this member is in the call now, so this one was let out of it.",
    "call_refused": "The server and this client do not agree on how to send sound and pictures. Update the "
    "client; if it stays, report it.",
    "media_unavailable": "The server offers no calls at the moment: its media unit is off, or does not run. "
    "Whoever looks after the server finds the settings under COLLEGIUM_MEDIA_WORKERS.",
    "no_route": "This machine has no way to the address that the server gives for calls. Whoever looks after "
    "the server sets COLLEGIUM_MEDIA_ADDRESS to one that others reach.",
    "no_udp": "The server's address for calls does not answer: UDP does not come through. A firewall on the "
    "way, or at the server, must let its media port pass.",
    "no_dtls": "The server's media unit answers, but no encrypted connection with it comes about. Something "
    "on the way lets small packets pass alone; try another network.",
    "certificate": "What answers at the server's address for calls is not its media unit: the certificate is "
    "another one. Nothing was sent there. Tell whoever looks after the server.",
    "text_empty": "There is nothing to send.",
    "out_of_bounds": "This can't be said to the group: a part of it is missing, too long, or does not exist.",
    "no_ring": "Nobody is calling this group at the moment.",
    "ring_late": "The call could not be sent in time, so nobody was called. Call again if you still need it.",
    "text_too_long": "This text is too long to send at once. Please send it in parts.",
    "target_gone": "The message is not there any more.",
    "waiting": "No member's device has answered yet. The invitation stays open: the same command goes on.",
    "queued": "The server did not take it in time. It is kept in the store and goes with the next command.",
    "unexpected": "Something unexpected happened. Try again; if it stays, report it.",
}

# What a person must know without having asked. {who}: a name, or "a member".
ALARMS = {
    "fork": "{who}'s device and this one have not seen the same messages. Sending is paused: compare the "
    "last messages by telephone.",
    "identity_changed": "{who}'s keys were renewed, as happens with a recovery. If you did not expect it, "
    "ask by telephone.",
    "root_changed": "{who} has made a new recovery code, and with it new keys. If you did not expect it, "
    "ask by telephone.",
    "identity_blocked": "Two different sets of keys claim to be {who}. One of them is false: speak to each "
    "other before you write anything confidential.",
    "bad_commit": "{who}'s device sent a change that breaks the group's rules. All devices ignored it.",
    "routing": "{who}'s device told the server another list of devices than the group has. Messages may not "
    "reach everyone.",
    "snapshot_disputed": "{who}'s device describes this group differently than the one that let this member "
    "in. Ask a second member which names and title are right.",
    "unreadable": "Several messages in a row could not be read on this device.",
    "log_broken": "The server gives this group's messages in an order that does not fit together.",
    "stuck": "A change made by {who}'s device could not be completed here. This device asks to come back by "
    "itself.",
    "copy": "This store is an old copy: the group has seen newer messages from it. Its keys were thrown "
    "away, and it asks to come back. If you restored no backup, somebody may have copied it.",
    "device_removed": "This device was removed from its account.",
    "backup_failed": "The list of groups could not be stored for recovery. It is tried again.",
    "welcome": "A device let this one in in a way that does not fit what was asked for, so it was refused.",
    "room_failed": "A group could not be brought up to date on this device. Start again; if it stays, "
    "report it.",
    "replaced": "This store is in use in two places, perhaps as a copy. Close it in the other place.",
    "invite_lost": "The invitation that this account was made by is over. Ask for a new link.",
}

# How it is with somebody who is called. {at}: when they come.
ASKED = {
    "away": "not reached yet",
    "reached": "reached",
    "seen": "has seen it",
    "joining": "is coming now",
    "later": "comes at {at}",
    "cannot": "can’t",
}

# Lines of a conversation that are no posts.
HAPPENED = {
    "created": "{by} started this group",
    "joined": "{who} joined, invited by {by}",
    "left": "{who} left the group",
    "removed": "{who} was removed by {by}",
    "renamed": "{by} renamed the group to “{detail}”",
    "policy": "{by} changed how the group decides",
    "rejoined": "{who} is back in the group with renewed keys",
    "unreadable": "A message can't be read on this device ({detail})",
    "bad_commit": "{who}'s device sent a change that breaks the group's rules; every device ignored it",
    "newer_version": "{who} wrote this with a newer version of Collegium",
    "rang": "{by} called the group: {detail}",
    "rang_off": "{by} took the call back: {detail}",
    "rang_written": "{by} went on in writing, since a call did not come about: {detail}",
    "call": "A call: {detail} minutes, {who}",
    "call_rung": "A call, since {by} called the group ({about}): {detail} minutes, {who}",
    "call_meeting": "The meeting “{about}”: {detail} minutes, {who}",
    "meeting": "{by} planned “{detail}”",
    "meeting_changed": "{by} planned “{detail}” anew",
    "meeting_moved": "{by} moved a meeting: {detail}",
    "meeting_cancelled": "{by} called off a meeting: {detail}",
    "meeting_ended": "{by} called off all meetings of “{detail}”",
}


def words_for(code: str) -> str:
    """Of a code that has no words: the code itself, so that it can be reported."""
    return PROBLEMS.get(code, f"{PROBLEMS['unexpected']} ({code})")


def alarm_words(code: str, who: str | None) -> str:
    return ALARMS.get(code, f"Something happened that this version has no words for ({code}).").format(
        who=who or "A member"
    )


def happened_words(code: str, who: str, by: str, detail: str, about: str = "") -> str:
    text = HAPPENED.get(code, f"Something happened that this version has no words for ({code})")
    return text.format(who=who or "Somebody", by=by or "somebody", detail=detail, about=about)
