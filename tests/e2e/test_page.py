"""The web page in headless Chromium, driven over its DevTools protocol."""

import base64
import datetime
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from edmlive.realtime.reading import Candidate, Reading, State, TempoCandidate
from edmlive.sources.health import Liveness
from tests.realtime.readings import reading, waiting

pytest.importorskip("uvicorn", reason="the extra 'web' is not installed")
import websockets.sync.client as ws

from edmlive.sinks.web.server import WebSink

pytestmark = pytest.mark.e2e

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DESKTOP, PHONE = (1440, 900), (390, 844)
SIZES = pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
NIGHT = "document.getElementById('timeline').children.length > 20"
GENRES = ("Drum & Bass", "Techno (Raw / Deep / Hypnotic)", "Melodic House & Techno", "Hard Techno", "Trance")


class Page:
    """One page of a browser.

    Attributes
    ----------
    complaints
        Errors and warnings of the console, and exceptions.
    requested
        The address of each request.
    """

    def __init__(self, socket: ws.ClientConnection) -> None:
        self._socket = socket
        self._number = 0
        self.complaints: list[str] = []
        self.requested: list[str] = []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv(timeout=60))
            if message.get("id") == self._number:
                assert "error" not in message, message
                return dict(message["result"])
            self._note(message["method"], message["params"])

    def _note(self, event: str, message: dict[str, Any]) -> None:
        if event == "Network.requestWillBeSent":
            self.requested.append(message["request"]["url"])
        elif event == "Network.webSocketCreated":
            self.requested.append(message["url"])
        elif event == "Runtime.exceptionThrown":
            self.complaints.append(message["exceptionDetails"]["exception"]["description"])
        elif event == "Log.entryAdded" and message["entry"]["level"] in ("warning", "error"):
            self.complaints.append(f"{message['entry']['text']} {message['entry'].get('url')}")

    def run(self, script: str) -> Any:
        """The value of a JavaScript expression, awaited."""
        message = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in message, message
        return message["result"].get("value")

    def text(self, element: str) -> str:
        return str(self.run(f"document.getElementById('{element}').textContent")).replace("\u200b", "")

    def open(self, url: str, size: tuple[int, int]) -> None:
        width, height = size
        phone = size == PHONE
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if phone else 1,
            mobile=phone,
        )
        self.call("Page.navigate", url=url)
        self.wait("location.protocol === 'http:' && document.readyState === 'complete'")

    def wait(self, script: str, seconds: float = 20, meanwhile: Callable[[], object] = lambda: None) -> None:
        """Wait until an expression is true."""
        deadline = time.monotonic() + seconds
        while not self.run(script):
            assert time.monotonic() < deadline, f"{script}: {self.run('document.body.innerText')}"
            meanwhile()
            time.sleep(0.1)

    def picture(self, name: str) -> None:
        """Keep a screenshot, where a folder for them is named."""
        if folder := os.environ.get("EDMLIVE_SCREENSHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            data = self.call("Page.captureScreenshot")["data"]
            (Path(folder) / f"{name}.png").write_bytes(base64.b64decode(data))


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a headless Chromium's DevTools."""
    if CHROMIUM is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("not installed: chromium")
    profile = tmp_path_factory.mktemp("chromium")
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
    options += ["--disable-background-networking", "--remote-debugging-port=0", f"--user-data-dir={profile}"]
    with subprocess.Popen([CHROMIUM, *options, "about:blank"], stderr=subprocess.DEVNULL) as process:
        port = profile / "DevToolsActivePort"
        deadline = time.monotonic() + 60
        while not (port.exists() and len(port.read_text().split()) == 2):
            assert time.monotonic() < deadline, "Chromium does not start"
            time.sleep(0.1)
        yield f"127.0.0.1:{port.read_text().split()[0]}"
        process.terminate()


@pytest.fixture
def page(browser: str) -> Iterator[Page]:
    target = httpx.put(f"http://{browser}/json/new?about:blank", trust_env=False).json()
    with ws.connect(target["webSocketDebuggerUrl"], max_size=None) as socket:
        yield Page(socket)
    httpx.get(f"http://{browser}/json/close/{target['id']}", trust_env=False)


@pytest.fixture
def serve() -> Iterator[Callable[..., WebSink]]:
    sinks: list[WebSink] = []

    def start(address: str = "127.0.0.1:0") -> WebSink:
        sinks.append(WebSink(address))
        return sinks[-1]

    yield start
    for sink in sinks:
        sink.close()


def heard(seconds_ago: float = 0.0, genre: str = GENRES[0], **fields: Any) -> Reading:
    clock = datetime.datetime.now().astimezone() - datetime.timedelta(seconds=seconds_ago)
    others = [label for label in GENRES if label != genre]
    top = tuple(Candidate(label, 0.62 / 2.4**i) for i, label in enumerate([genre, *others]))
    stamp = clock.isoformat(timespec="milliseconds")
    if fields.get("state") in (State.NO_INPUT, State.SILENCE, State.WARMING_UP, State.UNKNOWN):
        return waiting(clock=stamp, **fields)
    defaults: dict[str, Any] = {"genre": genre, "top": top, "confidence": 0.62, "bpm": 174.0, "clock": stamp}
    return reading(**defaults | fields)


def play_night(sink: WebSink) -> None:
    """Three hours, in which each genre has its time."""
    for second in range(3 * 3600, 10, -10):
        genre = GENRES[second // 700 % 5]
        state = State.UNSURE if second % 700 < 60 else State.LISTENING
        if 4000 < second < 4200:
            sink.write(heard(second, state=State.NO_INPUT, liveness=Liveness.RECOVERING))
        else:
            sink.write(heard(second, genre, state=state, bpm=120.0 + second // 700))


@SIZES
def test_what_is_playing_is_shown(serve: Callable[..., WebSink], page: Page, size: tuple[int, int]) -> None:
    sink = serve()
    play_night(sink)
    sink.write(heard())
    page.open(sink.url, size)
    page.wait(NIGHT, meanwhile=lambda: sink.write(heard()))
    assert page.text("headline") == "Drum & Bass"
    assert (page.text("bpm"), page.text("confidence"), page.text("state")) == ("174.0", "62", "listening")
    assert "12.5 dBFS" in page.text("level")
    assert page.run("document.querySelectorAll('#top li').length") == 5
    assert page.run("document.title") == "Drum & Bass · edmlive"
    page.picture(f"listening-{size[0]}")
    # Nothing is cut off at the side, and the genre is as large as can be read from three metres.
    assert page.run("document.documentElement.scrollWidth <= innerWidth")
    assert page.run("parseFloat(getComputedStyle(document.getElementById('headline')).fontSize)") > size[0] / 12
    for genre in GENRES[1:]:
        sink.write(heard(genre=genre))
        page.wait(f"document.getElementById('headline').textContent.replaceAll('\\u200b', '') === {json.dumps(genre)}")
        box = "document.getElementById('headline')"
        assert page.run(f"{box}.scrollWidth <= {box}.clientWidth && {box}.scrollHeight <= {box}.clientHeight"), genre
    page.picture(f"longest-{size[0]}")
    assert page.complaints == []
    assert {urlsplit(url).netloc for url in page.requested} == {urlsplit(sink.url).netloc}


def test_the_timeline_moves(serve: Callable[..., WebSink], page: Page) -> None:
    sink = serve()
    play_night(sink)
    sink.write(heard())
    page.open(sink.url, DESKTOP)
    page.wait(NIGHT, meanwhile=lambda: sink.write(heard()))
    end = "document.getElementById('scroller').scrollLeft"
    before, count = page.run(end), page.run("document.getElementById('timeline').children.length")
    assert before > 1000
    for _ in range(8):
        time.sleep(0.5)
        sink.write(heard())
    page.wait(f"{end} > {before}")
    sink.write(heard(genre="Trance"))
    page.wait(f"document.getElementById('timeline').children.length > {count}")
    assert page.run("document.getElementById('timeline').lastElementChild.textContent").startswith("Trance")
    # Who scrolls back is left where they are.
    page.run("document.getElementById('scroller').scrollLeft = 100")
    # A browser tells of scrolling with the next frame it draws, however long that takes.
    page.run("requestAnimationFrame(() => requestAnimationFrame(() => { document.body.dataset.drawn = 'yes' }))")
    page.wait("document.body.dataset.drawn === 'yes'")
    sink.write(heard())
    time.sleep(0.5)
    assert page.run(end) == 100


@SIZES
@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"state": State.NO_INPUT, "liveness": Liveness.RECOVERING, "level_dbfs": -120.0}, "No input"),
        ({"state": State.SILENCE, "level_dbfs": -74.0}, "Silence"),
        ({"state": State.WARMING_UP}, "Warming up"),
        ({"state": State.UNKNOWN}, "Unknown"),
        ({"state": State.UNSURE, "notices": ("The input is clipping: turn it down by 6 dB.",)}, "Drum & Bass"),
    ],
    ids=["no-input", "silence", "warming-up", "unknown", "unsure"],
)
def test_each_state_is_shown(
    serve: Callable[..., WebSink], page: Page, size: tuple[int, int], fields: dict[str, Any], shown: str
) -> None:
    sink = serve()
    play_night(sink)
    sink.write(heard(**fields))
    page.open(sink.url, size)
    page.wait(NIGHT, meanwhile=lambda: sink.write(heard(**fields)))
    page.wait(f"document.body.dataset.state === '{fields['state']}'", meanwhile=lambda: sink.write(heard(**fields)))
    assert page.text("headline") == shown
    assert bool(page.text("alarm")) == (fields["state"] is State.NO_INPUT)
    assert page.run("[...document.querySelectorAll('#notices p')].map(e => e.textContent)") == list(
        fields.get("notices", [])
    )
    page.picture(f"{fields['state'].replace(' ', '-')}-{size[0]}")
    assert page.complaints == []


