"""The made-up sites are what their labels say, and mining alone tells frame from text in them."""

from __future__ import annotations

import json

import template_sites as sites
import templates as bench


def test_every_line_of_the_sites_is_labelled(tmp_path):
    labels = sites.write(tmp_path / "in", 1)
    for (source, record, line), (_, text) in labels.items():
        path = tmp_path / "in" / source
        whole = path.read_text(encoding="utf-8")
        if source.endswith(".jsonl"):
            whole = json.loads(whole.split("\n")[record])["text"]
        assert whole.split("\n")[line - 1] == text
    assert {label for label, _ in labels.values()} == {"frame", "text", "either"}
    assert len({source.split("/")[0] for source, _, _ in labels}) == len(sites.SITES) + 1


def test_mining_alone_takes_frames_and_leaves_text(tmp_path):
    labels = sites.write(tmp_path / "in", 7)
    gone, _, _ = bench.mined(tmp_path / "in", tmp_path / "out", packs=False)
    found = bench.score(labels, gone)["all"]
    assert found.gone["frame"] >= 0.98 * found.total["frame"], found.wrong[:10]
    assert found.gone["text"] <= 0.001 * found.total["text"], found.wrong[:10]
