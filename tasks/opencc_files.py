"""Whether the module `opencc` on this machine is the library we call: three packages install one of that name over each other.

`opencc` (official), `opencc-py` and `opencc-python-reimplemented` all own a folder `opencc/`. pip says nothing: the last one
installed wins, and uninstalling any of them takes files of the others with it.
"""

from __future__ import annotations

import base64
import hashlib
from importlib import metadata

OURS = "opencc-python-reimplemented"
RIVALS = ("opencc", "opencc-py")


def collision(path: list[str] | None = None) -> str:
    """What is wrong with the installed files of opencc-python-reimplemented and how to mend it; empty when nothing is.

    path : folders to look for packages in, as sys.path (the default).
    """
    found = {_name(each): each for each in reversed(list(metadata.distributions(path=path) if path else metadata.distributions()))}
    rivals = [name for name in RIVALS if name in found]
    there = [*rivals, OURS] if OURS in found else rivals
    mend = f"uninstall {' and '.join(there)}, then install {OURS} again"
    if OURS not in found:
        return f"{OURS} is not installed; {mend if rivals else 'install it'}"
    missing, changed = _damage(found[OURS])
    by = f" by {' or '.join(rivals)}" if rivals else " by a package that was installed or removed after it (opencc, opencc-py)"
    if changed:
        return f"{changed[0]} of {OURS} was replaced{by}, so that `import opencc` is another library; {mend}"
    if missing:
        return f"{missing[0]} of {OURS} was removed{by}; {mend}"
    if rivals:
        return f"{' and '.join(rivals)} installs files into the folder of {OURS}: whichever is updated or removed next breaks it; {mend}"
    return ""


def _name(package: metadata.Distribution) -> str:
    return str(package.metadata["Name"] or "").lower().replace("_", "-")


def _damage(package: metadata.Distribution) -> tuple[list[str], list[str]]:
    """Files of the module that are gone, and that are not what was installed (by the digests that pip wrote down)."""
    missing, changed = [], []
    for file in package.files or []:
        if file.parts[0] != "opencc" or file.suffix == ".pyc":
            continue
        try:
            content = file.read_binary()
        except OSError:
            missing.append(str(file))
            continue
        if file.hash and file.hash.mode == "sha256":
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            if digest != file.hash.value:
                changed.append(str(file))
    return missing, changed
