"""Bounds that public pipelines publish, beside our own: what each of them would say of a passage. Nothing is removed by them here.

They are meant for whole documents; `taosha explain` shows which a passage passes over. N-grams are of words: FineWeb-2's of segmented
Chinese words, ours of Han characters, so that ours are reached sooner.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Bound:
    """A document under `least` or over `most` of a signal is left out by `source`; lang : prefix of the language tag it is meant for."""

    source: str
    lang: str
    signal: str
    most: float = 1.0
    least: float = 0.0


_GOPHER = {"top_2gram": 0.20, "top_3gram": 0.18, "top_4gram": 0.16} | {
    f"duplicate_{n}gram": bound for n, bound in zip(range(5, 11), (0.15, 0.14, 0.13, 0.12, 0.11, 0.10), strict=True)
}
_MANDARIN = {"top_2gram": 0.256, "top_3gram": 0.201, "top_4gram": 0.171} | {
    f"duplicate_{n}gram": bound for n, bound in zip(range(5, 11), (0.198, 0.182, 0.167, 0.154, 0.14, 0.127), strict=True)
}
#: Gopher: Rae et al. 2021, table A1, as datatrove 0.x has them. FineWeb-2: Penedo et al. 2025, configs/cmn_Hani.yml of
#: huggingface/fineweb-2. ChineseWebText: Chen et al. 2023, preprocess.py of CASIA-LM/ChineseWebText.
BOUNDS = (
    *(Bound("Gopher", "", f"{name}_share", most) for name, most in _GOPHER.items()),
    Bound("Gopher", "", "duplicate_line_share", 0.2),
    *(Bound("FineWeb-2", "zh", f"{name}_share", most) for name, most in _MANDARIN.items()),
    Bound("FineWeb-2", "zh", "unfinished_line_share", 0.894),
    Bound("ChineseWebText", "zh", "han_share", least=0.3),
)


def passed_over(signals: Mapping[str, float], lang: str) -> list[str]:
    """What each pipeline would object to, one sentence each, in the order of BOUNDS.

    >>> passed_over({"top_2gram_share": 0.22, "han_share": 0.9}, "zh-Hans")
    ['Gopher: top_2gram_share 0.22 over 0.2']
    """
    said = []
    for bound in BOUNDS:
        value = signals.get(bound.signal)
        if value is None or not lang.startswith(bound.lang):
            continue
        if value > bound.most:
            said.append(f"{bound.source}: {bound.signal} {value:g} over {bound.most:g}")
        elif value < bound.least:
            said.append(f"{bound.source}: {bound.signal} {value:g} under {bound.least:g}")
    return said
