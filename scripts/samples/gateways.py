"""Logs of gateways that forward calls: LiteLLM's payloads, Helicone, Portkey and Cloudflare, each a day or two."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from scripts.samples.dice import Dice, at, digest, seconds, stamp
from scripts.samples.files import Expected, Folder, dumps, expect, folder, jsonl, packed, pretty, table

Json = dict[str, Any]
MODELS: tuple[tuple[tuple[str, str, str, str, str, str], int], ...] = (
    (("openai", "gpt-4o-mini", "gpt-4o-mini-2024-07-18", "0.15", "0.075", "0.6"), 5),
    (("anthropic", "claude-haiku-4-5", "claude-haiku-4-5-20251001", "1", "0.1", "5"), 3),
    (("mistral", "mistral-small-2603", "mistral-small-2603", "0.15", "0.015", "0.6"), 2),
)
"""Provider, model asked for, model that answered, USD per million tokens of input, cache read and output."""
FEATURES = (("support-bot", "support"), ("marketing-copy", "growth"), ("invoice-extraction", "data"))


@dataclass(frozen=True)
class Call:
    """One forwarded call, before a gateway's spelling."""

    provider: str
    asked: str
    answered: str
    at: datetime
    took: timedelta
    rest: int
    read: int
    made: int
    cost: Decimal
    feature: str
    team: str
    user: str
    id: str
    upstream: str
    failed: bool
    hit: bool

    @property
    def whole(self) -> int:
        """All input tokens, cached ones included."""
        return self.rest + self.read

    def row(self) -> Json:
        """What the call means, in our columns."""
        row: Json = {"request_model": self.asked, "requests": 0 if self.hit else 1}
        if self.failed:
            return row
        return row | {
            "input_tokens": self.whole,
            "cache_read_input_tokens": self.read,
            "output_tokens": self.made,
        }


def calls(name: str, first: int, days: int, per_day: int, *, cached: bool = True) -> Iterator[Call]:
    """Some days of calls; a few fail, and some answers come again from the gateway's own cache."""
    dice = Dice(f"gateway {name}")
    for day in range(first, first + days):
        for number in range(per_day):
            provider, asked, answered, rate, cheap, dear = dice.weighted(MODELS)
            feature, team = dice.pick(FEATURES)
            rest, made = dice.around(200, 3800), dice.around(20, 500)
            read = 1024 if cached and rest > 2200 else 0
            cost = (Decimal(rate) * rest + Decimal(cheap) * read + Decimal(dear) * made) / 1_000_000
            failed = dice.chance(0.06)
            call = Call(
                provider, asked, answered, at(day, 8 * 3600 + number * 700 + dice.whole(0, 600)), timedelta(milliseconds=dice.around(500, 5000)), rest, read,
                made, Decimal(0) if failed else cost, feature, team, f"u-{dice.whole(1, 40):03d}", dice.uuid(),
                dice.token("msg_" if provider == "anthropic" else "chatcmpl-"), failed, hit=False,
            )  # fmt: skip
            yield call
            if not failed and dice.chance(0.1):
                again = timedelta(minutes=7)
                yield Call(
                    **{
                        **vars(call),
                        "at": call.at + again,
                        "took": timedelta(milliseconds=9),
                        "cost": Decimal(0),
                        "id": dice.uuid(),
                        "hit": True,
                    }
                )


def told(source: str, made: list[Call], **counted: int) -> Expected:
    """What the file of these calls holds."""
    return expect(
        source, [call.row() for call in made], failed=sum(c.failed for c in made), gateway_cache_hits=sum(c.hit for c in made),
        spend_usd=str(sum((call.cost for call in made), Decimal(0))), **counted,
    )  # fmt: skip


