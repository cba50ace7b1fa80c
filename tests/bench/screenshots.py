"""Pictures of the report for the README, from the sample corpus: `python -m tests.bench.screenshots [FOLDER]` writes PNG files."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

import browser  # noqa: E402 (beside the tests)
import whole  # noqa: E402

#: Name of the picture -> where in the page, keys pressed there, and the context of the browser.
NARROW = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2}
SHOTS: dict[str, tuple[str, str, dict]] = {
    "report": ("#overview", "", {"viewport": {"width": 1280, "height": 1100}}),
    "report-review": ("#repeats", "j", {}),
    "report-sides": ("#repeats", "jjd", {"color_scheme": "dark"}),
    "report-threshold": ("#threshold", "", {}),
    "report-document": ("#documents", "", {}),
    "report-narrow": ("#overview", "", NARROW),
    "report-narrow-detail": ("#repeats", "j", NARROW),
}


def take(report: Path, folder: Path) -> list[Path]:
    """Write one PNG a shot; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    with browser.browser() as running:
        for name, (at, keys, context) in SHOTS.items():
            with browser.page(running, report, at, **context) as (view, _):
                for key in keys:
                    view.keyboard.press(key)
                view.wait_for_timeout(200)
                made.append(folder / f"{name}.png")
                view.screenshot(path=made[-1])
    return made


def main() -> None:
    """Run the sample corpus and take the pictures."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / ".github"
    with tempfile.TemporaryDirectory() as scratch:
        run = whole.run([ROOT / "corpus"], Path(scratch) / "out")
        for path in take(run.snapshot / "report" / "index.html", folder):
            print(path)


if __name__ == "__main__":
    main()
