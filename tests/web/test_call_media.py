"""The media of a call in a real browser: what leaves a participant, and what one shows (E35, E36; THREATS).

In the place of the forwarding unit stands a connection of the same page: it sees every frame as it is sent.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.browser import ARGUMENTS, find
from tests.waiting import until
from tests.web.pages import served

MEDIA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served("calls", "tests/calls/page/index.html", tmp_path_factory.mktemp("calls")) as address:
        yield address


@pytest.fixture(scope="module")
def page(address: str) -> Iterator[Page]:
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=find(), args=[*ARGUMENTS, *MEDIA])
        page = browser.new_page()
        page.goto(address)
        page.wait_for_function("globalThis.ready")
        yield page
        browser.close()


@pytest.fixture(autouse=True)
def complaints(page: Page) -> Iterator[list[str]]:
    """What the page and its workers complained about: nothing."""
    found: list[str] = []

    def heard(message: Any) -> None:
        if message.type == "error":
            found.append(message.text)

    page.on("console", heard)
    page.on("pageerror", lambda error: found.append(str(error)))
    yield found
    page.remove_listener("console", heard)
    assert found == []


def test_nothing_leaves_before_there_is_a_key_and_then_nothing_but_what_members_open(page: Page) -> None:
    page.evaluate("""async () => {
        const [ada, unit] = [new Participant(), new Unit(true)];
        const stream = await media();
        await ada.connection.setTrack("audio", stream.getAudioTracks()[0]);
        await unit.offerTo(ada, () => []);
        await ada.connection.setTrack("camera", stream.getVideoTracks()[0]);
        Object.assign(globalThis, { ada, unit });
    }""")
    page.wait_for_function("unit.peer.connectionState === 'connected'")
    # The encoders run: what they make is thrown away. A second of it, by the page's own frames.
    until(
        page,
        """async () => {
        const sources = [...(await ada.connection.peer.getStats()).values()];
        return sources.some((one) => one.type === "media-source" && one.kind === "video" && one.frames > 20);
    }""",
    )
    assert page.evaluate("unit.seen") == {
        kind: {"sealed": 0, "other": 0} for kind in ("audio", "camera", "screen", "screen_audio")
    }
    page.evaluate("ada.keys.enter(1, 0)")
    page.wait_for_function("unit.seen.audio.sealed > 25 && unit.seen.camera.sealed > 10")
    assert page.evaluate("[unit.seen.audio.other, unit.seen.camera.other]") == [0, 0]


def test_e14_nothing_leaves_while_somebody_leaves(page: Page) -> None:
    page.evaluate("ada.keys.say({ kind: 'hold', gone: 'ben' })")
    page.wait_for_function("!ada.sending")
    held = page.evaluate("""async () => {
        // What was on its way has come when no more comes for ten pictures of the camera.
        const frames = async () => [...(await ada.connection.peer.getStats()).values()]
            .find((one) => one.type === "media-source" && one.kind === "video").frames;
        const pass = async (count) => {
            const from = await frames();
            while (await frames() < from + count) await new Promise(requestAnimationFrame);
        };
        await pass(10);
        const before = structuredClone(unit.seen);
        await pass(10);
        return [before, unit.seen];
    }""")
    assert held[0] == held[1]


def test_what_others_sealed_is_shown(page: Page) -> None:
    page.evaluate("""async () => {
        const [eve, unit2, ben] = [new Participant(), new Unit(true), new Keys()];
        const stream = await media();
        const camera = unit2.send(stream.getVideoTracks()[0], ben.worker, "camera");
        const streams = () => [{ mid: camera.mid, device: globalThis.label, kind: "camera" }];
        Object.assign(globalThis, { eve, unit2, ben, streams, label: "ben" });
        ben.enter(1, 1);
        eve.keys.enter(1, 0);
        await unit2.offerTo(eve, streams);
    }""")
    page.wait_for_function("eve.incoming.length === 1 && eve.incoming[0].heard")
    until(page, "async () => (await decoded(eve)) > 5")
    assert page.evaluate("eve.incoming[0].device") == "ben"


def test_t29_a_stream_under_somebody_elses_label_is_not_shown(page: Page) -> None:
    page.evaluate("globalThis.label = 'ada'")
    page.evaluate("unit2.offerTo(eve, streams)")
    page.wait_for_function("eve.incoming[0].refused !== null")
    assert page.evaluate("eve.incoming[0].refused") == {"why": "swapped", "who": "ben"}
    assert not page.evaluate("eve.incoming[0].heard")


def test_t27_what_comes_in_the_clear_is_not_shown(page: Page) -> None:
    page.evaluate("""async () => {
        const [zoe, unit3] = [new Participant(), new Unit(false)];
        const stream = await media();
        const camera = unit3.send(stream.getVideoTracks()[0], null, "camera");
        zoe.keys.enter(1, 0);
        Object.assign(globalThis, { zoe, unit3 });
        await unit3.offerTo(zoe, () => [{ mid: camera.mid, device: "ben", kind: "camera" }]);
    }""")
    page.wait_for_function("zoe.incoming.length === 1 && zoe.incoming[0].refused !== null")
    assert page.evaluate("zoe.incoming[0].refused.why") in ("unencrypted", "no_key", "swapped")
    assert page.evaluate("decoded(zoe)") == 0
