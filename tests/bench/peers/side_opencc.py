"""One library that installs a module `opencc`: converts texts by configurations, one call a text.

side_opencc.py FOLDER LIMIT CONFIG...: every FOLDER/*.txt, its first LIMIT characters (0 for all); the results go to
FOLDER/CONFIG/NAME.txt when LIMIT is 0. Prints JSON: processor seconds, best of three (of one where everything is converted), and
bytes of UTF-8, by text and configuration; null where the library does not know the configuration.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import opencc


def timed(converter: object, text: str, repeat: int) -> tuple[float, str]:
    """Least processor time of some calls, and the result."""
    seconds, out = [], ""
    for _ in range(repeat):
        start = time.process_time()
        out = converter.convert(text)  # type: ignore[attr-defined]
        seconds.append(time.process_time() - start)
    return min(seconds), out


def main(folder: Path, limit: int, configs: list[str]) -> None:
    """All texts by all configurations."""
    found: dict[str, dict[str, list[float] | None]] = {}
    for path in sorted(folder.glob("*.txt")):
        text = path.read_text("utf-8")
        text = text[:limit] if limit else text
        for config in configs:
            try:
                converter = opencc.OpenCC(config)
                converter.convert("头")
            except Exception:  # each library has an error of its own for a configuration that it does not know
                found.setdefault(path.stem, {})[config] = None
                continue
            seconds, out = timed(converter, text, 3 if limit else 1)
            found.setdefault(path.stem, {})[config] = [seconds, len(text.encode())]
            if not limit:
                (folder / config).mkdir(exist_ok=True)
                (folder / config / path.name).write_text(out, encoding="utf-8", newline="")
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
