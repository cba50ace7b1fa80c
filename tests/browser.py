"""A real Chromium for tests and screenshots: the machine's own, or Debian's, installed where that is allowed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

PACKAGES = ("chromium", "fonts-noto-cjk")
#: What a browser does for itself over the network is switched off: any request that remains is the page's.
FLAGS = (
    "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--force-color-profile=srgb", "--font-render-hinting=none",
)  # fmt: skip


@cache
def executable() -> str:
    """Path of a Chromium: CHROMIUM names one, else it is searched, else Debian's is installed; empty when there is none to be had."""
    found = os.environ.get("CHROMIUM") or _search()
    if not found and shutil.which("apt-get") and os.geteuid() == 0:
        quiet = {"DEBIAN_FRONTEND": "noninteractive", **os.environ}
        for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *PACKAGES]):
            subprocess.run(command, env=quiet, check=False, capture_output=True, timeout=600)
        found = _search()
    return found


def _search() -> str:
    return next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), "")


@contextmanager
def browser() -> Iterator[Any]:
    """A running browser of playwright's, without a download of its own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=executable(), args=list(FLAGS))
        try:
            yield running
        finally:
            running.close()


@contextmanager
def page(running: Any, path: Path, at: str = "", **context: Any) -> Iterator[tuple[Any, list[str]]]:
    """The file in a fresh page, ready, and a list that collects errors, dialogs and requests for anything but the file."""
    trouble: list[str] = []
    shown = running.new_context(**{"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce", **context})
    view = shown.new_page()
    view.on("console", lambda message: trouble.append(f"{message.type}: {message.text}") if message.type in ("error", "warning") else None)
    view.on("pageerror", lambda error: trouble.append(f"error: {error}"))
    view.on("dialog", lambda dialog: (trouble.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    view.on(
        "request",
        lambda request: trouble.append(f"request: {request.url}") if not request.url.startswith((path.as_uri(), "blob:")) else None,
    )
    view.goto(path.as_uri() + at)
    view.wait_for_selector("body[data-ready=yes]", state="attached", timeout=15_000)
    try:
        yield view, trouble
    finally:
        shown.close()
