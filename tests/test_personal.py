"""Personal data: what is found, what only looks like it, and masks that keep every other character. All numbers are made up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as trials
from hypothesis import strategies as st
from matching_world import World

from tasks import personal
from tasks.replay import replay
from tasks.settings import Settings
from tasks.store.schemas import PASSAGES
from tasks.store.text import Texts


def kinds(text: str) -> dict[str, str]:
    return {kind: text[start:end] for start, end, kind in personal.find(text)}


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("身份证号11010519491231002X，请核对", "id_card", "11010519491231002X"),
        ("卡号 4111 1111 1111 1111。", "bank_card", "4111 1111 1111 1111"),
        ("卡号6222021234567894", "bank_card", "6222021234567894"),
        ("请拨13912345678联系", "phone", "13912345678"),
        ("电话：+86 139-1234-5678", "phone", "+86 139-1234-5678"),
        ("总机 010-12345678 转 8", "phone", "010-12345678"),
        ("客服400-123-4567", "phone", "400-123-4567"),
        ("写信到pan.gold+1@example.com.cn吧", "email", "pan.gold+1@example.com.cn"),
        ("加微信号：gold_pan88", "chat_id", "gold_pan88"),
        ("VX: taosha2024 进群", "chat_id", "taosha2024"),
        ("QQ群123456789", "chat_id", "123456789"),
        ("车牌京A·12B45停在河边", "plate", "京A·12B45"),
        ("新能源车牌粤BD12345", "plate", "粤BD12345"),
    ],
)
def test_found(text: str, kind: str, value: str) -> None:
    assert kinds(text) == {kind: value}


@pytest.mark.parametrize(
    "text",
    [
        "110105194912310021",  # wrong check character
        "11010519491331002X",  # no thirteenth month
        "4111 1111 1111 1112",
        "0000000000000000",
        "2024-11-28 10:15:00.123456",
        "圆周率 3.14159265358979323846",
        "提交 a13912345678f",
        "订单 20241128101500123",
        "版本 1.3912345678",
        "def f(@decorator) x@y",
        "微信支付和QQ音乐都能用",
        "川A级景区",
        "湘D线",
        "https://example.com/13912345678901234567890",
    ],
)
def test_not_found(text: str) -> None:
    assert kinds(text) == {}


FOUND = [
    "11010519491231002X",
    "4111 1111 1111 1111",
    "13912345678",
    "010-12345678",
    "a.b@example.com",
    "微信gold_pan88",
    "京A12B45",
    "QQ：1234567",
]
texts = st.lists(st.one_of(st.sampled_from(FOUND), st.text("沙1 -@微qQ京Ax", max_size=14)), max_size=6).map("，".join)


@trials(deadline=None, max_examples=300)
@given(texts)
def test_the_kernel_lets_no_row_pass_that_holds_some(text: str) -> None:
    counted: dict[str, Any] = personal.measure(Texts.of([text]))
    expected = [kind for _, _, kind in personal.find(text)]
    assert {kind: int(counted[f"{kind}_count"][0]) for kind in personal.KINDS} == {kind: expected.count(kind) for kind in personal.KINDS}


@trials(deadline=None, max_examples=200)
@given(texts)
def test_a_mask_changes_what_was_found_and_nothing_else_and_leaves_nothing_to_find(text: str) -> None:
    masked, found = personal.mask(Texts.of([text]))
    spans = [range(start, end) for start, end, _ in personal.find(text)]
    assert int(found[0]) == len(spans)
    inside = {i for span in spans for i in span}
    assert len(masked[0]) == len(text)
    assert all(a == b for i, (a, b) in enumerate(zip(text, masked[0], strict=True)) if i not in inside)
    assert not np.any([start in inside for start, _, _ in personal.find(masked[0])])


def test_masks_are_an_edit_of_the_text_that_replays_and_off_by_default(tmp_path: Path) -> None:
    text = "淘沙客栈的电话是13912345678，欢迎预订。"
    for on in (True, False):
        row = World.of(tmp_path / str(on), {"a.txt": text}, normalize={"mask_personal": on}).tables["passages"][0]
        assert ("█" * 11 in row["text"]) is on
        assert ({"name": "personal", "count": 1} in row["edits"]) is on
        table = pa.Table.from_pylist([row], PASSAGES)
        settings = Settings.model_validate({"normalize": {"mask_personal": on}})
        assert replay(table, settings).to_pylist() == [row["text"]]
        assert (row["raw"] or row["text"]) == text
