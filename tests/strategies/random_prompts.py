"""Random logs for prompt caches: prompts that share beginnings, calls in flight, several owners and names of a model."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from hypothesis import strategies as st

from tests.strategies.playing import Row, after

BLOCK: Final = 128
# Two spellings of one model, one of another family, and an OpenAI one.
MODELS: Final = (
    ("anthropic", "claude-sonnet-4-5"),
    ("anthropic", "claude-sonnet-4-5-20250929"),
    ("anthropic", "claude-opus-5-5"),
    ("openai", "gpt-4o"),
)


@dataclass(frozen=True)
class Prompt:
    """A path through a tree of blocks; ``row`` is the log's own."""

    row: Row
    path: tuple[int, ...]


def key_of(path: tuple[int, ...]) -> int:
    """A key per path: equal at k means equal up to k."""
    key = 0
    for step in path:
        key = key * 40 + step + 1
    return key


Choose = Callable[[Sequence[Any]], Any]


def prompt(
    choose: Choose, number: int, owners: Sequence[str], models: Sequence[tuple[str, str]], root: tuple[int, ...] = ()
) -> Prompt:
    """A random call; what is likely stands in the choices more than once."""
    path = root + tuple(choose([0, 0, 0, 0, 1, 2]) for _ in range(choose(range(6))))
    provider, model = choose(models)
    row: dict[str, Any] = {
        "request_id": f"r{number}",
        "provider_name": provider,
        "request_model": model,
        "organization": choose(owners),
        "project": choose(["p", "p", "p", "q"]),
        "input_tokens": max(0, len(path) * BLOCK + choose([0, 1, 77, -1, -100])),
        "output_tokens": choose(range(10)),
        "status": choose(["ok", "ok", "ok", "ok", "error", "partial"]),
        "started_at": choose([None, *[after(half / 2) for half in range(25)]]),
        "time_to_first_token_ms": choose([None, 0, 500, 2000, 4000, 7000]),
        "duration_ms": choose([None, None, 4000]),
        "cache_breakpoints": choose(
            [None, None, None, None, [BLOCK * 2], [100, BLOCK * 3 + 5], [BLOCK, BLOCK * 4], [0, BLOCK * 9]]
        ),
        "requests": choose([None, None, None, 1, 1, 0]),
    }
    if path or choose([True, False]):
        row |= {"prefix_keys": [key_of(path[: k + 1]) for k in range(len(path))], "prefix_block_tokens": BLOCK}
    return Prompt({name: value for name, value in row.items() if value is not None}, path)


@st.composite
def prompts(draw: st.DrawFn) -> list[Prompt]:
    """A few calls, which hypothesis can make fewer."""

    def choose(items: Sequence[Any]) -> Any:
        return draw(st.sampled_from(items))

    models = [*MODELS, MODELS[0], MODELS[0]]
    return [prompt(choose, number, "aaab", models) for number in range(draw(st.integers(1, 14)))]


def crowd(seed: int) -> list[Prompt]:
    """Thirty small logs in one, of an organization each, dense enough that calls overlap and lives end."""
    dice = random.Random(seed)
    made: list[Prompt] = []
    for owner in range(30):
        models = dice.sample(MODELS, dice.choice([1, 1, 2]))
        for _ in range(dice.randint(4, 10)):
            made.append(prompt(dice.choice, len(made), [f"o{owner}"], models, (owner,)))
    dice.shuffle(made)
    return made
