"""Writes sample_logs/: made-up exports in the real shapes of many sources, the same bytes every time.

``python -m scripts.make_samples`` writes what changed. The numbers in each ``expected.json`` are added up here, while
the files are made, and know nothing of the code that reads them.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Final

from scripts.samples import (
    agents,
    anthropic_messages,
    aws,
    azure,
    buckets,
    charges,
    claude_code,
    codex,
    focus,
    gateways,
    google_cloud,
    hosts,
    litellm,
    openai_bodies,
    openai_chat,
    openai_responses,
    openrouter,
    openrouter_activity,
    otlp,
    realtime,
    servers,
    tracing,
    two_months,
    usage_rows,
)
from scripts.samples.files import Folder

SAMPLES = Path(__file__).parent.parent / "sample_logs"
FOLDERS: Final[dict[str, Callable[[], Folder]]] = {
    "anthropic_batch": openai_bodies.anthropic_batch,
    "anthropic_console": charges.anthropic_console,
    "anthropic_console_cost": charges.anthropic_console_cost,
    "anthropic_cost_report": charges.anthropic_cost_report,
    "aider": agents.aider,
    "anthropic_messages": anthropic_messages.build,
    "anthropic_usage_report": buckets.anthropic_usage_report,
    "claude_code": claude_code.build,
    "codex": codex.build,
    "focus": focus.build,
    "gemini_cli": agents.gemini_cli,
    "cloudflare_ai_gateway": gateways.cloudflare_ai_gateway,
    "helicone": gateways.helicone,
    "langfuse": tracing.langfuse,
    "langsmith": tracing.langsmith,
    "litellm_logging": gateways.litellm_logging,
    "litellm_spend_logs": litellm.build,
    "openai_batch": openai_bodies.openai_batch,
    "openai_chat": openai_chat.build,
    "openai_completions": openai_bodies.openai_completions,
    "openai_costs": charges.openai_costs,
    "openai_dashboard": buckets.openai_dashboard,
    "openai_embeddings": openai_bodies.openai_embeddings,
    "openai_media": openai_bodies.openai_media,
    "openai_realtime": realtime.build,
    "openai_responses": openai_responses.build,
    "openai_usage": buckets.openai_usage,
    "openai_usage_legacy": openai_bodies.openai_usage_legacy,
    "openrouter_activity": openrouter_activity.build,
    "openrouter_api": openrouter.api,
    "openrouter_chat": openrouter.chat,
    "otlp_json": otlp.build,
    "phoenix": tracing.phoenix,
    "portkey": gateways.portkey,
    "tgi": servers.tgi,
    "two_months": two_months.build,
    "usage_rows": usage_rows.build,
    "vllm": servers.vllm,
    **hosts.BUILDERS,
    **aws.BUILDERS,
    **azure.BUILDERS,
    **google_cloud.BUILDERS,
}
"""Folder of sample_logs -> what builds its files."""


def content(name: str, data: bytes) -> bytes:
    """What a file holds; zlib versions pack the same content into different bytes."""
    return gzip.decompress(data) if name.endswith(".gz") else data


def write(folder: str) -> list[Path]:
    """Writes the files of a folder whose content changed and removes those it no longer has; gives their paths."""
    target = SAMPLES / folder
    target.mkdir(parents=True, exist_ok=True)
    files = FOLDERS[folder]()
    changed = [target / name for name, data in files.items() if not _same(target / name, data)]
    for path in changed:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(files[path.relative_to(target).as_posix()])
    gone = [path for path in target.rglob("*") if path.is_file() and path.relative_to(target).as_posix() not in files]
    for path in gone:
        path.unlink()
    return changed + gone


def _same(path: Path, data: bytes) -> bool:
    return path.exists() and content(path.name, path.read_bytes()) == content(path.name, data)


def main() -> None:
    """Writes every folder and says what changed."""
    for folder in FOLDERS:
        for path in write(folder):
            print(f"{'wrote' if path.exists() else 'removed'} {path.relative_to(SAMPLES.parent)}")


if __name__ == "__main__":
    main()
