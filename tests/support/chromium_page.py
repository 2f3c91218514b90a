"""A page in a real headless Chromium, driven over its debugging pipe; needs nothing but Chromium.

```python
with ChromiumPage(url) as page:
    page.wait_for("document.readyState === 'complete'")
    page.evaluate("document.title")
```
"""

import atexit
import base64
import fcntl
import functools
import json
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-dev-shm-usage",
    "--autoplay-policy=no-user-gesture-required",
    "--no-first-run",
    "--remote-debugging-pipe",
)

_KEY_CODES = {"Escape": 27, "ArrowLeft": 37, "ArrowRight": 39}


def find_chromium() -> str | None:
    """Return the path of a Chromium; None when none is installed."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def _spawn(command: list[str]) -> tuple[int, int, int]:
    """Start a process; return its id, where to write to its descriptor 3, and read from its 4."""
    their_input, our_output = os.pipe()
    our_input, their_output = os.pipe()
    # Out of the way of 3 and 4, which the child overwrites one after the other.
    high_input = fcntl.fcntl(their_input, fcntl.F_DUPFD_CLOEXEC, 100)
    high_output = fcntl.fcntl(their_output, fcntl.F_DUPFD_CLOEXEC, 100)
    actions: list[tuple[Any, ...]] = [
        (os.POSIX_SPAWN_OPEN, stream, os.devnull, os.O_RDWR, 0) for stream in (0, 1, 2)
    ]
    actions += [
        (os.POSIX_SPAWN_DUP2, high_input, 3),
        (os.POSIX_SPAWN_DUP2, high_output, 4),
    ]
    process = os.posix_spawn(command[0], command, os.environ, file_actions=actions)
    for descriptor in (their_input, their_output, high_input, high_output):
        os.close(descriptor)
    return process, our_output, our_input


class _Browser:
    """A running Chromium, which all pages of this process share."""

    def __init__(self) -> None:
        self.pages: dict[str, ChromiumPage] = {}
        self._serial = 0
        self._buffer = b""
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        command = [find_chromium() or "chromium", *FLAGS, f"--user-data-dir={self._profile.name}"]
        self._process, self._write, self._read = _spawn(command)

    def close(self) -> None:
        """End the process and all pages."""
        self.pages.clear()
        os.kill(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)
        os.close(self._write)
        os.close(self._read)
        self._profile.cleanup()

    def call(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """Ask for something and wait for the answer; pages hear of what happens meanwhile."""
        self._serial += 1
        message: dict[str, Any] = {"id": self._serial, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._serial:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer.get("result", {})
            if page := self.pages.get(answer.get("sessionId", "")):
                page.note(answer)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            data = os.read(self._read, 1 << 16)
            if not data:
                _close_browser()
                raise RuntimeError("Chromium has gone")
            self._buffer += data
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)


@functools.cache
def _browser() -> _Browser:
    """The browser of this process, started for its first page: starting costs a second or two."""
    atexit.register(_close_browser)
    return _Browser()


def _close_browser() -> None:
    if _browser.cache_info().currsize:
        _browser().close()
        _browser.cache_clear()


class ChromiumPage:
    """One tab with cookies, cache and storage of its own.

    `errors` collects uncaught exceptions and failed loads.
    """

    def __init__(self, url: str, *, width: int = 1400, height: int = 1000, dark: bool = False):
        self.errors: list[str] = []
        self._browser = _browser()
        self._context = self._browser.call("Target.createBrowserContext")["browserContextId"]
        place = {"url": "about:blank", "browserContextId": self._context}
        target = self._browser.call("Target.createTarget", **place)["targetId"]
        attached = self._browser.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session: str = attached["sessionId"]
        self._browser.pages[self._session] = self
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._call(f"{domain}.enable")
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._call("Emulation.setDeviceMetricsOverride", **size)
        if dark:
            feature = [{"name": "prefers-color-scheme", "value": "dark"}]
            self._call("Emulation.setEmulatedMedia", features=feature)
        self._call("Page.navigate", url=url)
        self.wait_for("location.protocol !== 'about:' && document.readyState === 'complete'")

    def __enter__(self) -> "ChromiumPage":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._browser.pages.pop(self._session, None):
            self._browser.call("Target.disposeBrowserContext", browserContextId=self._context)

    def _call(self, method: str, **params: Any) -> dict[str, Any]:
        return self._browser.call(method, self._session, **params)

    def note(self, event: dict[str, Any]) -> None:
        """Keep what an event says of errors."""
        params = event.get("params", {})
        match event.get("method"):
            case "Runtime.exceptionThrown":
                self.errors.append(json.dumps(params["exceptionDetails"]))
            case "Log.entryAdded" if params["entry"]["level"] == "error":
                self.errors.append(params["entry"]["text"] + " " + params["entry"].get("url", ""))
            case "Network.requestWillBeSent":
                url = params["request"]["url"]
                if not url.startswith(("file:", "data:", "about:", "blob:")):
                    self.errors.append(f"asked the network for {url}")

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression; promises are awaited."""
        answer = self._call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(json.dumps(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def wait_for(self, expression: str, *, seconds: float = 90.0) -> Any:
        """Poll until an expression is true; raises TimeoutError."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if value := self.evaluate(expression):
                    return value
                self.evaluate("new Promise((done) => setTimeout(done, 40))")
            except RuntimeError as error:
                if "navigated" not in str(error) and "context" not in str(error):
                    raise  # all but another page that took the place of this one
        raise TimeoutError(f"never true: {expression}; errors: {self.errors}")

    def press(self, key: str, *, code: str = "", text: str = "", shift: bool = False) -> None:
        """Press a key in the focused element."""
        common = {
            "modifiers": 8 * shift,
            "key": key,
            "code": code or key,
            "windowsVirtualKeyCode": _KEY_CODES.get(key, 0),
        }
        self._call("Input.dispatchKeyEvent", type="keyDown", text=text, **common)
        self._call("Input.dispatchKeyEvent", type="keyUp", **common)

    def type(self, text: str) -> None:
        """Write a text over what is selected in the focused field."""
        self._call("Input.insertText", text=text)

    def drag(self, start: tuple[float, float], end_x: float) -> None:
        """Press the mouse at a point of the window, move sideways, and let go."""
        x, y = start
        mouse = {"y": y, "button": "left", "clickCount": 1}
        self._call("Input.dispatchMouseEvent", type="mousePressed", x=x, **mouse)
        for part in (0.3, 0.6, 1.0):
            at = x + part * (end_x - x)
            self._call("Input.dispatchMouseEvent", type="mouseMoved", x=at, buttons=1, **mouse)
        self._call("Input.dispatchMouseEvent", type="mouseReleased", x=end_x, **mouse)

    def screenshot(self, path: Path, *, full: bool = False) -> None:
        """Write a PNG of the window, or of the whole page."""
        answer = self._call("Page.captureScreenshot", captureBeyondViewport=full)
        path.write_bytes(base64.b64decode(answer["data"]))
