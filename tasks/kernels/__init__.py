"""Compiled loops over columns: numba, arrays in and arrays out, each with a slow twin in tests."""

from __future__ import annotations

import sys

#: What numba imports for what no kernel here uses: scipy for its BLAS, a third of it, and cffi for its C functions; 0.4 s of every start.
#: It is content to find neither.
_UNUSED = tuple(name for name in ("scipy", "cffi") if name not in sys.modules)

sys.modules.update(dict.fromkeys(_UNUSED))  # type: ignore[arg-type]  # None makes an import fail
try:
    import numba.core.typing.cffi_utils
    import numba.np.arraymath  # noqa: F401
finally:
    for _name in _UNUSED:
        del sys.modules[_name]
