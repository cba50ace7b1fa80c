"""Sentences of a text: Chinese, Japanese and English punctuation, with the marks that close them."""

from __future__ import annotations

import numpy as np

from tasks.kernels import cuts as kernels
from tasks.store.text import Texts


def sentences(text: str) -> list[str]:
    """Sentences in order, trimmed, none empty; joined they are the text but for white space. A line end ends a sentence too.

    What begins a sentence by chance (a small letter, 3.8.8, Mr., No. 5, a URL) does not; in doubt two sentences stay one.

    >>> sentences("版本 3.8.8 很稳。“真的吗？”他问 Dr. Li. Yes!")
    ['版本 3.8.8 很稳。', '“真的吗？”他问 Dr. Li.', 'Yes!']
    """
    chars = Texts.of([text]).chars
    ends = np.empty(len(text) + 1, np.int64)
    count = kernels.sentences(chars, 0, len(chars), ends)
    stops = ends[:count].tolist()
    pieces = (text[a:b].strip() for a, b in zip([0, *stops], stops, strict=False))
    return [piece for piece in pieces if piece]
