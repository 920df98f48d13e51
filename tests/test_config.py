"""The user's secret, log keys under it, and the memory limit."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from llmcost import config
from llmcost.errors import UsageError


def test_the_first_run_makes_a_secret_that_stays_and_is_the_users_alone() -> None:
    secret = config.user_secret()
    path = config.config_folder() / config.KEY_FILE
    assert len(secret) == 32
    assert config.user_secret() == secret
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == [config.KEY_FILE]


def test_two_first_runs_at_once_agree() -> None:
    secrets: list[bytes] = []
    start = threading.Barrier(8)

    def run() -> None:
        start.wait()
        secrets.append(config.user_secret())

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(secrets) == 8
    assert len(set(secrets)) == 1


def test_a_file_system_without_hard_links(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr("os.link", refuse)
    assert config.user_secret() == config.user_secret()


def test_the_variable_wins_and_leaves_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(config.KEY_VARIABLE, "one long text")
    secret = config.user_secret()
    assert len(secret) == 32
    assert not config.config_folder().exists()
    monkeypatch.setenv(config.KEY_VARIABLE, "another text")
    assert config.user_secret() != secret


@pytest.mark.parametrize("content", ["", "00ff", "zz" * 32, "00" * 33, "ключ"])
def test_a_damaged_key_file_is_never_replaced(content: str) -> None:
    path = config.config_folder() / config.KEY_FILE
    path.parent.mkdir(parents=True)
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match="no secret key"):
        config.user_secret()
    assert path.read_text(encoding="utf-8") == content


def test_a_folder_that_cannot_be_made_is_an_error_with_a_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "file"))
    with pytest.raises(UsageError, match=config.KEY_VARIABLE):
        config.user_secret()


def test_without_xdg_the_folder_is_in_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for relative in ("", "relative"):
        monkeypatch.setenv("XDG_CONFIG_HOME", relative)
        assert config.config_folder() == tmp_path / ".config" / "llmcost"
    monkeypatch.delenv("XDG_CONFIG_HOME")
    assert config.config_folder() == tmp_path / ".config" / "llmcost"


def test_rekey_secret_is_one_function_a_secret() -> None:
    assert config.rekey_secret(b"mine") == config.rekey_secret(b"mine") != config.rekey_secret(b"yours")
    assert len(config.rekey_secret(b"")) == 16


def test_the_default_memory_limit_is_a_part_of_what_there_is() -> None:
    assert 0 < config.default_memory_limit() < config.memory_available()
    assert config.default_memory_limit() == config.memory_available() * 7 // 10
