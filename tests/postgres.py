"""A PostgreSQL of the tests' own: started in a folder, on a socket in it, and gone afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support import missing

TABLE = """CREATE TABLE "LiteLLM_SpendLogs" (
  request_id text PRIMARY KEY, call_type text NOT NULL, api_key text NOT NULL DEFAULT '', spend double precision NOT NULL DEFAULT 0,
  total_tokens integer NOT NULL DEFAULT 0, prompt_tokens integer NOT NULL DEFAULT 0, completion_tokens integer NOT NULL DEFAULT 0,
  "startTime" timestamp(3) NOT NULL, "endTime" timestamp(3) NOT NULL, "completionStartTime" timestamp(3), model text NOT NULL DEFAULT '', model_id text DEFAULT '',
  model_group text DEFAULT '', custom_llm_provider text DEFAULT '', api_base text DEFAULT '', "user" text DEFAULT '', metadata jsonb DEFAULT '{}',
  cache_hit text DEFAULT '', cache_key text DEFAULT '', request_tags jsonb DEFAULT '[]', team_id text, organization_id text, end_user text,
  requester_ip_address text, messages jsonb DEFAULT '{}', response jsonb DEFAULT '{}', session_id text, status text, mcp_namespaced_tool_name text,
  agent_id text, proxy_server_request jsonb DEFAULT '{}', created_at timestamp(3) NOT NULL DEFAULT now())"""
"""As litellm 1.109.1 ``proxy/schema.prisma`` makes it."""
ROWS = """INSERT INTO "LiteLLM_SpendLogs" (request_id, call_type, api_key, spend, total_tokens, prompt_tokens, completion_tokens, "startTime", "endTime", model,
  model_group, custom_llm_provider, metadata, cache_hit, request_tags, team_id, status)
SELECT 'chatcmpl-' || md5(g::text), 'acompletion', 'k-' || g % 7, (g % 100) * 1e-6, 110 + g % 50, 100 + g % 50, 10,
  timestamp '2026-03-01' + g * interval '0.25 second', timestamp '2026-03-01' + g * interval '0.25 second' + interval '2 seconds', 'gpt-4o-mini-2024-07-18', 'gpt-4o-mini',
  'openai', jsonb_build_object('usage_object', jsonb_build_object('prompt_tokens', 100 + g % 50, 'completion_tokens', 10, 'total_tokens', 110 + g % 50,
  'prompt_tokens_details', jsonb_build_object('cached_tokens', g % 50))), 'None', '["feature:search"]', 'team-' || g % 3, 'success'
FROM generate_series({first}, {last}) g"""
"""Rows numbered from ``first`` to ``last``, four a second from 2026-03-01 on."""
PASSWORD = "s3cr:t/w@rd%41"


class Server:
    """A running server. ``uri`` is a connection string for a user that may only read."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder, self._programs = folder, programs
        self.database = "litellm"
        self.label = f"postgresql://{folder}/litellm"

    def uri(self, password: str = "", user: str = "reader", database: str = "", **more: str) -> str:
        from urllib.parse import quote, urlencode

        secret = f":{quote(password, safe='')}" if password else ""
        return (
            f"postgresql://{user}{secret}@/{database or self.database}?{urlencode({'host': str(self.folder), **more})}"
        )

    def sql(self, text: str, database: str = "") -> str:
        """Runs a statement as the owner."""
        command = [
            str(self._programs / "psql"),
            "-h",
            str(self.folder),
            "-U",
            "postgres",
            "-d",
            database or self.database,
        ]
        return self.run([*command, "-v", "ON_ERROR_STOP=1", "-qAt", "-c", text])

    def run(self, command: Sequence[str]) -> str:
        done = subprocess.run(_as_other(command), capture_output=True, text=True, cwd=self.folder, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def control(self, *words: str) -> None:
        """Starts or stops the server."""
        options = f"-c listen_addresses='' -k {self.folder} -c fsync=off -c full_page_writes=off"
        log = str(self.folder / "log")
        self.run(
            [str(self._programs / "pg_ctl"), "-D", str(self.folder / "data"), "-o", options, "-l", log, "-w", *words]
        )


def _as_other(command: Sequence[str]) -> list[str]:
    """The command, as user postgres where we are root: the server refuses to run as root."""
    return ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else list(command)


def _programs() -> Path:
    on_path = shutil.which("initdb")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")) or ([Path(on_path).resolve()] if on_path else [])
    if not found:
        missing("no initdb: install the package postgresql (scripts/system-packages)")
    return found[-1].parent


@contextmanager
def server() -> Iterator[Server]:
    """A new server with the database ``litellm`` and an empty table of spend logs."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="pg"))  # short: a socket's path has at most 107 characters
    folder.chmod(0o755)
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    found = Server(folder, programs)
    try:
        access = folder / "hba"
        access.write_text("local all postgres trust\nlocal all all scram-sha-256\n")
        found.run(
            [
                str(programs / "initdb"),
                "-D",
                str(folder / "data"),
                "-U",
                "postgres",
                "--auth=trust",
                "-E",
                "UTF8",
                "--no-sync",
                "--locale=C.UTF-8",
            ]
        )
        found.run(["cp", str(access), str(folder / "data" / "pg_hba.conf")])
        found.control("start")
        found.sql("CREATE DATABASE litellm", "postgres")
        found.sql(f"CREATE ROLE reader LOGIN PASSWORD '{PASSWORD}'")
        found.sql(f"{TABLE}; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
        yield found
    finally:
        stop: list[Any] = _as_other([str(programs / "pg_ctl"), "-D", str(folder / "data"), "-m", "immediate", "stop"])
        subprocess.run(stop, capture_output=True, check=False, cwd="/")
        shutil.rmtree(folder, ignore_errors=True)
