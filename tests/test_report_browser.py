"""The report in a real Chromium: every view, key, layer and decision, hostile text, a large list, accessibility, both schemes, narrow windows."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import axe
import browser
import fake_snapshot
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import whole
from test_report import HOSTILE

from tasks import report, report_parts
from tasks.passage_decisions import passage_decisions
from tasks.store.schemas import FAMILIES, OCCURRENCES

ROOT = Path(__file__).resolve().parents[1]
VIEWS = ("overview", "repeats", "removed", "rules", "threshold", "sources", "documents", "settings")
NARROW = {"viewport": {"width": 390, "height": 844}}


@pytest.fixture(scope="module")
def running() -> Iterator[Any]:
    if not browser.executable():
        message = "no Chromium here, and none could be installed (apt-get install chromium fonts-noto-cjk, or name one in CHROMIUM)"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    with browser.browser() as found:
        yield found


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    snapshot = fake_snapshot.write(tmp_path_factory.mktemp("plain") / "snapshot")
    return report.build(snapshot, snapshot / "report")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    snapshot = fake_snapshot.write(tmp_path_factory.mktemp("hostile") / "snapshot", HOSTILE)
    return report.build(snapshot, snapshot / "report")


@pytest.fixture(scope="module")
def sample(sample_run: whole.Run) -> Path:
    return sample_run.snapshot / "report" / "index.html"


def at(view: Any) -> str:
    return view.evaluate("location.hash")


def keys(view: Any, *pressed: str) -> None:
    for key in pressed:
        view.keyboard.press(key)
        view.wait_for_timeout(30)


@pytest.mark.parametrize("which", ["sample", "hostile"])
def test_every_view_opens_without_error_dialog_or_request(which: str, running: Any, request: pytest.FixtureRequest) -> None:
    path = request.getfixturevalue(which)
    for name in VIEWS:
        with browser.page(running, path, f"#{name}") as (view, trouble):
            assert view.locator(".view.on").get_attribute("id") == name
            assert view.locator("nav a[aria-current]").get_attribute("href") == f"#{name}"
            for details in view.locator(f"#{name} details").all():
                details.evaluate("one => { one.open = true; }")
            assert view.locator(f"#{name}").inner_text().strip()
            assert trouble == []


def test_hostile_text_is_shown_as_text_in_every_detail(running: Any, hostile: Path) -> None:
    with browser.page(running, hostile, "#repeats") as (view, trouble):
        for _ in range(view.evaluate("total")):
            keys(view, "j", "d", "n", "r", "1")
        keys(view, "e")
        assert "[[passage]]" in view.locator("#exported textarea").input_value()
        assert view.locator("main img, main iframe, main script, main [onclick], main [onload]").count() == 0
        assert "<img src=x onerror=alert(1)>" in view.locator("#detail").inner_text()
        assert "⟨RLO⟩" in view.locator("#detail .glyph").first.inner_text()
        assert trouble == []


def test_overview_shows_that_it_adds_up_and_what_is_in_quarantine(running: Any, sample: Path, sample_run: whole.Run) -> None:
    numbers = json.loads((sample.parent / "summary.json").read_text(encoding="utf-8"))["characters"]
    with browser.page(running, sample) as (view, _):
        shown = view.locator("#overview .waterfall").inner_text()
        parts = [int(text.replace(",", "")) for text in re.findall(r"−([\d,]+)", shown)]
        assert numbers["read"] - sum(parts) == numbers["kept"]
        assert f"{numbers['kept']:,}" in shown
        assert "It adds up" in view.locator(".right-sum").inner_text()
        assert "torn-scan.txt" in view.locator(".banner").inner_text()
        boxes = [box.bounding_box() for box in view.locator(".fall rect").all()]
        ends = [(round(box["x"]), round(box["x"] + box["width"])) for box in boxes]
        # Each bar begins where the one below ends: the eye can add it up too.
        assert all(abs(before[0] - after[1]) <= 2 for before, after in pairwise(ends[1:-1]))
        assert abs(ends[-2][0] - ends[-1][1]) <= 2


def test_two_clicks_from_the_overview_to_why_a_passage_went(running: Any, plain: Path) -> None:
    with browser.page(running, plain) as (view, _):
        view.click("#overview .tiles a:nth-child(4)")
        view.locator("#list .option", has_text="城门").click()
        detail = view.locator("#detail").inner_text()
        assert "Kept because its collection comes first in input.priority" in detail
        assert "0.824" in detail
        assert "estimated 0.812" in detail
        assert at(view).startswith("#repeats/c")


def test_keys_walk_through_the_list_and_its_copies(running: Any, plain: Path) -> None:
    with browser.page(running, plain) as (view, trouble):
        keys(view, "j")
        assert view.locator(".view.on").get_attribute("id") == "repeats"
        keys(view, "j")
        second = at(view)
        keys(view, "j", "k")
        assert at(view) == second
        assert view.locator(".option[aria-selected=true]").count() == 1
        keys(view, "p")
        assert view.locator(".copies .current").get_attribute("id") == "copy-0"
        keys(view, "n")
        assert view.locator(".copies .current").get_attribute("id") == "copy-1"
        keys(view, "/")
        assert view.evaluate("document.activeElement.id") == "query"
        view.keyboard.type("j1")  # letters belong to the field
        assert view.locator("#query").input_value() == "j1"
        keys(view, "Escape")
        assert view.locator("#query").input_value() == ""
        keys(view, "?")
        assert view.locator("#help").is_visible()
        keys(view, "Escape", "o")
        assert view.locator(".view.on").get_attribute("id") == "overview"
        assert trouble == []


def test_each_layer_of_difference_can_be_taken_away(running: Any, plain: Path) -> None:
    with browser.page(running, plain, "#repeats") as (view, _):
        view.locator("#list .option", has_text="城门").click()
        copy = view.locator("#copy-1")
        assert copy.locator(".inline .edit del").all_inner_texts() == ["七"]
        assert copy.locator(".inline .edit ins").all_inner_texts() == ["八"]
        assert copy.locator(".inline .script ins").count() > 3
        view.click(".layer-script")
        assert copy.locator(".inline .script").count() == 0
        assert copy.locator(".inline .edit").count() == 1
        view.click(".layer-edit")
        assert copy.locator(".inline ins, .inline del").count() == 0
        view.click(".layer-edit")
        view.click(".layer-script")
        keys(view, "r")  # normalized: script is no difference
        assert copy.locator(".inline .script").count() == 0
        keys(view, "r", "d")
        left, right = copy.locator(".sides > div").all_inner_texts()
        assert left == "城门外的集市每逢初七开张，卖糖人的师傅总是第一个到，最后一个走。"
        assert right == "城門外的集市每逢初八開張，賣糖人的師傅總是第一個到，最後一個走。"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", 3), ("source:podcast", 1), ("kind:family", 1), ("kind:edited", 1), ("sim:<0.9", 2), ("sim:>=1", 1), ("size:>=2", 1), ("reason:near", 2),
        ("category:sponsor", 1), ("text:糖人", 1), ("賣糖", 1), ("-kind:family", 2), ("kind:cluster sim:<0.9", 1), ('text:"nothing here"', 0), ("decision:undecided", 3),
    ],
)  # fmt: skip
def test_queries_find_what_they_say(query: str, found: int, running: Any, plain: Path) -> None:
    with browser.page(running, plain, "#repeats") as (view, _):
        view.fill("#query", query)
        view.wait_for_timeout(150)
        assert view.locator("#count").inner_text() == f"{found} of 3"
        assert view.locator("#list .option").count() == found


def test_decisions_are_counted_taken_back_kept_and_exported_as_the_file_the_pipeline_reads(running: Any, plain: Path) -> None:
    with browser.page(running, plain, "#repeats") as (view, trouble):
        view.locator("#list .option", has_text="城门").click()
        keys(view, "1", "4", "u")
        assert view.locator("#decided").inner_text() == "1 of 3 decided"
        view.locator("#list .option", has_text="本期节目").click()
        view.fill("#note", 'ours, "not" an ad')
        view.locator("#copy-1").click(position={"x": 5, "y": 5})
        keys(view, "3")
        assert view.locator("#decided").inner_text() == "2 of 3 decided"
        assert view.locator(".option .done").count() == 2
        keys(view, "e")
        with view.expect_download() as download:
            view.click("#exported a")
        text = Path(download.value.path()).read_text(encoding="utf-8")
        assert download.value.suggested_filename == "decisions.toml"
        found = passage_decisions(Path("decisions.toml"), tomllib.loads(text))
        assert sorted({one.action for one in found}) == ["keep", "not_boilerplate"]
        assert {one.snapshot for one in found} == {fake_snapshot.MANIFEST["snapshot_id"]}
        assert {one.note for one in found if one.action == "not_boilerplate"} == {'ours, "not" an ad'}
        removed = {row["content_id"]: row for row in pq.read_table(plain.parents[1] / "removed").to_pylist()}
        (keep,) = [one for one in found if one.action == "keep"]
        assert removed[keep.content_id]["raw"].startswith("城門外")
        keys(view, "Escape")
        view.reload()
        view.wait_for_selector("body[data-ready=yes]", state="attached")
        assert view.locator("#decided").inner_text() == "2 of 3 decided"
        assert trouble == []


def test_a_permalink_opens_its_copy_even_when_the_filter_hides_it(running: Any, plain: Path) -> None:
    with browser.page(running, plain, "#repeats") as (view, _):
        view.locator("#list .option", has_text="城门").click()
        keys(view, "p")
        link = at(view)
        assert link.endswith("/0")
    with browser.page(running, plain, link) as (view, _):
        assert "城门外" in view.locator("#detail .whole").inner_text()
        assert view.locator(".copies .current").get_attribute("id") == "copy-0"
        view.fill("#query", "text:沙洲咖啡")
        view.wait_for_timeout(150)
        view.evaluate("location.hash = 'repeats'")
        view.evaluate(f"location.hash = '{link}'")
        view.wait_for_timeout(100)
        assert view.locator(".option[aria-selected=true]").count() == 1


def test_the_slider_gives_numbers_and_what_flips(running: Any, plain: Path) -> None:
    with browser.page(running, plain, "#threshold") as (view, _):
        tiles = view.locator("#slider .tiles b")
        assert tiles.all_inner_texts()[:2] == ["0.70", "2"]
        view.locator("#at").fill("90")
        assert tiles.all_inner_texts()[:2] == ["0.90", "1"]
        (flip,) = view.locator(".flips li").all_inner_texts()
        assert "城門外" in flip
        assert "would stay" in flip


def test_a_document_shows_what_was_taken_out_in_place_and_why(running: Any, plain: Path) -> None:
    with browser.page(running, plain, "#repeats") as (view, _):
        view.locator("#list .option", has_text="本期节目").click()
        view.locator("#copy-1 a", has_text="in its document").click()
        assert view.locator("#document option:checked").inner_text() == "podcast/ep2.txt"
        gone = view.locator(".document .gone.target")
        assert "本期节目由沙洲咖啡赞助" in gone.inner_text()
        assert "zh.sponsor.by" in gone.get_attribute("title")
        assert "老人总是这样说" in view.locator(".document .stays").first.inner_text()


def test_the_whole_page_speaks_chinese_and_back(running: Any, sample: Path) -> None:
    with browser.page(running, sample) as (view, trouble):
        view.click("#language")
        assert "留下什么" in view.locator("#h-overview").inner_text()
        for name in VIEWS:
            view.evaluate(f"location.hash = '{name}'")
            view.wait_for_timeout(60)
        keys(view, "o", "j", "?", "Escape", "e", "Escape")
        missing = view.evaluate(
            "[...document.querySelectorAll('[data-t]')].map(e => e.dataset.t).filter(t => !(t in chinese) && t.includes(' '))"
        )
        assert missing == []
        view.click("#language")
        assert view.locator("#detail .badge").first.inner_text() == "family"
        assert trouble == []


def test_every_sentence_of_the_dictionary_keeps_its_values() -> None:
    words = json.loads((ROOT / "tasks" / "assets" / "zh.json").read_text(encoding="utf-8"))
    assert [text for text, said in words.items() if text.count("{}") != said.count("{}")] == []
    assert [reason for reason in (*report_parts.MEANING, *report_parts.MEANING.values()) if reason.replace("_", " ") not in words] == []


def many(folder: Path, count: int) -> Path:
    snapshot = fake_snapshot.write(folder / "snapshot")
    row = pq.read_table(snapshot / "families").to_pylist()[0]
    place = pq.read_table(snapshot / "occurrences").to_pylist()[0]
    ids = [f"{n:032x}" for n in range(1, count + 1)]
    rows = [{**row, "family_id": one, "exemplar_text": f"第{n}种重复的文字，河滩上的石头。", "char_count": n} for n, one in enumerate(ids)]
    pq.write_table(pa.Table.from_pylist(rows, schema=FAMILIES), snapshot / "families" / "part-00000.parquet")
    places = [{**place, "family_id": one} for one in ids for _ in range(2)]
    pq.write_table(pa.Table.from_pylist(places, schema=OCCURRENCES), snapshot / "occurrences" / "part-00000.parquet")
    return report.build(snapshot, snapshot / "report")


def test_five_thousand_families_are_ready_at_once_and_scroll_by_few_elements(running: Any, tmp_path: Path) -> None:
    path = many(tmp_path, 5000)
    with browser.page(running, path, "#repeats") as (view, trouble):
        # From the start of loading until the page's script, which stands at its end, has run.
        assert view.evaluate("performance.getEntriesByType('navigation')[0].domInteractive") < 2000
        assert view.locator("#count").inner_text() == "5,002 of 5,002"
        assert view.locator("#list .option").count() < 60
        view.locator("#list").evaluate("box => { box.scrollTop = box.scrollHeight; }")
        view.wait_for_timeout(100)
        last = view.locator("#list .option").last
        assert last.get_attribute("aria-posinset") == "5002"
        last.click()
        view.fill("#query", "第4321种")
        view.wait_for_timeout(200)
        assert view.locator("#count").inner_text() == "1 of 5,002"
        assert trouble == []


@pytest.mark.parametrize(
    "context", [{}, {"color_scheme": "dark"}, NARROW, {**NARROW, "color_scheme": "dark"}], ids=["light", "dark", "narrow", "narrow-dark"]
)
def test_axe_finds_nothing_and_nothing_sticks_out_sideways(context: dict, running: Any, sample: Path) -> None:
    if not axe.source():
        message = "axe-core is not here: pip install axe-playwright-python (make test does)"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    with browser.page(running, sample, **context) as (view, trouble):
        for name in VIEWS:
            view.evaluate(f"location.hash = '{name}'")
            view.wait_for_timeout(60)
            if name == "repeats":
                keys(view, "j", "d")
            assert (name, axe.violations(view)) == (name, [])
            assert view.evaluate("document.documentElement.scrollWidth") <= view.viewport_size["width"]
        keys(view, "?")
        assert axe.violations(view) == []
        assert trouble == []


def test_print_shows_every_list(running: Any, sample: Path) -> None:
    with browser.page(running, sample) as (view, _):
        view.emulate_media(media="print")
        assert view.locator("#removed").is_visible()
        assert view.locator("#sources").is_visible()
        assert not view.locator("header").is_visible()
