"""The user's own settings that outlive a run: the secret key of content hashes, and defaults such as the memory limit.

Content keys (prompts, answers, prefixes) are BLAKE2 hashes under this secret, so they compare across all of the
user's stores and say nothing to anyone else. The secret is the text of ``LLMCOST_KEY`` where that is set (give a
team one long random text and its members' stores compare), else 32 random bytes that the first run writes, readable
for the user alone, to ``secret-key`` in ``$XDG_CONFIG_HOME/llmcost`` or ``~/.config/llmcost``.
"""

from __future__ import annotations

import os
import secrets
import tempfile
import tomllib
from decimal import Decimal
from hashlib import blake2b, sha256
from pathlib import Path
from typing import Any, Final

import tomli

from llmcost.errors import UsageError

KEY_VARIABLE: Final = "LLMCOST_KEY"
KEY_FILE: Final = "secret-key"
SECRET_BYTES: Final = 32
DEFAULT_STORE: Final = "llmcost.duckdb"
MEMORY_SHARE_PERCENT: Final = 70
"""Share of the memory there is that the engine may use before it spills."""


def config_folder() -> Path:
    """Where the user's settings live. A relative XDG_CONFIG_HOME is ignored, as the XDG specification (0.8) asks."""
    given = Path(os.environ.get("XDG_CONFIG_HOME") or ".")
    try:
        return (given if given.is_absolute() else Path.home() / ".config") / "llmcost"
    except RuntimeError as error:
        raise UsageError("there is no home folder for the secret key", hint=_HINT) from error


def user_secret() -> bytes:
    """The user's 32-byte secret, made on first use; UsageError when it can neither be read nor made."""
    text = os.environ.get(KEY_VARIABLE)
    if text:
        return blake2b(os.fsencode(text), digest_size=SECRET_BYTES, person=b"llmcost secret").digest()
    path = config_folder() / KEY_FILE
    try:
        if not path.exists():
            _create(path)
        return _read(path)
    except OSError as error:
        raise UsageError(
            f"the secret key cannot be kept there: {error.strerror}", where=str(path), hint=_HINT
        ) from error


_HINT = f"set {KEY_VARIABLE} to a long random text instead"


def _create(path: Path) -> None:
    """Write a new secret so that it appears whole or not at all, and that of two first runs one wins."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{KEY_FILE}-")  # mkstemp gives mode 0600
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(SECRET_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(name, path)
        except FileExistsError:
            return
        except OSError:  # a file system without hard links
            Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)


def _read(path: Path) -> bytes:
    try:
        secret = bytes.fromhex(path.read_text(encoding="ascii"))
    except ValueError:
        secret = b""
    if len(secret) != SECRET_BYTES:
        raise UsageError(
            "this is no secret key",
            where=str(path),
            why=f"the file should hold {2 * SECRET_BYTES} hexadecimal digits; without the old key, old content keys match nothing new",
            hint="restore it from a backup, or remove it and a new one is made",
        )
    return secret


def rekey_secret(secret: bytes) -> bytes:
    """The 16 bytes under which keys that a log supplies are hashed: a function of the user's secret of their own."""
    return blake2b(secret, digest_size=16, person=b"llmcost rekey").digest()


def _owner_prefix(secret: bytes) -> str:
    return blake2b(secret, digest_size=SECRET_BYTES, person=b"llmcost owner").hexdigest() + ":"


def owner_hash(text: str, secret: bytes) -> str:
    """What stands for a hidden user or API key: equal under one secret, and not to be guessed without it.

    SHA-256 because the engine has it too: :func:`owner_hash_sql` is the same function for whole columns. The digest
    is cut in half, so nothing can be appended to the hashed text either.
    """
    digest = sha256((_owner_prefix(secret) + text).encode(errors="surrogatepass")).hexdigest()
    return f"h_{digest[:32]}"


def owner_hash_sql(expression: str, secret: bytes) -> str:
    """DuckDB SQL of :func:`owner_hash` over a text expression; NULL stays NULL.

    The text holds a digest of the secret: it is for the engine alone, never for a log or a file.
    """
    return f"('h_' || left(sha256('{_owner_prefix(secret)}' || ({expression})), 32))"


def exact_toml(text: str) -> dict[str, Any]:
    """A TOML file with exact numbers; TOMLDecodeError for whatever cannot be read, however deep or long it is."""
    try:
        return tomli.loads(text, parse_float=Decimal)
    except tomli.TOMLDecodeError as error:
        raise tomllib.TOMLDecodeError(str(error)) from error
    except RecursionError as error:
        raise tomllib.TOMLDecodeError("it is nested too deep to be read") from error
    except (ValueError, ArithmeticError) as error:
        raise tomllib.TOMLDecodeError("it holds a number or a time that cannot be read") from error


def memory_available() -> int:
    """Bytes of memory this process may use: the machine's, or its control group's limit where that is lower."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for name in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            limit = Path(name).read_text(encoding="ascii").strip()
        except OSError:
            continue
        if limit.isdigit():
            total = min(total, int(limit))
    return total


def default_memory_limit() -> int:
    """Bytes the engine may use when the user does not say: 70 % of what there is."""
    return memory_available() * MEMORY_SHARE_PERCENT // 100
