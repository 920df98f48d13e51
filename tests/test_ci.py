"""The check, the action and the GitLab template, run as their runners would: the YAML's own shell, on a git repository, against an API on loopback."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from llmcost.cli.main import command_names
from tests.support import ROOT

BUDGET = '[[budget]]\nname = "all"\nusd = 3.0004\nper = "month"\n'
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))


class Forge(ThreadingHTTPServer):
    """Keeps comments; answers the first ``busy`` calls with 503."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.comments: list[dict[str, Any]] = [{"id": n, "body": f"comment {n}"} for n in range(1, 131)]
        self.calls: list[tuple[str, str, str]] = []
        self.busy = 1

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/api"

    @property
    def mine(self) -> list[dict[str, Any]]:
        return [comment for comment in self.comments if comment["body"].startswith("<!-- llmcost:")]


class Answer(BaseHTTPRequestHandler):
    server: Forge

    def _answer(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(size) or b"null")
        self.server.calls.append(
            (self.command, self.path, self.headers.get("Authorization") or self.headers["PRIVATE-TOKEN"])
        )
        if self.server.busy:
            self.server.busy -= 1
            self._send(503, None)
        elif self.command == "GET":
            page = int(re.findall(r"[?&]page=(\d+)", self.path)[0])
            self._send(200, self.server.comments[(page - 1) * 100 : page * 100])
        elif self.command == "POST":
            self.server.comments.append({"id": 1000 + len(self.server.comments), **body})
            self._send(201, self.server.comments[-1])
        else:
            number = int(self.path.rpartition("/")[2])
            found = next(comment for comment in self.server.comments if comment["id"] == number)
            found.update(body)
            self._send(200, found)

    do_GET = do_POST = do_PATCH = do_PUT = _answer  # noqa: N815 - the names that the base class calls

    def _send(self, code: int, content: Any) -> None:
        data = json.dumps(content).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        del format, args


