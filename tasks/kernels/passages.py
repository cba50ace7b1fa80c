"""Groups of lines that are passages to be: a state machine over the lines of each document, by layout.

Numba kernels. Dimensions: n_lines, n_docs, n_groups. A line stands in exactly one group; cuts.py makes passages of groups.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tasks.kernels.lines import (
    BREAK,
    BULLET,
    CAPTIONS,
    DASHES,
    DELIMITER,
    DIALOGUE,
    EQUALS,
    FINAL,
    HARD_BREAK,
    LINES,
    LIST,
    MARKDOWN,
    PIPE,
    PIPE_EDGE,
    QUOTE,
    TABLE_CLOSE,
    TABLE_OPEN,
    TAG,
    WIDE,
)
from tasks.kernels.utf8 import is_space

# Kinds in the order of tasks.segment.KINDS.
PROSE, HEADING, LIST_ITEM, TABLE, CODE, CAPTION, TURN, METADATA = 0, 1, 2, 3, 4, 5, 6, 7
# Marks in the order of tasks.segment.MARK_KINDS, as `mark` holds them (0 = none).
M_FRONT, M_HEADING, M_LIST, M_TABLE, M_CODE, M_QUOTE = 2, 4, 5, 6, 7, 8

TITLE = 200  # code points: a longer line with # in front is no heading
RADIUS = 4  # lines either side among which the least hash cuts captions
LEFT_OVER = 2  # lines: so few at the beginning or end of a run of captions are no passage of their own
STANZA = 8  # lines: a shorter run that ends without sentence punctuation may be verse or a list, whatever its width
JOINED = 40  # columns: unfinished lines shorter than this stay together inside a paragraph


#: Runs of lines that belong together, before long ones are cut.
GROUP = np.dtype(
    [
        ("speaker", np.int64),  # line whose label names the speaker, -1 for none
        ("first_line", np.int32),
        ("last_line", np.int32),  # inclusive
        ("section", np.int32),  # row of the headings, -1 for none
        ("kind", np.uint8),
        ("wrapped", np.bool_),
    ],
    align=True,
)
#: The heading above (-1 for none) and the span of its title.
HEAD = np.dtype([("parent", np.int64), ("start", np.int64), ("end", np.int64)])


@njit(cache=True, nogil=True)
def _put(out, n, first, last, kind, wrapped, section, speaker):
    out[n].first_line = first
    out[n].last_line = last
    out[n].kind = kind
    out[n].wrapped = wrapped
    out[n].section = section
    out[n].speaker = speaker
    return n + 1


@njit(cache=True, nogil=True)
def _put_captions(line, out, n, first, last, section):
    """Put a run of caption lines: cut after each line whose hash is the least within RADIUS lines either side.

    Cuts are at least RADIUS + 1 lines apart; what is left over at either end of the run stays with its neighbour when it is short.
    """
    begin = first
    for row in range(first, last + 1):
        least = row - first >= LEFT_OVER and last - row > LEFT_OVER
        for other in range(max(first, row - RADIUS), min(last, row + RADIUS) + 1):
            if line[other].hash < line[row].hash or (other < row and line[other].hash == line[row].hash):
                least = False
        if least or row == last:
            n = _put(out, n, begin, row, CAPTION, False, section, -1)
            begin = row + 1
    return n


@njit(cache=True, nogil=True)
def _is_spaced(line, first, stop):
    """Whether nearly every line of captions has a blank line before it, so that blank ones part nothing."""
    blank = 0
    for row in range(first, stop):
        blank += line[row].blank_before
    return blank * 10 >= (stop - first) * 8 and stop - first > 2


@njit(cache=True, nogil=True)
def _stand_alike(line, row, stop):
    return row < stop and line[row].block == line[row - 1].block and line[row].aside == line[row - 1].aside


@njit(cache=True, nogil=True)
def _table_begins(line, row, stop):
    """Whether a Markdown pipe table begins here: a row above a delimiter row, or two rows with | in front."""
    if row + 1 >= stop or line[row + 1].blank_before or line[row + 1].block != line[row].block:
        return False
    here, below = line[row].flags, line[row + 1].flags
    return (here & PIPE and below & DELIMITER) or (here & PIPE_EDGE and below & PIPE_EDGE)


@njit(cache=True, nogil=True)
def _underlined(line, row, stop):
    """Level of a Setext heading whose text is this line, 0 for none."""
    if row + 1 >= stop or line[row + 1].blank_before or line[row + 1].block != line[row].block or line[row].end - line[row].start > TITLE:
        return 0
    below = line[row + 1].flags
    if line[row + 1].end - line[row + 1].start < 2:
        return 0
    return 1 if below & EQUALS else 2 if below & DASHES else 0


@njit(cache=True, nogil=True)
def _is_heading(line, row):
    return line[row].level > 0 and line[row].end - line[row].start <= TITLE


@njit(cache=True, nogil=True)
def _is_item(line, row, markdown):
    return (line[row].flags & (LIST | BULLET)) != 0 and markdown > 0


@njit(cache=True, nogil=True)
def _joins(line, row, markdown, stop):
    """Whether a line may go on with what the line before it began: no blank, no structural mark, no marker between them."""
    if row >= stop or line[row].blank_before or line[row].block != line[row - 1].block or line[row].aside != line[row - 1].aside:
        return False
    if markdown and (_is_heading(line, row) or _is_item(line, row, markdown)):
        return False
    if markdown == 2:
        flags = line[row].flags
        if line[row].fence or flags & (BREAK | TAG) or (flags & QUOTE) != (line[row - 1].flags & QUOTE) or _table_begins(line, row, stop):
            return False
    return True


@njit(cache=True, nogil=True)
def _fence_end(line, row, stop):
    """Row of the line that closes the fence opened at row, or -1."""
    mark = line[row].fence & 31
    for other in range(row + 1, stop):
        closing = line[other].fence
        if closing & 32 and (closing & 16) == (mark & 16) and (closing & 15) >= (mark & 15):
            return other
    return -1


@njit(cache=True, nogil=True)
def _html_table_end(line, row, stop):
    """Last row of an HTML table: to the line with </table>, else as long as lines begin with a table tag."""
    end = row
    while end + 1 < stop and line[end + 1].flags & TAG and not line[end].flags & TABLE_CLOSE:
        end += 1
    if line[row].flags & TABLE_OPEN and not line[end].flags & TABLE_CLOSE:
        for other in range(end, min(stop, row + 2000)):
            if line[other].flags & TABLE_CLOSE:
                return other
            if line[other].flags & TABLE_OPEN and other > row:
                break
    return end


@njit(cache=True, nogil=True)
def _is_block_wrapped(line, first, last):
    """Whether three or more lines are one hard-wrapped paragraph: all but the last about as wide, few ending a sentence.

    Verse of even width, drawings and lists are told by their breaks, where the next word would have fitted, or by their end.
    """
    if last - first < 2:
        return False
    most = 0
    for row in range(first, last):
        most = max(most, line[row].width)
    if most < 50 or most > 100 or line[last].width > most + 4 or (last - first < STANZA and not line[last].flags & FINAL):
        return False
    ended = 0
    for row in range(first, last):
        if line[row].width < most - (6 if line[row].flags & WIDE else 16) or line[row].width + line[row + 1].lead + 3 < most:
            return False  # verse: the next word would have fitted
        ended += (line[row].flags & FINAL) != 0
    return ended * 4 <= last - first


@njit(cache=True, nogil=True)
def _is_wrap(line, row, wrap):
    """Whether the break after a line is only a wrap at column `wrap`: the first word of the next line did not fit any more."""
    if wrap == 0 or line[row].width > wrap + 4 or line[row + 1].indent >= line[row].indent + 2:
        return False
    return line[row].width >= wrap // 2 and line[row].width + line[row + 1].lead + 5 >= wrap


@njit(cache=True, nogil=True)
def _put_paragraph(line, out, n, first, last, layout, wrap, kind, section, speaker):
    """Put lines that stand together without a blank or a mark between them. Returns the new count."""
    if first == last or layout == LINES:
        for row in range(first, last + 1):
            n = _put(out, n, row, row, kind, False, section, speaker)
        return n
    if _is_block_wrapped(line, first, last):
        return _put(out, n, first, last, kind, True, section, speaker)
    if layout == MARKDOWN and kind == PROSE:
        wrapped = wrap > 0
        for row in range(first, last):
            wrapped = wrapped and _is_wrap(line, row, wrap) and not line[row].flags & HARD_BREAK
        return _put(out, n, first, last, kind, wrapped, section, speaker)
    begin = first
    while begin <= last:
        end = begin
        while end < last and _is_wrap(line, end, wrap):
            end += 1
        wrapped = end > begin
        if not wrapped:  # an address, a stanza: short unfinished lines stay together
            while end < last and line[end].width < JOINED and line[end + 1].width < JOINED and not line[end].flags & FINAL:
                end += 1
        n = _put(out, n, begin, end, kind, wrapped, section, speaker)
        begin = end + 1
    return n


@njit(cache=True, nogil=True)
def _title(chars, start, end):
    """Span of a heading's title: without # in front and behind."""
    while start < end and (chars[start] == 0x23 or is_space(chars[start])):
        start += 1
    stop = end
    while stop > start and chars[stop - 1] == 0x23:
        stop -= 1
    if stop < end and stop > start and not is_space(chars[stop - 1]):
        stop = end  # C# keeps its #
    while stop > start and is_space(chars[stop - 1]):
        stop -= 1
    return start, stop


