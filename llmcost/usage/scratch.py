"""Folders for temporary data that a killed process leaves behind and the next run takes away.

A folder belongs to the process that holds the lock inside it: the system gives the lock back however the process ends,
so a folder whose lock can be taken has no owner. Process numbers would be guessed wrong once they are used again, or
from inside a container.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

_LOCK: Final = "owner.lock"


class Scratch:
    """A folder of this process under ``parent``, named ``prefix`` and something; those of dead processes are removed."""

    def __init__(self, parent: Path, prefix: str) -> None:
        _sweep(parent, prefix)
        self._lock: int | None = None
        self.users = 1
        while self._lock is None:
            self.path = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
            self._lock = _locked(self.path)

    @classmethod
    def shared(cls, parent: Path, prefix: str) -> Scratch:
        """The one folder of this process for ``prefix``: the engine opens a store once, with one place to spill to."""
        found = _shared.get((parent, prefix))
        if found is None or not found.users:
            found = _shared[parent, prefix] = cls(parent, prefix)
        else:
            found.users += 1
        return found

    def remove(self) -> None:
        """Deletes the folder and all in it, once all who share it have asked for that."""
        self.users -= 1
        if self._lock is not None and not self.users:
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(self._lock)
            self._lock = None


_shared: Final[dict[tuple[Path, str], Scratch]] = {}


def _locked(folder: Path) -> int | None:
    """The lock of a new folder; None when another process found it without an owner first and took it away."""
    try:
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except FileNotFoundError:
        return None
    fcntl.flock(lock, fcntl.LOCK_EX)
    if (folder / _LOCK).exists():
        return lock
    os.close(lock)
    return None


def _sweep(parent: Path, prefix: str) -> None:
    for folder in parent.glob(f"{_literal(prefix)}*"):
        if not folder.is_symlink() and folder.is_dir() and folder.lstat().st_uid == os.getuid() and _is_dead(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _literal(prefix: str) -> str:
    return "".join(f"[{char}]" if char in "*?[" else char for char in prefix)


def _is_dead(folder: Path) -> bool:
    """Whether nobody holds the folder's lock; one that has none yet is being made."""
    try:
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(lock)
    return True
