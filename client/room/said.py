"""What a post, an edit, a deletion or a reaction says about the timeline."""

from crypto.room import bodies, timeline
from crypto.room.bodies import EventBody
from crypto.room.timeline import Said


def said_by(id_: bytes, event: EventBody) -> Said | None:
    """None for other events."""
    match event:
        case bodies.Post(text, reply_to):
            return timeline.SaidPost(id_, text, reply_to)
        case bodies.Edit(target, text):
            return timeline.SaidEdit(target, text)
        case bodies.Delete(target):
            return timeline.SaidDelete(target)
        case bodies.React(target, emoji, on):
            return timeline.SaidReact(target, emoji, on)
        case _:
            return None
