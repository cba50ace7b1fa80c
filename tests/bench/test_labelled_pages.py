"""The labelled pages keep the figures that the rules reached on them, rules alone, each document by itself."""

from __future__ import annotations

from pathlib import Path

import boilerplate as bench
import pytest
from labelled_pages import read_set, read_site


@pytest.mark.parametrize(
    ("name", "least"),
    [("dev", 0.97), ("held", 0.97), ("later", 0.97), ("round1", 0.97), ("round2", 0.95), ("round3", 0.92), ("round4", 0.97)],
)
def test_labelled_pages_keep_what_is_wanted_and_lose_what_is_not(name: str, least: float) -> None:
    documents = read_set(name)
    figures = bench.score(documents, bench.by_rules(documents))
    lost, wanted = figures["wanted"]
    gone, unwanted = figures["unwanted"]
    assert lost <= 0.003 * wanted
    assert gone >= least * unwanted


def test_a_site_is_read_with_frames_slots_and_labels(tmp_path: Path) -> None:
    site = "%% def top who\n[attribution] 作者：{who}\n%% end\n%% doc a.txt\n题目\n%% use top who=张三\n\n正文\n"
    (tmp_path / "site.txt").write_text(site, encoding="utf-8")
    (document,) = read_site(tmp_path / "site.txt")
    assert (document.lines, document.labels) == (["题目", "作者：张三", "", "正文"], [None, "attribution", None, None])
    (tmp_path / "bad.txt").write_text(site.replace("who=张三", "name=张三"), encoding="utf-8")
    with pytest.raises(ValueError, match="not filled"):
        read_site(tmp_path / "bad.txt")
