"""Calls on our unit: its real process on a core of its own, and the bench in the server's place."""

import itertools
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass

import psutil  # type: ignore[import-untyped]

from bench.media.load import Load, Sends
from bench.media.path import connect, new_socket
from signaling.sfu.control import Answer, Close, Connected, Lost, Offer, Open, Refused, Report
from signaling.sfu.extensions import TRANSPORT_WIDE_CC
from signaling.sfu.ice import Credentials
from tests.signaling.sfu.driver import Driver
from tests.signaling.sfu.peer import answer_to, credentials_of

HOST = "127.0.0.1"
OWN = ("0", "1")  # the mids of voice and camera
STREAMS = len(OWN)
POLL_S = 0.05


def pin(process: int, cores: set[int]) -> None:
    """Every thread that the process has by now."""
    for thread in os.listdir(f"/proc/{process}/task"):
        os.sched_setaffinity(int(thread), cores)


def answer(offer: Offer) -> str:
    """As a client that sends one layer of its camera, and so names none."""
    lines = answer_to(offer.sdp, OWN).split("\r\n")
    return "\r\n".join(line for line in lines if not line.startswith(("a=rid:", "a=simulcast:")))


@dataclass(slots=True)
class Participant:
    room: bytes
    session: bytes
    connection: socket.socket
    place: int = -1
    gets: int = 0  # streams that it was offered, and took
    connected: bool = False
    credentials: Credentials | None = None


class OurUnit:
    """Rooms of so many; `close` ends the process."""

    name = "our unit"

    def __init__(self, load: Load, rooms: int, size: int, cores: set[int]) -> None:
        self._load, self._size = load, size
        self._driver = Driver("--host", HOST, "--address", HOST)
        self.process = psutil.Process(self._driver.process.pid)
        pin(self.process.pid, cores)
        self._ssrcs = itertools.count(1000)
        self.people: dict[bytes, Participant] = {}
        self.lost = 0
        try:
            for room in range(rooms):
                for _ in range(size):
                    self.join(b"room" + room.to_bytes(12, "big"))
            self.settle()
        except BaseException:
            self.close()
            raise

    def join(self, room: bytes) -> Participant:
        """One more, connected and sending once the load runs. The others are told once it has keys."""
        one = Participant(room, os.urandom(16), new_socket())
        self.people[one.session] = one
        self._driver.send(Open(session=one.session, room=room, device=one.session, account=one.session))
        self._until(lambda: one.credentials is not None)
        assert one.credentials is not None
        path = connect(one.connection, one.credentials, (HOST, self._driver.hello.port))
        audio = next(self._ssrcs) * 10
        one.place = self._load.add(
            one.connection,
            path.keys,
            audio,
            path.check,
            wide_id=TRANSPORT_WIDE_CC,
            sends=Sends(audio, audio + 1, *OWN, receivers=self._size - 1),
        )
        self._until(lambda: one.connected)
        return one

    def leave(self, one: Participant) -> None:
        self._driver.send(Close(session=one.session, code="left"))
        self._load.remove(one.place)
        one.connection.close()
        del self.people[one.session]

    def settle(self) -> None:
        """Until everybody was offered what all the others of the room send."""
        rooms: dict[bytes, int] = {}
        for one in self.people.values():
            rooms[one.room] = rooms.get(one.room, 0) + 1
        self._until(lambda: all(one.gets == STREAMS * (rooms[one.room] - 1) for one in self.people.values()))

    def _until(self, met: Callable[[], bool]) -> None:
        def taken() -> bool:
            self._take()
            return met()

        self._driver.until(taken)

    def tend(self, seconds: float) -> None:
        """Do as the server does with what the unit says, for so long at most."""
        self._driver.read(min(seconds, POLL_S))
        self._take()

    def _take(self) -> None:
        received, self._driver.received = self._driver.received, []
        for message in received:
            one = self.people.get(getattr(message, "session", b""))
            match message:
                case Offer() if one is not None:
                    one.credentials = credentials_of(message.sdp)
                    one.gets = len(message.streams)
                    self._driver.send(Answer(session=one.session, seq=message.seq, sdp=answer(message)))
                case Connected() if one is not None:
                    one.connected = True
                case Lost() if one is not None:  # its checks did not reach a unit that is short of time
                    self.lost += 1
                case Refused() if one is not None:
                    raise RuntimeError(f"the unit refuses: {message.code}")
                case Report():
                    pass

    def close(self) -> None:
        for one in self.people.values():
            if one.place >= 0:
                self._load.remove(one.place)
            one.connection.close()
        self.people.clear()
        self._driver.close()
