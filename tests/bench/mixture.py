"""Passages in the mixture of a real collection, from a seed alone, the same shares at every size.

Prose with a seeded edited copy of most of it, newsletters whose issues share a header and a footer with a few slots (similarity
about 0.6 to 0.8: what makes the candidates of every LSH quadratic), their items, and short poems. No text is anyone's: see prose.py.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from make_corpus import edited
from prose import Prose

#: Passages of the smallest size; 54,775 of them are about 10.8 MB.
UNIT = 54_775
#: Share of the passages by kind. What is left are the items of the newsletters.
PROSE, COPIES, HEADERS, FOOTERS, POEMS = 0.152, 0.137, 0.04, 0.04, 0.2
#: Share of the items that repeat an earlier one to the character.
REPEATED = 0.05
#: Share of the characters that an edited copy changes, drawn evenly.
LEAST_EDIT, MOST_EDIT = 0.002, 0.08
ROW_GROUP = 65_536


def sites(issues: int) -> int:
    """Newsletters among which a number of issues is spread: more issues come from more newsletters, and from older ones.

    >>> sites(2_191), sites(35_056)
    (23, 94)
    """
    return max(1, round(issues**0.5 / 2))


def _site_of(issues: int, rng: random.Random) -> list[int]:
    """Newsletter of each issue, its frequency by rank (Zipf): of 2,191 issues the largest has about a fifth."""
    count = sites(issues)
    return [int((count + 1) ** rng.random()) - 1 for _ in range(issues)]


def _prose(count: int, copies: int, prose: Prose, rng: random.Random) -> Iterator[str]:
    texts = [prose.paragraph()[0] for _ in range(count)]
    yield from texts
    for text in texts[:copies]:
        yield edited(text, rng.uniform(LEAST_EDIT, MOST_EDIT), rng)


def _clause(prose: Prose, chars: int) -> str:
    """Characters of a paragraph without its punctuation."""
    text = ""
    while len(text) < chars:
        text += "".join(c for c in prose.paragraph()[0] if c.isalnum())
    return text[:chars]


def _frames(issues: int, prose: Prose, rng: random.Random) -> Iterator[str]:
    """A header and a footer an issue: the newsletter's own words around the issue's number, date, title and contributor."""
    own = [[_clause(prose, chars) for chars in (4, 24, 36, 20, 18)] for _ in range(sites(issues))]
    number = [0] * len(own)
    titles = _clause(prose, 8 * issues)
    for issue, site in enumerate(_site_of(issues, rng)):
        name, hello, about, thanks, follow = own[site]
        number[site] += 1
        title = titles[8 * issue : 8 * issue + rng.randrange(3, 9)]
        yield f"{name}第 {number[site]} 期，{hello}。这一期的题目是{title}，{about}。"
        yield f"{thanks}，本期编辑{title[-rng.randrange(2, 6) :]}，共 {rng.randrange(6, 40)} 条。{follow}，往期目录见{name}的主页。"


def _items(count: int, prose: Prose, rng: random.Random) -> Iterator[str]:
    """Lines of a newsletter: half of them begin with a name in Latin letters."""
    made = 0
    while made < count:
        text = prose.paragraph()[0]
        at = 0
        while at + 12 < len(text) and made < count:
            size = rng.randrange(16, 36)
            line = text[at : at + size].strip("，。；：、？！")
            if rng.random() < 0.5:
                line = f"{rng.choice(_SYLLABLES)}{rng.choice(_SYLLABLES)}{rng.choice(_SYLLABLES)}：{line}"
            yield line
            made += 1
            at += size


#: Level 1 of GB 2312, the 3,755 most usual characters.
_COMMON = b"".join(bytes((high, low)) for high in range(0xB0, 0xD8) for low in range(0xA1, 0xFF) if (high, low) < (0xD7, 0xFA)).decode(
    "gb2312"
)
_SYLLABLES = ("ka", "lo", "mi", "ra", "ten", "vo", "si", "dor", "bel", "qu", "zan", "ix", "Net", "Py", "Go", "DB")


def _poems(count: int, rng: random.Random) -> Iterator[str]:
    """Four lines of five or seven characters."""
    widths = [rng.choice((5, 7)) for _ in range(count)]
    chars = "".join(rng.choices(_COMMON, k=28 * count))
    at = 0
    for width in widths:
        yield "".join(f"{chars[at + i * width : at + (i + 1) * width]}{'，。'[i % 2]}" for i in range(4))
        at += 4 * width


def passages(count: int, seed: int) -> list[str]:
    """`count` passages in random order: a copy stands anywhere, before or after its original."""
    rng = random.Random(seed)  # noqa: S311 (the point is that it is not secret)
    prose = Prose(seed)
    issues, originals = round(count * HEADERS), round(count * PROSE)
    poems, copies = round(count * POEMS), round(count * COPIES)
    rows = [*_prose(originals, copies, prose, rng), *_frames(issues, prose, rng), *_poems(poems, rng)]
    items = list(_items(round((count - len(rows)) * (1 - REPEATED)), prose, rng))
    rows += items + rng.choices(items, k=count - len(rows) - len(items))
    rng.shuffle(rows)
    return rows


def write(path: Path, rows: list[str]) -> None:
    """Write passages as Parquet, one column `text`; their million bytes of UTF-8 stand in the file's metadata as `mb`."""
    column = pa.array(rows, pa.string())
    mb = int(np.frombuffer(column.buffers()[1], np.int32)[len(rows)]) / 1e6
    table = pa.table({"text": column}).replace_schema_metadata({"mb": f"{mb:.3f}"})
    spare = path.with_suffix(".part")  # a file that exists is whole
    pq.write_table(table, spare, compression="zstd", compression_level=1, row_group_size=ROW_GROUP)
    spare.rename(path)