@pytest.fixture
def forge() -> Iterator[Forge]:
    server = Forge()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository whose last commit makes a prompt longer, with a log of a month."""
    folder = tmp_path / "repo"
    folder.mkdir()
    rows = [
        {"request_id": f"r{day}", "started_at": f"2026-09-{day:02d}T{day % 24:02d}:00:00Z", "provider_name": "openai", "request_model": "gpt-4o",
         "input_tokens": 40_000, "output_tokens": 0, "feature": "chat"} for day in range(1, 31)
    ]  # fmt: skip
    (folder / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "budget.toml").write_text(BUDGET)
    (folder / "prompt.txt").write_text("You are helpful.\n")
    _git(folder, "init", "-q")
    _git(folder, "add", ".")
    _git(folder, "commit", "-qm", "base")
    (folder / "prompt.txt").write_text("You are helpful. " * 400)
    _git(folder, "commit", "-qam", "longer")
    return folder


def _git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    git = shutil.which("git")
    assert git
    return subprocess.run(
        [git, *who, *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


class Runner:
    """Runs the action's steps: inputs and contexts into variables, conditions, outputs, exit codes."""

    def __init__(self, folder: Path, forge: Forge, base: str) -> None:
        self.folder, self.outputs = folder, dict[str, str]()
        self.github = {
            "action_path": str(ROOT), "api_url": forge.url, "repository": "owner/repo", "token": "secret-token",
            "event.pull_request.number": "7", "event.pull_request.base.sha": base,
        }  # fmt: skip
        self.printed = ""

    def run(self, **given: str) -> int:
        inputs = {name: str(spec["default"]) for name, spec in ACTION["inputs"].items()}
        inputs |= {name.replace("_", "-"): value for name, value in given.items()}
        self.values = {f"inputs.{name}": self.filled(value) for name, value in inputs.items()}
        for step in ACTION["runs"]["steps"]:
            if step["name"] == "Install" or not self.truth(step.get("if", "true")):
                continue
            code = self.step(step)
            if code:
                return code
        return 0

    def filled(self, text: str) -> str:
        return re.sub(r"\$\{\{(.*?)\}\}", lambda found: self.value(found[1]), text)

    def value(self, expression: str) -> str:
        return next((found for part in expression.split("||") if (found := self.one(part.strip()))), "")

    def one(self, name: str) -> str:
        if name.startswith("github."):
            return self.github[name.removeprefix("github.")]
        if name.startswith("steps.check.outputs."):
            return self.outputs.get(name.removeprefix("steps.check.outputs."), "")
        return self.values[name]

    def truth(self, condition: str) -> bool:
        return all(self.part(part.strip()) for part in condition.removeprefix("${{").removesuffix("}}").split("&&"))

    def part(self, text: str) -> bool:
        if text == "true":
            return True
        name, sign, wanted = re.fullmatch(r"(\S+)(?: (==|!=) '(.*)')?", text).groups()  # type: ignore[union-attr]  # fails the test
        found = self.one(name)
        return bool(found) if sign is None else (found == wanted) is (sign == "==")

    def step(self, step: dict[str, Any]) -> int:
        files = {name: self.folder.parent / name.lower() for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for path in files.values():
            path.touch()
        env = {
            **os.environ, **{name: self.filled(str(value)) for name, value in step.get("env", {}).items()},
            **{name: str(path) for name, path in files.items()}, "LLMCOST_WAIT": "0",
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }  # fmt: skip
        bash = shutil.which("bash")
        assert bash
        done = subprocess.run([bash, "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]], cwd=self.folder, env=env,
                              capture_output=True, text=True, check=False)  # fmt: skip
        self.printed += done.stdout + done.stderr
        for line in files["GITHUB_OUTPUT"].read_text().splitlines():
            name, _, value = line.partition("=")
            self.outputs[name] = value
        self.summary = files["GITHUB_STEP_SUMMARY"].read_text()
        return done.returncode


def test_the_action_blocks_comments_once_and_updates(forge: Forge, repository: Path) -> None:
    runner = Runner(repository, forge, _git(repository, "rev-parse", "HEAD~1"))
    given = {"paths": "log.jsonl", "changed": "prompt.txt", "feature": "chat"}
    assert runner.run(**given) == 1, runner.printed
    assert runner.outputs == {"verdict": "FAIL", "code": "1"}
    assert "::error file=budget.toml,title=all::" in runner.printed
    assert "FAIL: 1 limit would be passed: all." in runner.summary
    (first,) = forge.mine
    assert first["body"].startswith("<!-- llmcost:check -->\n")
    assert "FAIL" in first["body"]
    assert {call[2] for call in forge.calls} == {"Bearer secret-token"}
    assert forge.calls[0][1].startswith("/api/repos/owner/repo/issues/7/comments?"), "asked again after 503"
    (repository / "prompt.txt").write_text("You are helpful.\n")
    assert runner.run(**given) == 0, runner.printed
    (second,) = forge.mine
    assert second["id"] == first["id"]
    assert "FAIL" not in second["body"]
    assert runner.run(**given, tag="other budget") == 0
    assert [comment["body"].partition("\n")[0] for comment in forge.mine] == [
        "<!-- llmcost:check -->",
        "<!-- llmcost:other-budget -->",
    ]


def test_inputs_are_no_shell(forge: Forge, repository: Path) -> None:
    runner = Runner(repository, forge, "HEAD~1")
    assert runner.run(paths="log.jsonl", growth="$(touch owned)", tag='"; touch owned; "') == 2, runner.printed
    assert not (repository / "owned").exists()
    assert not forge.mine, "nothing was judged, so nothing is said"
    scripts = [step["run"] for step in ACTION["runs"]["steps"]]
    assert not any("${{" in script for script in scripts), "what others write reaches the shell as variables only"


def test_the_gitlab_template_posts_a_note(forge: Forge, repository: Path) -> None:
    job = yaml.safe_load((ROOT / "ci" / "gitlab.yml").read_text(encoding="utf-8"))["llmcost"]
    env = {
        **os.environ, **job["variables"], "LLMCOST_PATHS": "log.jsonl", "LLMCOST_ARGUMENTS": "--growth 2", "LLMCOST_TOKEN": "glpat",
        "CI_API_V4_URL": forge.url, "CI_PROJECT_ID": "42", "CI_MERGE_REQUEST_IID": "7", "LLMCOST_WAIT": "0",
        "LLMCOST_POST": f"{sys.executable} {ROOT / 'ci' / 'post_comment.py'}",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }  # fmt: skip
    for _ in range(2):
        done = subprocess.run(
            ["/bin/sh", "-ec", "\n".join(job["script"])],
            cwd=repository,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1, done.stderr
        assert "FAIL: 1 limit would be passed" in done.stdout
    assert len(forge.mine) == 1
    assert [call[0] for call in forge.calls if call[0] != "GET"] == ["POST", "PUT"]
    assert forge.calls[0][1].startswith("/api/projects/42/merge_requests/7/notes?")
    assert (repository / job["artifacts"]["reports"]["junit"]).exists()


def test_the_hook_names_a_command_that_exists() -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    words = hook["entry"].split()
    assert words[0] == "llmcost"
    assert words[1] in command_names()


@pytest.mark.parametrize(
    ("asked", "slow"), [({}, True), ({"LLMCOST_CI_SLOW": "1"}, True), ({"LLMCOST_CI_SLOW": "0"}, False)]
)
def test_the_check_runs_the_slow_tests_unless_told_otherwise(
    tmp_path: Path, asked: dict[str, str], *, slow: bool
) -> None:
    """The script itself, with programs that only say their names."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci" / "run")
    folder = tmp_path / "venv" / "bin"
    folder.mkdir(parents=True)
    for name in ("make", "ruff", "mypy", "lint-imports"):
        (folder / name).write_text(f'#!/bin/sh\necho "ran {name} $@"\n')
        (folder / name).chmod(0o755)
    kept = {key: value for key, value in os.environ.items() if key != "LLMCOST_CI_SLOW"}
    told = subprocess.run(
        ["bash", str(tmp_path / ".ci" / "run")], capture_output=True, text=True, check=True,
        env={**kept, **asked, "VENV": str(tmp_path / "venv"), "PATH": f"{folder}:{os.environ['PATH']}"},
    ).stdout  # fmt: skip
    ran = re.findall(r"^ran (.*?) *$", told, re.MULTILINE)
    assert [line for line in ran if line.startswith("make test")] == [
        "make test",
        *(["make test-slow"] if slow else []),
    ]
