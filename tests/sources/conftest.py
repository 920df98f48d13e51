"""Makes a failed case say what came out and what was expected."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("tests.sources.cases")
