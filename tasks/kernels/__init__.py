"""Compiled loops over columns: numba, arrays in and arrays out, each with a slow twin in tests."""

from __future__ import annotations

import sys

if "scipy" not in sys.modules:
    # Before its first kernel numba looks for scipy's BLAS, and imports a third of scipy to find it: 0.3 s of every start, for what no
    # kernel here uses. It is content to find none.
    sys.modules["scipy"] = None  # type: ignore[assignment]
    try:
        import numba.np.arraymath  # noqa: F401
    finally:
        del sys.modules["scipy"]
