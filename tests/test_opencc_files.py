"""Packages that install a module `opencc` over each other are found, whichever came last and whichever was removed."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from tasks.opencc_files import OURS, collision

FILES = {
    OURS: {"opencc/__init__.py": "from .opencc import OpenCC", "opencc/opencc.py": "class OpenCC: pass", "opencc/config/s2t.json": "{}"},
    "opencc": {"opencc/__init__.py": "__version__ = '1.4.2'", "opencc/clib/opencc_clib.so": "binary"},
    "opencc-py": {"opencc/__init__.py": "__version__ = '1.4.2'", "opencc/config/s2t.json": "{ }"},
}


def install(site: Path, name: str) -> None:
    """What pip does: write the files over what stands there, and note their digests."""
    info = site / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    record = []
    for file, content in FILES[name].items():
        (site / file).parent.mkdir(parents=True, exist_ok=True)
        (site / file).write_text(content)
        digest = base64.urlsafe_b64encode(hashlib.sha256(content.encode()).digest()).rstrip(b"=").decode()
        record.append(f"{file},sha256={digest},{len(content)}")
    (info / "RECORD").write_text("\n".join([*record, f"{info.name}/METADATA,,", f"{info.name}/RECORD,,"]) + "\n")


def uninstall(site: Path, name: str) -> None:
    """What pip does: remove the files it noted, whoever wrote them last."""
    for file in FILES[name]:
        (site / file).unlink(missing_ok=True)
    info = site / f"{name.replace('-', '_')}-1.0.dist-info"
    for file in info.iterdir():
        file.unlink()
    info.rmdir()


def test_alone_it_is_sound(tmp_path: Path) -> None:
    install(tmp_path, OURS)
    assert collision([str(tmp_path)]) == ""


def test_the_official_package_installed_after_it_has_replaced_it(tmp_path: Path) -> None:
    install(tmp_path, OURS)
    install(tmp_path, "opencc")
    assert collision([str(tmp_path)]) == (
        "opencc/__init__.py of opencc-python-reimplemented was replaced by opencc, so that `import opencc` is another library; "
        "uninstall opencc and opencc-python-reimplemented, then install opencc-python-reimplemented again"
    )


def test_the_official_package_installed_before_it_is_a_danger(tmp_path: Path) -> None:
    install(tmp_path, "opencc")
    install(tmp_path, OURS)
    assert "whichever is updated or removed next breaks it" in collision([str(tmp_path)])


def test_removing_the_other_package_leaves_holes(tmp_path: Path) -> None:
    install(tmp_path, OURS)
    install(tmp_path, "opencc-py")
    assert "replaced by opencc-py" in collision([str(tmp_path)])
    uninstall(tmp_path, "opencc-py")
    found = collision([str(tmp_path)])
    assert found.startswith(
        "opencc/__init__.py of opencc-python-reimplemented was removed by a package that was installed or removed after it"
    )


def test_a_changed_file_without_a_rival_is_found_too(tmp_path: Path) -> None:
    install(tmp_path, OURS)
    (tmp_path / "opencc" / "opencc.py").write_text("import this")
    assert "opencc/opencc.py of opencc-python-reimplemented was replaced" in collision([str(tmp_path)])


def test_without_it_the_message_says_what_to_install(tmp_path: Path) -> None:
    assert collision([str(tmp_path)]) == "opencc-python-reimplemented is not installed; install it"
    install(tmp_path, "opencc")
    assert "uninstall opencc" in collision([str(tmp_path)])


def test_this_environment_is_sound() -> None:
    assert collision() == ""