@SIZES
def test_an_unsure_genre_stands_behind_its_family(
    serve: Callable[..., WebSink], page: Page, size: tuple[int, int]
) -> None:
    fields: dict[str, Any] = {
        "state": State.UNSURE,
        "genre": "Deep House",
        "confidence": 0.24,
        "family": "House",
        "family_confidence": 0.71,
        "set": ("Deep House", "House", "Tech House"),
        "mixing": True,
        "bpm_candidates": (TempoCandidate(174.0, 0.6), TempoCandidate(87.0, 0.3)),
    }
    sink = serve()
    sink.write(heard(**fields))
    page.open(sink.url, size)
    page.wait("document.body.dataset.state === 'unsure'", meanwhile=lambda: sink.write(heard(**fields)))
    assert page.text("headline") == "House, perhaps Deep House"
    assert page.text("state") == "unsure, mixing"
    assert "House: 71 %" in page.text("detail") and "Deep House, House, Tech House" in page.text("detail")
    assert page.text("tempi") == "or 87.0 (30 %)"
    page.picture(f"family-{size[0]}")
    sink.write(heard(**fields | {"state": State.LISTENING, "mixing": False, "set": ()}))
    page.wait("document.body.dataset.state === 'listening'")
    assert page.text("headline") == "Deep House"
    assert page.text("detail") == "House: 71 %."
    assert page.complaints == []


