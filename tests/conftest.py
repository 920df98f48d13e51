"""Every test runs in a world of its own: no network, no user's configuration, UTC, 80 columns."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from tests.reports.browser import Browser
from tests.support import IN_CI, Golden, program

# A failed case says what came out and what was expected; before any test imports it.
pytest.register_assert_rewrite("tests.sources.cases")
hypothesis.settings.register_profile("house", deadline=None, derandomize=IN_CI, print_blob=True)
hypothesis.settings.load_profile("house")

_GOLDEN = pytest.StashKey[Golden]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--golden-update", action="store_true", help="write golden files instead of comparing")
    parser.addoption("--golden-clean", action="store_true", help="after a whole run, remove golden files no test used")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_GOLDEN] = Golden(update=config.getoption("--golden-update"))


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if session.config.getoption("--golden-clean") and exitstatus == 0 and session.config.args_source.name != "ARGS":
        for path in session.config.stash[_GOLDEN].clean():
            print(f"removed {path}")  # noqa: T201 - the run is over, and who cleans wants to see what


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    return request.config.stash[_GOLDEN]


@pytest.fixture(autouse=True)
def _own_world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    for name in [name for name in os.environ if name.startswith("LLMCOST_") and name != "LLMCOST_SHARED_DATA"]:
        monkeypatch.delenv(name)
    for name in (
        "NO_COLOR",
        "FORCE_COLOR",
        "CLICOLOR_FORCE",
        "TIKTOKEN_CACHE_DIR",
        "DATA_GYM_CACHE_DIR",
        "GITHUB_ACTIONS",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    monkeypatch.setattr(socket.socket, "connect", _guard(socket.socket.connect))
    monkeypatch.setattr(socket.socket, "connect_ex", _guard(socket.socket.connect_ex))
    yield
    monkeypatch.undo()
    time.tzset()


def _guard(connect: Any) -> Any:
    """Lets a test talk to itself (a browser's driver), and to nothing else."""

    def guarded(self: socket.socket, address: Any) -> Any:
        host = address[0] if isinstance(address, tuple) else "localhost"
        if host not in {"localhost", "127.0.0.1", "::1"}:
            raise AssertionError(f"a test tried to reach the network: {address}")
        return connect(self, address)

    return guarded


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A headless browser without a network."""
    driver, chromium = program("chromedriver"), program("chromium", "chromium-browser", "google-chrome")
    with Browser(driver, chromium, tmp_path_factory.mktemp("profile")).running() as running:
        yield running
