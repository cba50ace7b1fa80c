"""Bytes to text: every encoding that Chinese files come in is found, and nothing is ever guessed into mojibake."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks import decode
from tasks.errors import Quarantine

HANS = "清晨的码头上，渔民们把昨夜捕到的鱼一筐一筐搬上岸。我问他们收成怎么样，老王笑着说：今年比去年好多了！\n第二天，我们又去了一次。"
HANT = "清晨的碼頭上，漁民們把昨夜捕到的魚一筐一筐搬上岸。我問他們收成怎麼樣，老王笑著說：今年比去年好多了！\n第二天，我們又去了一次。"

text_strategy = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


@pytest.mark.parametrize(
    ("text", "codec", "name", "how"),
    [
        (HANS, "utf-8", "utf-8", "utf-8"),
        ("plain ASCII\n", "ascii", "utf-8", "utf-8"),
        (HANS, "utf-8-sig", "utf-8", "bom"),
        (HANS, "utf-16", "utf-16-le", "bom"),
        (HANS, "utf-32", "utf-32-le", "bom"),
        (HANS, "gb2312", "gb18030", "detected"),
        (HANT, "gb18030", "gb18030", "detected"),
        (HANT, "big5", "big5hkscs", "detected"),
        (HANS, "utf-16-le", "utf-16-le", "detected"),
        (HANT, "utf-16-be", "utf-16-be", "detected"),
        ("Plain English, no mark.\n" * 3, "utf-16-le", "utf-16-le", "detected"),
        ("Сегодня хорошая погода, и мы идём гулять в старый парк у реки. " * 3, "cp1251", "cp1251", "detected"),
    ],
)
def test_an_encoding_is_found_and_decodes_to_the_same_text(text, codec, name, how):
    decoded, encoding = decode.decode(text.encode(codec))
    assert (decoded, encoding.name, encoding.how) == (text, name, how)


@pytest.mark.parametrize("text", ["这是我的书。", "我们明天去", "他說明天會來", "你好，大家好"])
@pytest.mark.parametrize("codec", ["gb18030", "big5"])
def test_a_few_characters_are_enough_where_they_are_common(text, codec):
    try:
        data = text.encode(codec)
    except UnicodeEncodeError:
        pytest.skip("not in this character set")
    assert decode.decode(data)[0] == text


def test_legacy_chinese_after_a_long_ascii_head_is_found():
    text = "0123456789 " * 20_000 + "\n" + HANS * 10
    assert decode.decode(text.encode("gb18030"))[0] == text


def test_a_declared_charset_is_believed_only_when_it_fits():
    page = f'<html><meta charset="gb2312"><p>{HANS}</p>'
    decoded, encoding = decode.decode(page.encode("gb18030"), markup=True)
    assert (decoded, encoding.name, encoding.how) == (page, "gb18030", "declared")
    wrong = page.replace("gb2312", "iso-8859-1")
    assert decode.decode(wrong.encode("gb18030"), markup=True)[1] == decode.Encoding("gb18030", "detected")
    japanese = '<?xml version="1.0" encoding="Shift_JIS"?><p>これは日本語のページです。</p>'
    assert decode.decode(japanese.encode("shift_jis"), markup=True)[0] == japanese


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (HANS.encode() + b"\xff\xfe\xfa", "undecodable"),
        (HANS.encode()[:-1], "undecodable"),
        (HANS.encode("gb18030") + b"\n" + HANS.encode(), "mixed_encodings"),
        (HANS.encode() + b"\n" + HANS.encode("gb18030"), "mixed_encodings"),
        (bytes(range(256)) * 40, "binary"),
        (bytes(range(128, 256)) * 40, "undecodable"),
        (b"\x00\x01\x02\x03\x04" * 50, "binary"),
        (b"\xff\xfeabc", "undecodable"),
    ],
)
def test_what_no_strict_decode_explains_is_quarantined(data, reason):
    with pytest.raises(Quarantine) as caught:
        decode.decode(data)
    assert caught.value.reason == reason


def test_random_bytes_are_not_detected_as_some_exotic_charset():
    lot = random.Random(7)  # noqa: S311 (fixed test data)
    accepted = 0
    for _ in range(400):
        data = b"\xff" + lot.randbytes(lot.choice([3, 8, 20, 100, 1000]))
        try:
            decode.decode(data)
            accepted += 1
        except Quarantine:
            pass
    assert accepted <= 1


@settings(deadline=None)
@given(text_strategy, st.sampled_from(["utf-8", "utf-16-le", "gb18030", "utf-32-be"]), st.integers(1, 7))
def test_decoding_in_blocks_equals_decoding_at_once(text, codec, size):
    data = text.encode(codec)
    blocks = [data[i : i + size] for i in range(0, len(data), size)]
    assert b"".join(decode.to_utf8(blocks, decode.Encoding(codec, "detected"))).decode() == text
    assert decode.first_error(blocks, decode.Encoding(codec, "detected")) is None


@settings(deadline=None)
@given(st.binary(max_size=60), st.integers(1, 9))
def test_the_first_error_is_where_python_finds_it(data, size):
    blocks = [data[i : i + size] for i in range(0, len(data), size)]
    found = decode.first_error(blocks, decode.UTF8)
    try:
        data.decode()
        expected = None
    except UnicodeDecodeError as error:
        expected = error.start
    assert (found and found[0]) == expected
    assert decode.is_utf8(data) == (expected is None)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_decode_losslessly_or_are_quarantined(data):
    try:
        text, encoding = decode.decode(data)
    except Quarantine:
        return
    assert "\ufffd" not in text or "\ufffd".encode(encoding.name) in data
    assert text.encode(encoding.name) == data[encoding.bom :] or encoding.name in ("big5hkscs", "gb18030")


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([b"\xe4\xb8\xad", b"\xe4", b"\xb8", b"a", "\u4e2d\u6587".encode("gb18030")]), max_size=30), st.integers(1, 20)
)
def test_a_run_of_utf8_in_other_bytes_is_found_where_the_pattern_finds_it(parts, size):
    data = b"".join(parts)
    match = decode._UTF8_RUN.search(data)
    assert decode._utf8_run([data[i : i + size] for i in range(0, len(data), size)]) == (match and match.start())
