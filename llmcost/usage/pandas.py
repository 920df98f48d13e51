"""Keeps pandas out of a process that has no use for it, and lets it in for who has.

pyarrow imports pandas, where that is installed, before it makes its first array
(``_PandasAPIShim`` in https://github.com/apache/arrow/blob/main/python/pyarrow/pandas-shim.pxi, 2026-11-24): 0.15 s. Nobody
here hands it anything of pandas'. Only the command line keeps it out: in Python the process is its owner's.
"""

from __future__ import annotations

import sys


class _Out:
    """A finder that finds no pandas."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        """Nothing for every other name, so that the next finder is asked."""
        del path, target
        if name == "pandas":
            raise ModuleNotFoundError("pandas is kept out", name=name)


def keep_out() -> None:
    """From now on an import of pandas fails; where it is loaded already nothing changes."""
    sys.meta_path.insert(0, _Out)


def let_in() -> None:
    """Undoes :func:`keep_out`."""
    if _Out in sys.meta_path:
        sys.meta_path.remove(_Out)
