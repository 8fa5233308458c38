"""A headless Chromium of this machine, driven through its own DevTools protocol."""

import base64
import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import websocket

WAIT_S = 120.0
NAMES = ("chromium", "chromium-browser", "google-chrome")


def find_chromium():
    """Return the path of the browser, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Chromium:
    """One browser with one page at a time; a context manager."""

    def __init__(self):
        self._folder = tempfile.mkdtemp(prefix="edge-affect-chromium-")
        self._process = None

    def __enter__(self):
        command = [
            find_chromium(), "--headless=new", "--remote-debugging-port=0",
            "--remote-allow-origins=*", f"--user-data-dir={self._folder}",
            "--no-first-run", "--no-default-browser-check", "--disable-gpu",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--disable-dev-shm-usage", "--hide-scrollbars", "--force-color-profile=srgb",
        ]  # fmt: skip
        if os.geteuid() == 0:
            command.append("--no-sandbox")
        self._process = subprocess.Popen(
            [*command, "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        port_file = Path(self._folder) / "DevToolsActivePort"
        deadline_s = time.monotonic() + 4 * WAIT_S
        while not (port_file.exists() and len(port_file.read_text().split()) == 2):
            assert self._process.poll() is None, "Chromium ended at its start"
            assert time.monotonic() < deadline_s, "Chromium did not start"
            time.sleep(0.05)
        self._port, self._path = port_file.read_text().split()
        return self

    def __exit__(self, *_):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def page(self, **options):
        """Return a new page in a profile of its own."""
        return Page(f"ws://127.0.0.1:{self._port}{self._path}", **options)


class Page:
    """One page: everything it logs and asks for is kept.

    Attributes:
        errors: Console errors, exceptions, failed or refused loads, as text.
        requests: Addresses that were asked for.
    """

    def __init__(
        self,
        address,
        *,
        width=1280,
        height=900,
        scale=1,
        dark=False,
        language="en-GB",
        reduced_motion=False,
        touch=False,
    ):
        self.errors, self.requests = [], []
        self._socket = websocket.create_connection(address, timeout=WAIT_S)
        self._n = 0
        self._session = None
        context = self._call("Target.createBrowserContext")["browserContextId"]
        self._context = context
        target = self._call("Target.createTarget", url="about:blank", browserContextId=context)
        attached = self._call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log", "Accessibility"):
            self._call(f"{domain}.enable")
        self.resize(width, height, scale, touch)
        self._call(
            "Emulation.setEmulatedMedia",
            features=[
                {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
                {
                    "name": "prefers-reduced-motion",
                    "value": "reduce" if reduced_motion else "no-preference",
                },
            ],
        )
        agent = self._call("Runtime.evaluate", expression="navigator.userAgent")["result"]["value"]
        self._call("Emulation.setUserAgentOverride", userAgent=agent, acceptLanguage=language)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._session = None
        self._call("Target.disposeBrowserContext", browserContextId=self._context)
        self._socket.close()

    def resize(self, width, height, scale=1, touch=False):
        self._call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=touch,
        )

    def open(self, url):
        self._call("Page.navigate", url=url)

    def js(self, expression):
        """Return the value of a JavaScript expression; promises are awaited."""
        done = self._call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in done, done.get("exceptionDetails")
        return done["result"].get("value")

    def text(self, selector="body"):
        """Return the text that can be seen in an element, or "" where there is none."""
        return self.js(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''")

    def wait(self, expression, what=None, timeout_s=WAIT_S):
        """Wait until a JavaScript expression is true."""
        deadline_s = time.monotonic() + timeout_s
        while not self.js(f"Boolean({expression})"):
            assert time.monotonic() < deadline_s, (
                f"waited in vain for {what or expression}; the page says: {self.text()[:1500]!r}; "
                f"errors: {self.errors}"
            )
            time.sleep(0.05)

    def wait_for_text(self, text, selector="body", timeout_s=WAIT_S):
        self.wait(
            f"(document.querySelector({json.dumps(selector)})?.innerText ?? '')"
            f".includes({json.dumps(text)})",
            f"{text!r} in {selector}",
            timeout_s,
        )

    def press(self, key, code=None):
        names = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32}
        for kind in ("keyDown", "keyUp"):
            self._call(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                code=code or key,
                windowsVirtualKeyCode=names.get(key, 0),
                **({"text": "\r"} if key == "Enter" and kind == "keyDown" else {}),
            )

    def tree(self):
        """Return the accessibility tree as pairs of role and name, ignored nodes left out."""
        nodes = self._call("Accessibility.getFullAXTree")["nodes"]
        return [
            (n["role"]["value"], n.get("name", {}).get("value", ""))
            for n in nodes
            if not n["ignored"]
        ]

    def screenshot(self, path, is_whole=False):
        extra = {"captureBeyondViewport": True} if is_whole else {}
        if is_whole:
            size = self._call("Page.getLayoutMetrics")["cssContentSize"]
            extra["clip"] = {
                "x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1,
            }  # fmt: skip
        shot = self._call("Page.captureScreenshot", format="png", **extra)
        Path(path).write_bytes(base64.b64decode(shot["data"]))

    def _call(self, method, **params):
        self._n += 1
        number = self._n
        message = {"id": number, "method": method, "params": params}
        if self._session is not None:
            message["sessionId"] = self._session
        self._socket.send(json.dumps(message))
        while True:
            got = json.loads(self._socket.recv())
            if got.get("id") == number:
                assert "error" not in got, got
                return got["result"]
            self._note(got)

    def _note(self, got):
        method, params = got.get("method"), got.get("params", {})
        if method == "Runtime.consoleAPICalled" and params["type"] in {"error", "warning"}:
            self.errors.append(str([a.get("value") for a in params["args"]]))
        elif method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.errors.append(str(details.get("exception", {}).get("description", details)))
        elif method == "Log.entryAdded" and params["entry"]["level"] in {"error", "warning"}:
            self.errors.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