@njit(cache=True, nogil=True)
def form(chars, line, firsts, layout, wrap, markdown, out, heading):
    """Passages of all documents.

    firsts   : (n_docs + 1,) int64, rows of lines; layout, wrap : as lay_out gives them.
    markdown : (n_docs,) uint8: 0 no Markdown is read, 1 headings and lists only, 2 all of it.
    out      : (room,) GROUP, heading : (room,) HEAD, with room; returns how many of each were written.
    """
    n = np.int64(0)
    h = np.int64(0)
    above = np.empty(7, np.int64)
    for doc in range(len(firsts) - 1):
        above[:] = -1
        section = np.int64(-1)
        speaker = np.int64(-1)
        open_fences = np.zeros(2, np.int64)  # least fence length known to stay open, by character: asked once, not once a fence
        open_fences[:] = 99
        stop = firsts[doc + 1]
        md = markdown[doc]
        i = firsts[doc]
        spaced = layout[doc] == CAPTIONS and _is_spaced(line, i, stop)
        while i < stop:
            mark = line[i].mark
            last = i
            if mark in (M_FRONT, M_TABLE, M_CODE, M_HEADING, M_LIST):
                while last + 1 < stop and line[last + 1].block == line[i].block and line[last + 1].aside == line[i].aside:
                    last += 1
                if mark == M_HEADING and line[last].end - line[i].start <= TITLE:
                    level = np.int64(min(max(line[i].mark_level, 1), 6))
                    n, h, section = _head(chars, line, out, heading, above, n, h, i, last, level, section)
                else:
                    kind = METADATA if mark == M_FRONT else TABLE if mark == M_TABLE else CODE if mark == M_CODE else PROSE
                    if mark == M_LIST:  # a mark is one item
                        kind = LIST_ITEM
                    n = _put(out, n, i, last, kind, False, section, -1)
                i = last + 1
                continue
            if md and _is_heading(line, i):
                n, h, section = _head(chars, line, out, heading, above, n, h, i, i, np.int64(line[i].level), section)
                i += 1
                continue
            if md == 2:
                fence = line[i].fence
                if fence:
                    which = 1 if fence & 16 else 0
                    last = -1 if (fence & 15) >= open_fences[which] else _fence_end(line, i, stop)
                    if last < 0:
                        # One lost fence must not turn the rest of a text into code: it reaches to the next blank line.
                        open_fences[which] = min(open_fences[which], fence & 15)
                        last = i
                        while last + 1 < stop and not line[last + 1].blank_before:
                            last += 1
                    n = _put(out, n, i, last, CODE, False, section, -1)
                    i = last + 1
                    continue
                if line[i].flags & TAG:
                    last = _html_table_end(line, i, stop)
                    n = _put(out, n, i, last, TABLE, False, section, -1)
                    i = last + 1
                    continue
                if _table_begins(line, i, stop):
                    last = i + 1
                    while (
                        last + 1 < stop
                        and line[last + 1].flags & PIPE
                        and not line[last + 1].blank_before
                        and line[last + 1].block == line[i].block
                    ):
                        last += 1
                    n = _put(out, n, i, last, TABLE, False, section, -1)
                    i = last + 1
                    continue
                if line[i].flags & BREAK:
                    n = _put(out, n, i, i, PROSE, False, section, -1)
                    i += 1
                    continue
                level = 0 if line[i].flags & QUOTE or _is_item(line, i, md) else _underlined(line, i, stop)
                if level:
                    n, h, section = _head(chars, line, out, heading, above, n, h, i, i + 1, level, section)
                    i += 2
                    continue
            if _is_item(line, i, md):
                while last + 1 < stop:
                    inside = line[last + 1].indent >= line[i].indent + 2
                    if not _joins(line, last + 1, md, stop) and not (md == 2 and inside and _continues(line, last + 1, stop)):
                        break
                    if md == 1 and not inside:
                        break
                    last += 1
                n = _put(out, n, i, last, LIST_ITEM, _is_block_wrapped(line, i, last), section, -1)
                i = last + 1
                continue
            while _joins(line, last + 1, md, stop) or (spaced and _stand_alike(line, last + 1, stop)):
                if layout[doc] == DIALOGUE and line[last + 1].label:
                    break
                last += 1
            if layout[doc] == CAPTIONS:
                n = _put_captions(line, out, n, i, last, section)
            else:
                kind = PROSE
                if layout[doc] == DIALOGUE:
                    if line[i].label:
                        speaker = i
                    kind = TURN if speaker >= 0 else PROSE
                n = _put_paragraph(line, out, n, i, last, layout[doc], wrap[doc], kind, section, speaker)
            i = last + 1
    return n, h


@njit(cache=True, nogil=True)
def _continues(line, row, stop):
    """Whether an indented line after a blank one is still text of the list item above it."""
    if line[row].block != line[row - 1].block or line[row].aside != line[row - 1].aside or _is_heading(line, row):
        return False
    return not (line[row].fence or line[row].flags & (LIST | BULLET | BREAK | TAG | QUOTE) or _table_begins(line, row, stop))


@njit(cache=True, nogil=True)
def _head(chars, line, out, heading, above, n, h, first, last, level, section):
    """Put a heading and open its section. Returns counts of passages and headings, and the section that begins."""
    parent = np.int64(-1)
    for up in range(1, level):
        if above[up] >= 0:
            parent = above[up]
    n = _put(out, n, first, last, HEADING, False, parent, -1)
    start, end = _title(chars, line[first].start, line[first].end)
    if start == end:
        return n, h, section
    heading[h].parent = parent
    heading[h].start = start
    heading[h].end = end
    above[level] = h
    above[level + 1 :] = -1
    return n, h + 1, h