def test_it_says_that_the_connection_is_lost_and_recovers_by_itself(serve: Callable[..., WebSink], page: Page) -> None:
    sink = serve()
    sink.write(heard())
    page.open(sink.url, PHONE)
    page.wait("document.body.dataset.state === 'listening'")
    sink.close()
    page.wait("document.body.dataset.state === 'lost'", 5)
    assert page.text("headline") == "Connection lost"
    assert {page.text("bpm"), page.text("confidence"), page.text("level")} == {"\N{EN DASH}"}
    assert "last genre: Drum & Bass" in page.text("detail")
    page.picture("lost-390")
    time.sleep(3)
    again = serve(urlsplit(sink.url).netloc)
    again.write(heard(genre="Trance"))
    page.wait("document.body.dataset.state === 'listening'", 10)
    assert page.text("headline") == "Trance"
    assert page.text("alarm") == ""


def test_stale_readings_are_not_shown_as_live(serve: Callable[..., WebSink], page: Page) -> None:
    sink = serve()
    sink.write(heard())
    page.open(sink.url, DESKTOP)
    page.wait("document.body.dataset.state === 'listening'")
    page.wait("document.body.dataset.state === 'lost'", 8)
    assert page.text("headline") == "No updates"
    page.picture("no-updates-1440")
    sink.write(heard())
    page.wait("document.body.dataset.state === 'listening'", 10)


@SIZES
@pytest.mark.parametrize("state", [State.LISTENING, State.UNSURE, State.NO_INPUT])
def test_accessibility(serve: Callable[..., WebSink], page: Page, size: tuple[int, int], state: State) -> None:
    """axe-core's rules for WCAG 2.2 A and AA and its best practices; `tests/fetch_axe.py` fetches the file."""
    axe = os.environ.get("EDMLIVE_AXE", "")
    if not Path(axe).is_file():
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("EDMLIVE_AXE does not name axe.min.js")
    sink = serve()
    play_night(sink)
    page.open(sink.url, size)
    newest = heard(state=state, notices=("The left channel is silent.",))
    page.wait(f"{NIGHT} && document.body.dataset.state === '{state}'", meanwhile=lambda: sink.write(newest))
    page.run(Path(axe).read_text(encoding="utf-8") + "; true")
    found = page.run(
        "axe.run().then(r => r.violations.map(v => [v.id, v.nodes.slice(0, 5).map(n => n.html + n.failureSummary)]))"
    )
    assert found == []


def test_keyboard_motion_and_screen_reader(serve: Callable[..., WebSink], page: Page) -> None:
    sink = serve()
    play_night(sink)
    page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])
    sink.write(heard())
    page.open(sink.url, DESKTOP)
    page.wait(NIGHT, meanwhile=lambda: sink.write(heard()))
    assert page.run("getComputedStyle(document.querySelector('#meter > div')).transitionDuration") == "0s"
    for kind in ("keyDown", "keyUp"):
        page.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
    assert page.run("document.activeElement.id") == "scroller"
    assert page.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    # Live regions hold still while only numbers change.
    page.run(
        "globalThis.said = 0; globalThis.spoken = []; const changes = {subtree: true, childList: true};"
        "new MutationObserver(() => said++).observe(document.body, changes);"
        "for (const e of document.querySelectorAll('[role=status], [role=alert]'))"
        " new MutationObserver(() => spoken.push(e.textContent)).observe(e, changes); 0"
    )
    for number in range(6):
        sink.write(heard(level_dbfs=-10.0 - number, bpm=174.0 + number / 10, confidence=0.5 + number / 100))
        time.sleep(0.2)
    assert page.run("said") >= 4
    assert page.run("spoken") == []