def _payload(call: Call) -> Json:
    counts = (0, 0) if call.failed else (call.whole, call.made)
    usage = None if call.failed else {
        "prompt_tokens": call.whole, "completion_tokens": call.made, "total_tokens": call.whole + call.made,
        "prompt_tokens_details": {"cached_tokens": call.read, "audio_tokens": None}, "completion_tokens_details": None,
    }  # fmt: skip
    own = f"{call.upstream}_cache_hit{seconds(call.at)}.5" if call.hit else call.upstream
    start, end = call.at.timestamp(), (call.at + call.took).timestamp()
    return {
        "id": own, "trace_id": call.id, "call_type": "acompletion", "cache_hit": call.hit or None, "stream": False,
        "status": "failure" if call.failed else "success", "custom_llm_provider": call.provider, "saved_cache_cost": 0.0, "startTime": start, "endTime": end,
        "completionStartTime": end, "response_time": end - start, "model": call.answered, "model_group": call.asked, "model_id": digest(call.asked, 64),
        "api_base": "", "metadata": {
            "user_api_key_hash": digest(call.team, 64), "user_api_key_alias": f"{call.feature}-key", "user_api_key_team_id": call.team,
            "user_api_key_org_id": "org-larkspur", "user_api_key_user_id": None, "usage_object": usage, "applied_guardrails": [],
        },
        "cache_key": digest(call.upstream, 64) if call.hit else None, "response_cost": float(call.cost), "prompt_tokens": counts[0],
        "completion_tokens": counts[1], "total_tokens": sum(counts), "request_tags": [f"feature:{call.feature}"], "end_user": call.user,
        "requester_ip_address": None, "messages": [{"role": "user", "content": "redacted-by-litellm"}],
        "response": None if call.failed else {"id": call.upstream, "object": "chat.completion", "model": call.answered, "usage": usage, "choices": []},
        "error_str": "overloaded" if call.failed else None, "error_information": None, "model_parameters": {"temperature": 0.2, "max_tokens": 600},
        "hidden_params": {"model_id": digest(call.asked, 64), "api_base": None, "response_cost": str(call.cost)},
    }  # fmt: skip


def litellm_logging() -> Folder:
    """The files of sample_logs/litellm_logging: one payload a line, and a batch as an array."""
    return _files(
        "litellm-logging",
        ("payloads.jsonl", 9, lambda made: jsonl(map(_payload, made))),
        ("batch.json.gz", 10, lambda made: pretty([_payload(call) for call in made])),
    )


def _helicone(call: Call) -> Json:
    counts: Json = dict.fromkeys(("prompt_tokens", "completion_tokens", "total_tokens", "prompt_cache_read_tokens"))
    if not call.failed:
        counts = {
            "prompt_tokens": call.rest, "completion_tokens": call.made, "total_tokens": call.rest + call.made, "prompt_cache_read_tokens": call.read,
        }  # fmt: skip
    host = {"openai": "api.openai.com", "anthropic": "api.anthropic.com", "mistral": "api.mistral.ai"}[call.provider]
    path = "v1/messages" if call.provider == "anthropic" else "v1/chat/completions"
    properties = {"Helicone-Session-Id": f"session-{call.user}", "feature": call.feature, "team": call.team}
    return {
        "request_id": call.id, "request_created_at": stamp(call.at), "request_model": call.asked, "model_override": None,
        "response_model": None if call.failed else call.answered, "response_status": 529 if call.failed else 200,
        "response_created_at": stamp(call.at + call.took), "provider": call.provider.upper(), "delay_ms": int(call.took / timedelta(milliseconds=1)),
        "time_to_first_token": None, **counts, "prompt_cache_write_tokens": None if call.failed else 0, "costUSD": None if call.failed else float(call.cost),
        "request_user_id": call.user, "request_properties": properties, "properties": properties, "request_path": f"https://{host}/{path}",
        "target_url": f"https://{host}", "cache_enabled": True, "cache_reference_id": digest(call.upstream, 32) if call.hit else None,
        "country_code": "DE", "feedback_rating": None, "scores": None,
    }  # fmt: skip


def helicone() -> Folder:
    """The files of sample_logs/helicone: JSONL, an API page, and CSV with JSON in its cells."""

    def cells(call: Call) -> Json:
        return {name: dumps(value) if isinstance(value, dict) else value for name, value in _helicone(call).items()}

    return _files(
        "helicone",
        ("requests.jsonl", 1, lambda made: jsonl(map(_helicone, made))),
        ("page.json.gz", 2, lambda made: pretty({"data": [_helicone(call) for call in made], "error": None})),
        ("requests.csv", 3, lambda made: table(list(_helicone(made[0])), map(cells, made))),
    )


