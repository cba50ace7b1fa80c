"""Short lines among boilerplate at the end of a document."""

from __future__ import annotations

import naive_closing
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from test_rules import PROSE, judged

from tasks.kernels import closing as kernel

BODY = [f"{PROSE[:-1]}，第{number}段。" for number in range(8)]


@settings(deadline=None)
@given(st.lists(st.lists(st.tuples(st.sampled_from([0, 0, 1, 2, 2]), st.booleans()), min_size=1, max_size=60), min_size=1, max_size=4))
def test_closing_agrees_with_its_slow_twin(documents: list[list[tuple[int, bool]]]) -> None:
    ends = np.cumsum([len(document) for document in documents])
    spreads = np.array([code for document in documents for code, _ in document], np.int8)
    soft = np.array([flag for document in documents for _, flag in document])
    found = kernel.closing(ends - [len(document) for document in documents], ends, spreads, soft)
    slow = []
    for document, end in zip(documents, ends.tolist(), strict=True):
        rows = naive_closing.closing([code for code, _ in document], [flag for _, flag in document], kernel.REACH, kernel.GAP)
        slow += [row if row < 0 else row + end - len(document) for row in rows]
    assert found.tolist() == slow


def taken(rows: list[str]) -> list[str]:
    verdicts = judged("\n".join(rows))
    return [row for row, rule in zip(rows, verdicts.rule.tolist(), strict=True) if rule >= 0]


def test_a_line_that_no_rule_knows_goes_with_the_closing_around_it() -> None:
    closing = ["责任编辑：何苗", "山脚小组 二〇二三", "点击上方蓝字关注我们", "转载请注明出处", "慢一点，路就长一点"]
    assert taken([*BODY, *closing]) == closing


def test_neither_a_sentence_nor_a_line_above_the_closing_goes() -> None:
    kept = ["他在门口站了一会儿", "然后走了。"]
    closing = ["责任编辑：何苗", "点击上方蓝字关注我们"]
    assert taken([*BODY, *kept, *closing]) == closing
    assert taken([*BODY, closing[0], kept[1], closing[1]]) == closing


def test_a_short_post_between_lines_of_a_thread_stays() -> None:
    thread = ["#2 老木 昨天 22:10", "顶", "#3 阿辉 昨天 23:41", "同意楼上", "回复 引用 举报", "好", "登录后即可回复"]
    assert set(taken([*BODY, *thread])).isdisjoint({"顶", "同意楼上", "好"})
