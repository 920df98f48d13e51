"""A headless Chromium, driven through the distribution's chromedriver with the standard library alone."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_ARGUMENTS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage", "--hide-scrollbars"),
    # whatever is asked for, no name resolves: a page that needs the network shows it
    "--host-resolver-rules=MAP * ~NOTFOUND",
)


class Browser:
    """One window; every page's console lines and requests are recorded."""

    def __init__(self, driver: str, chromium: str, profile: Path) -> None:
        self._driver, self._chromium, self._profile = driver, chromium, profile
        self._session = ""

    def open(self, page: Path) -> None:
        self._post("url", {"url": page.as_uri()})

    def script(self, code: str) -> Any:
        """The value of ``return ...`` in the page."""
        return self._post("execute/sync", {"script": code, "args": []})

    def emulate(self, width: int, height: int, *, dark: bool = False, media: str = "") -> None:
        """A screen of this size, with its colours light or dark, or the print medium."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.command("Emulation.setDeviceMetricsOverride", size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.command("Emulation.setEmulatedMedia", {"media": media, "features": [scheme]})

    def command(self, name: str, parameters: dict[str, Any]) -> Any:
        """A command of the DevTools protocol."""
        return self._post("goog/cdp/execute", {"cmd": name, "params": parameters})

    def log(self, kind: str) -> list[dict[str, Any]]:
        """New entries of the ``browser`` (console) or ``performance`` (network) log."""
        entries: list[dict[str, Any]] = self._post("se/log", {"type": kind})
        return entries

    def requests(self) -> list[str]:
        """Addresses asked for since the last look."""
        messages = [json.loads(entry["message"])["message"] for entry in self.log("performance")]
        return [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]

    @contextlib.contextmanager
    def running(self) -> Iterator[Browser]:
        with subprocess.Popen([self._driver, "--port=0"], stdout=subprocess.PIPE, text=True) as process:
            try:
                self._address = f"http://localhost:{self._port(process)}/session"
                options = {"binary": self._chromium, "args": [*_ARGUMENTS, f"--user-data-dir={self._profile}"]}
                logs = {"browser": "ALL", "performance": "ALL"}
                wanted = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": logs}
                answer = self._call("POST", self._address, {"capabilities": {"alwaysMatch": wanted}})
                self._session = f"{self._address}/{answer['sessionId']}"
                yield self
            finally:
                with contextlib.suppress(OSError):
                    if self._session:
                        self._call("DELETE", self._session)
                process.terminate()

    @staticmethod
    def _port(process: subprocess.Popen[str]) -> int:
        """The port that the driver says it chose."""
        assert process.stdout is not None
        for line in process.stdout:
            if found := re.search(r"started successfully on port (\d+)", line):
                return int(found.group(1))
        raise AssertionError("chromedriver did not start")

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        return self._call("POST", f"{self._session}/{path}", body)

    @staticmethod
    def _call(method: str, url: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310 - the driver's own http address
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from error
