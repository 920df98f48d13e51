"""The usual way, a Python loop that asks a price library for every request, on a sample; and hashing and tokenising alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import orjson

from benchmarks.measure import Time, timed
from llmcost.usage.store import Store

SAMPLE_ROWS = 20_000
_ROWS = (
    "SELECT provider_name, request_model, started_at, input_tokens, coalesce(cache_read_input_tokens, 0), "
    f"coalesce(output_tokens, 0) FROM usage ORDER BY request_key LIMIT {SAMPLE_ROWS}"
)
LIBRARIES = ("genai-prices", "litellm")
_PROGRAM = Path(__file__).with_name("library.py")


@dataclass(frozen=True)
class Loop:
    """Seconds that a library needs to price one request, once."""

    each: float
    version: str


def loops(store: Store, folder: Path) -> dict[str, Loop | str]:
    """What a library needs for a request, from the sample; or why it was not measured."""
    calls = store.rows(_ROWS)
    path = folder / "calls.json"
    path.write_text(json.dumps(calls), encoding="utf-8")
    return {name: _loop(name, path, len(calls)) for name in LIBRARIES}


def _loop(name: str, path: Path, number: int) -> Loop | str:
    # LiteLLM asks the network for newer prices unless told otherwise.
    environment = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    try:
        python = _litellm_python(path.parent) if name == "litellm" else sys.executable
        line = [python, str(_PROGRAM), name, str(path)]
        done = subprocess.run(line, capture_output=True, text=True, check=True, env=environment)
        answer = json.loads(done.stdout.splitlines()[-1])
    except (subprocess.CalledProcessError, OSError, ValueError, IndexError) as error:
        said = getattr(error, "stderr", "") or str(error)
        return f"not measured: {said.strip().splitlines()[-1][:90] if said.strip() else type(error).__name__}"
    return Loop(answer["wall"] / number, answer["version"])


def _litellm_python(folder: Path) -> str:
    """An environment with LiteLLM and its twenty requirements, apart from ours; made when it is missing."""
    home = folder / "litellm"
    python = home / ("Scripts" if os.name == "nt" else "bin") / "python"
    ready = home / "ready"
    if not ready.exists():
        for line in (
            [sys.executable, "-m", "venv", "--clear", str(home)],
            [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "litellm"],
        ):
            subprocess.run(line, capture_output=True, text=True, check=True)
        ready.touch()
    return str(python)


def hashing(path: Path) -> Time:
    """BLAKE2b over every byte of the file."""

    def work() -> bytes:
        digest = blake2b()
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
        return digest.digest()

    return timed(work, 1)[0]


def tokenising(path: Path, megabytes: int) -> tuple[Time, int]:
    """Runs tiktoken over every text of the requests in the first megabytes of the file, and how many bytes of file that were."""
    from llmcost.content.ranks import encoding

    lines, size = [], 0
    with path.open("rb") as file:
        for line in file:
            lines.append(orjson.loads(line))
            size += len(line)
            if size >= megabytes * 1_000_000:
                break
    texts = [message["content"] for line in lines for message in line["request"]["messages"]]
    encoder = encoding("o200k_base")
    encoder.encode_ordinary("warm")
    return timed(lambda: sum(len(encoder.encode_ordinary(text)) for text in texts), 1)[0], size