def _portkey(call: Call) -> Json:
    counts = (0, 0) if call.failed else (call.whole, call.made)
    usage = {
        "prompt_tokens": call.whole, "completion_tokens": call.made, "total_tokens": call.whole + call.made, "prompt_tokens_details": {"cached_tokens": call.read},
    }  # fmt: skip
    answer = {
        "id": call.upstream, "object": "chat.completion", "created": seconds(call.at), "model": call.asked, "choices": [], "usage": usage,
    }  # fmt: skip
    return {
        "id": call.id, "trace_id": digest(call.id, 16), "created_at": stamp(call.at), "request": {"method": "POST", "body": {}},
        "response": {"status": 500 if call.failed else 200, "body": {} if call.failed else answer}, "ai_org": call.provider, "ai_model": call.asked,
        "req_units": counts[0], "res_units": counts[1], "total_units": sum(counts), "request_url": "https://api.portkey.ai/v1/chat/completions",
        "cost": float(call.cost * 100), "cost_currency": "USD", "response_time": int(call.took / timedelta(milliseconds=1)),
        "response_status_code": 500 if call.failed else 200, "cache_status": "HIT" if call.hit else "MISS", "virtual_key": f"vk-{call.team}", "config": None,
        "prompt_slug": None, "metadata": {"_user": call.user, "feature": call.feature, "team": call.team},
    }  # fmt: skip


def portkey() -> Folder:
    """The files of sample_logs/portkey: costs in cents, cached tokens only in the answers."""
    return _files("portkey", ("logs.jsonl", 15, lambda made: jsonl(map(_portkey, made))))


def _cloudflare(call: Call) -> Json:
    return {
        "id": f"01J{call.id.replace('-', '').upper()[:23]}", "created_at": stamp(call.at), "provider": call.provider, "model": call.asked, "model_type": "text",
        "path": "v1/messages" if call.provider == "anthropic" else "chat/completions", "success": not call.failed, "status_code": 503 if call.failed else 200,
        "cached": call.hit, "cost": float(call.cost), "custom_cost": False, "tokens_in": 0 if call.failed else call.whole,
        "tokens_out": 0 if call.failed else call.made, "duration": int(call.took / timedelta(milliseconds=1)),
        "metadata": dumps({"team": call.team, "feature": call.feature, "user_id": call.user}), "request_type": "", "request_content_type": "application/json",
        "response_content_type": "application/json", "step": 0,
    }  # fmt: skip


def _event(call: Call) -> Json:
    sealed = {
        "type": "encrypted",
        "key": digest(call.id, 32),
        "iv": digest(call.id, 16),
        "data": digest(call.upstream, 48),
    }
    return {
        "Cached": False, "Endpoint": "v1/messages" if call.provider == "anthropic" else "chat/completions", "Gateway": "larkspur", "Metadata": {"team": call.team},
        "Model": call.asked, "Provider": call.provider, "RateLimited": False, "RequestBody": sealed, "ResponseBody": sealed,
    }  # fmt: skip


def cloudflare_ai_gateway() -> Folder:
    """The files of sample_logs/cloudflare_ai_gateway: a page of logs, and events of Logpush, which count nothing."""
    pages = list(calls("cloudflare", 20, 1, 40, cached=False))
    rows = [call.row() | {"cache_read_input_tokens": None} for call in pages]
    page = {
        "success": True,
        "errors": [],
        "messages": [],
        "result": [_cloudflare(call) for call in pages],
        "result_info": {"count": len(pages), "page": 1},
    }
    events = [call for call in calls("logpush", 21, 1, 20) if not call.hit]
    unknown = [{"request_model": call.asked} for call in events]
    expected = {
        "logs.json": expect("cloudflare-ai-gateway", rows, spend_usd=str(sum((c.cost for c in pages), Decimal(0)))),
        "logpush.jsonl": expect("cloudflare-ai-gateway", unknown),
    }
    return folder({"logs.json": pretty(page), "logpush.jsonl": jsonl(map(_event, events))}, expected)


def _files(source: str, *plans: tuple[str, int, Callable[[list[Call]], bytes]]) -> Folder:
    files: Folder = {}
    expected: dict[str, Expected] = {}
    for name, first, written in plans:
        made = list(calls(f"{source} {name}", first, 1, 40))
        files[name] = packed(written(made)) if name.endswith(".gz") else written(made)
        expected[name] = told(source, made)
    return folder(files, expected)
