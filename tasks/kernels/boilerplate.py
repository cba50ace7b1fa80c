"""Lines in their neighbourhood: shapes, regions to the end, blocks, breadcrumbs, smoothing."""

from __future__ import annotations

import numpy as np
from numba import njit

FINAL, DATE, BULLET, URL = 1, 2, 4, 8
HEADING, TABLE, CODE, CAPTION, TURN, METADATA = 1, 3, 4, 5, 6, 7  # codes of KINDS in tasks.rulepack

_DATE_MAX = 60  # characters; a date in a longer line is part of a sentence
_BODY_MIN = 40  # characters; a shorter line that ends a sentence may be a teaser's
_BODY_RUN = 4  # lines; teasers with summaries have runs of up to three sentences-lines, articles go on
_TEASER_MAX = 40  # characters
_MARKED_FROM = 15  # lines; a longer region needs bullets, dates, links or rule hits in a fifth of its lines
_BITMAP = np.uint64((1 << 16) - 1)  # last byte of the bitmap: some forty bits a literal, so that few positions pass by chance


@njit(cache=True, nogil=True)
def _hash(a, b, c, d):
    h = (
        np.uint64(a) * np.uint64(0x9E3779B97F4A7C15)
        ^ np.uint64(b) * np.uint64(0xC2B2AE3D27D4EB4F)
        ^ np.uint64(c) * np.uint64(0x165667B19E3779F9)
        ^ np.uint64(d) * np.uint64(0x27D4EB2F165667C5)
    )
    return h ^ (h >> np.uint64(31))


@njit(cache=True, nogil=True)
def _key(pool, offsets, k):
    """First four characters of literal k, 0 where it has no more."""
    at, size, none = offsets[k], offsets[k + 1] - offsets[k], np.uint32(0)
    return pool[at], pool[at + 1] if size > 1 else none, pool[at + 2] if size > 2 else none, pool[at + 3] if size > 3 else none


@njit(cache=True, nogil=True)
def literal_table(pool, offsets, size):
    """Open-addressing table over the first four characters of literals (0 for those that a shorter one has not).

    pool, offsets : literals as code points, sorted, so that those with equal first four characters are neighbours.
    size          : power of two, several times the number of literals.
    returns       : heads (0x110000,) uint8, bit n - 1 for a character that begins a literal of n characters (4 for more);
                    bits (2^16,) uint8, bitmap of the hashes in use; slots (size,) int64, index of the first literal, -1 where free.
    """
    heads = np.zeros(0x110000, np.uint8)
    bits = np.zeros(int(_BITMAP) + 1, np.uint8)
    slots = np.full(size, -1, np.int64)
    last = (np.uint32(0), np.uint32(0), np.uint32(0), np.uint32(0))
    for k in range(len(offsets) - 1):
        key = _key(pool, offsets, k)
        heads[key[0]] |= 1 << (min(4, offsets[k + 1] - offsets[k]) - 1)
        if key == last:
            continue
        last = key
        h = _hash(key[0], key[1], key[2], key[3])
        bits[(h >> np.uint64(3)) & _BITMAP] |= np.uint8(1 << (h & np.uint64(7)))
        at = np.int64((h >> np.uint64(20)) & np.uint64(size - 1))
        while slots[at] >= 0:
            at = (at + 1) & (size - 1)
        slots[at] = k
    return heads, bits, slots


@njit(cache=True, nogil=True)
def _mark(h, a, b, c, d, chars, i, end, pool, offsets, rule_of, slots, marks):
    """Set the rules of every literal with these first four characters that stands at i; whether there was one."""
    hit = False
    mask = len(slots) - 1
    at = np.int64((h >> np.uint64(20)) & np.uint64(mask))
    while slots[at] >= 0:
        k = slots[at]
        if _key(pool, offsets, k) == (a, b, c, d):
            while k < len(offsets) - 1 and _key(pool, offsets, k) == (a, b, c, d):
                size = offsets[k + 1] - offsets[k]
                j = 4
                while j < size and i + j < end and pool[offsets[k] + j] == chars[i + j]:
                    j += 1
                if j >= size:
                    marks[rule_of[k]] = True
                    hit = True
                k += 1
            return hit
        at = (at + 1) & mask
    return hit


@njit(cache=True, nogil=True)
def _is_mark(c):
    """Whether a character may stand before any whole-line pattern: the ranges of tasks.openings.MARKS."""
    if c < 0x80:
        return 0x20 <= c < 0x30 or 0x3A <= c < 0x41 or 0x5B <= c < 0x61 or 0x7B <= c < 0x7F
    return c < 0xC0 or 0x2000 <= c < 0x2C00 or 0x3000 <= c < 0x3040 or 0x1F000 <= c < 0x1FB00


@njit(cache=True, nogil=True)
def _is_numeral(c):
    return 48 <= c <= 57 or c == 0x4E00 or c == 0x4E8C or c == 0x4E09 or c == 0x56DB or c == 0x4E94 or c == 0x516D or (
        c == 0x4E03 or c == 0x516B or c == 0x4E5D or c == 0x5341
    )  # fmt: skip


@njit(cache=True, nogil=True)
def opening(chars, begin, end):
    """First character of a line that is no mark, and the first one after a list number (the same where there is none); 0 for none."""
    i = begin
    while i < end and _is_mark(chars[i]):
        i += 1
    if i == end:
        return np.uint32(0), np.uint32(0)
    first = chars[i]
    j = i
    while j < end and j < i + 3 and _is_numeral(chars[j]):
        j += 1
    if j in (i, end) or not (chars[j] == 46 or chars[j] == 41 or chars[j] == 93 or chars[j] == 58 or chars[j] == 0x3001):
        return first, first
    while j < end and _is_mark(chars[j]):
        j += 1
    return first, chars[j] if j < end else np.uint32(0)


@njit(cache=True, nogil=True)
def candidates(chars, line_offsets, kind, pool, offsets, rule_of, heads, bits, slots, always, min_chars, max_chars, kinds, opens):
    """(line, rule) that could match: the line has one of the rule's literals (or the rule has none), its length, kind and opening.

    always, min_chars, max_chars : (n_rules,); kinds : (n_rules, 8) bool; opens : (n_rules, 256) uint8 of tasks.openings.
    returns : lines (n_found,) int64 and rules (n_found,) int32, sorted by line, then rule.
    """
    n_rules = len(always)
    longest = np.zeros(kinds.shape[1], np.int64)  # by kind: lines of code, say, no rule may hit
    some = np.zeros(kinds.shape[1], np.bool_)
    zero = np.uint32(0)
    for r in range(n_rules):
        for k in range(kinds.shape[1]):
            if kinds[r, k]:
                longest[k] = max(longest[k], max_chars[r])
                some[k] |= always[r]
    marks = np.zeros(n_rules, np.bool_)
    out_line = np.empty(1024, np.int64)
    out_rule = np.empty(1024, np.int32)
    found = 0
    for row in range(len(kind)):
        begin, end = line_offsets[row], line_offsets[row + 1]
        size = end - begin
        if size == 0 or size > longest[kind[row]]:
            continue
        marks[:] = always
        hit = some[kind[row]]
        for i in range(begin, end):
            a = chars[i]
            head = heads[a]
            if head == 0:
                continue
            # the bitmap is asked here: a call that passes arrays costs more than the look-up
            if head & 8 and i + 3 < end:
                b, c, d = chars[i + 1], chars[i + 2], chars[i + 3]
                h = _hash(a, b, c, d)
                if (bits[(h >> np.uint64(3)) & _BITMAP] >> (h & np.uint64(7))) & np.uint64(1):
                    hit |= _mark(h, a, b, c, d, chars, i, end, pool, offsets, rule_of, slots, marks)
            if head & 4 and i + 2 < end:
                h = _hash(a, chars[i + 1], chars[i + 2], zero)
                if (bits[(h >> np.uint64(3)) & _BITMAP] >> (h & np.uint64(7))) & np.uint64(1):
                    hit |= _mark(h, a, chars[i + 1], chars[i + 2], zero, chars, i, end, pool, offsets, rule_of, slots, marks)
            if head & 2 and i + 1 < end:
                h = _hash(a, chars[i + 1], zero, zero)
                if (bits[(h >> np.uint64(3)) & _BITMAP] >> (h & np.uint64(7))) & np.uint64(1):
                    hit |= _mark(h, a, chars[i + 1], zero, zero, chars, i, end, pool, offsets, rule_of, slots, marks)
            if head & 1:
                hit |= _mark(_hash(a, zero, zero, zero), a, zero, zero, zero, chars, i, end, pool, offsets, rule_of, slots, marks)
        if not hit:
            continue
        if found + n_rules > len(out_line):
            out_line = np.concatenate((out_line, np.empty(len(out_line) + n_rules, np.int64)))
            out_rule = np.concatenate((out_rule, np.empty(len(out_rule) + n_rules, np.int32)))
        first, second = opening(chars, begin, end)
        one, two = first & np.uint32(255), second & np.uint32(255)
        for r in range(n_rules):
            if marks[r] and min_chars[r] <= size <= max_chars[r] and kinds[r, kind[row]] and (opens[r, one] | opens[r, two]):
                out_line[found] = row
                out_rule[found] = r
                found += 1
    return out_line[:found].copy(), out_rule[:found].copy()


@njit(cache=True, nogil=True)
def _is_digit(c):
    return 48 <= c <= 57


@njit(cache=True, nogil=True)
def line_shapes(chars, offsets):
    """(n,) uint8, bits FINAL (ends as a sentence), DATE (a short line with a date), BULLET, URL of folded lines."""
    n = len(offsets) - 1
    out = np.zeros(n, np.uint8)
    for row in range(n):
        begin, end = offsets[row], offsets[row + 1]
        if begin == end:
            continue
        bits = 0
        last = end - 1
        while last > begin and (
            chars[last] == 34 or chars[last] == 39 or chars[last] == 41 or chars[last] == 0x300D or chars[last] == 0x300F
        ):
            last -= 1  # closing quotes and brackets
        c = chars[last]
        if c == 0x3002 or c == 33 or c == 63 or c == 0x2026 or c == 59:
            bits |= FINAL
        first = chars[begin]
        if first == 0x2022 or first == 0xB7 or first == 0x25CF or first == 0x25A0 or first == 42 or first == 45 or first == 43:
            bits |= BULLET
        short = end - begin <= _DATE_MAX
        for i in range(begin, end):
            c = chars[i]
            if c == 58 and i + 2 < end and chars[i + 1] == 47 and chars[i + 2] == 47:
                bits |= URL
                break
            if (
                short
                and i + 6 < end + 1
                and (c == 49 or c == 50)
                and i + 5 < end
                and _is_digit(chars[i + 1])
                and _is_digit(chars[i + 2])
                and _is_digit(chars[i + 3])
                and _is_digit(chars[i + 5])
                and (chars[i + 4] == 45 or chars[i + 4] == 46 or chars[i + 4] == 47 or chars[i + 4] == 0x5E74)
            ):
                bits |= DATE
        out[row] = bits
    return out


@njit(cache=True, nogil=True)
def _is_body(j, length, kind, shape, rule):
    return rule[j] < 0 and length[j] >= _BODY_MIN and shape[j] & FINAL != 0 and shape[j] & BULLET == 0 and kind[j] != HEADING


@njit(cache=True, nogil=True)
def _is_teaser(j, length, shape, rule):
    return rule[j] >= 0 or shape[j] & (BULLET | URL | DATE) != 0 or (length[j] <= _TEASER_MAX and shape[j] & FINAL == 0)


@njit(cache=True, nogil=True)
def regions_to_end(anchors, doc_end, chars_before, doc_chars, length, kind, shape, rule):
    """Where the region that each anchor opens ends, or -1 where what follows does not look like teasers.

    anchors      : (n_anchors,) int64 line indices.
    doc_end      : (n_anchors,) int64, one past the last line of the anchor's document.
    chars_before, doc_chars : (n_anchors,) int64, characters of the document before the anchor, and in all.
    length, kind, shape, rule : columns of all lines; rule is -1 where no rule was accepted.
    returns      : (n_anchors,) int64, one past the last line of the region (anchor + 1 when it is the last line).
    """
    out = np.full(len(anchors), -1, np.int64)
    for a in range(len(anchors)):
        start = anchors[a] + 1
        if 5 * chars_before[a] < 2 * doc_chars[a]:
            continue  # more than three fifths of the text would go
        stop = doc_end[a]
        run = 0
        for j in range(start, doc_end[a]):
            if kind[j] == CODE or kind[j] == TABLE or kind[j] == CAPTION:
                stop = j
                break
            if kind[j] == HEADING and rule[j] < 0:
                near = 0
                for k in range(j + 1, min(j + 4, doc_end[a])):
                    near += _is_body(k, length, kind, shape, rule)
                if near >= 2 or kind[anchors[a]] == HEADING:
                    stop = j  # a new section of the article
                    break
            run = run + 1 if _is_body(j, length, kind, shape, rule) else 0
            if run == _BODY_RUN:
                stop = j - _BODY_RUN + 1
                break
        if stop < doc_end[a]:  # the article goes on: only teasers directly below the anchor
            last = start
            while last < stop and _is_teaser(last, length, shape, rule) and not (kind[last] == HEADING and rule[last] < 0):
                last += 1
            if last > start:
                out[a] = last
            continue
        teasers, bodies, marked = 0, 0, 0
        for j in range(start, stop):
            teasers += _is_teaser(j, length, shape, rule)
            bodies += _is_body(j, length, kind, shape, rule)
            marked += rule[j] >= 0 or shape[j] & (BULLET | URL | DATE) != 0
        taken = stop - start
        if bodies <= teasers and 5 * bodies <= 2 * taken and (taken <= _MARKED_FROM or 5 * marked >= taken):
            out[a] = stop
    return out


@njit(cache=True, nogil=True)
def blocks(anchors, doc_end, max_lines, slot_of, follows):
    """One past the last line of the block that each anchor opens.

    slot_of : (n_lines,) int64, index into `follows`, -1 for a line that no block could reach.
    follows : (n_slots,) bool, whether the line matches the `follows` of the anchor's rule.
    """
    out = np.empty(len(anchors), np.int64)
    for a in range(len(anchors)):
        j = anchors[a] + 1
        limit = min(doc_end[a], j + max_lines)
        while j < limit and slot_of[j] >= 0 and follows[slot_of[j]]:
            j += 1
        out[a] = j
    return out


@njit(cache=True, nogil=True)
def _is_quoted(j, chars, offsets):
    return offsets[j + 1] > offsets[j] and chars[offsets[j]] == 62


@njit(cache=True, nogil=True)
def regions_to_start(anchors, doc_start, doc_end, length, shape, kind, chars, offsets, longest):
    """First line of the run of labels above each anchor; the anchor itself when there is none or it belongs to a quotation.

    A label is a line of prose no longer than `longest` that does not end as a sentence. Separators of one breadcrumb stand
    between labels; lines of a Markdown quotation begin with > one after the other, and then no one is a separator.
    """
    out = np.empty(len(anchors), np.int64)
    for a in range(len(anchors)):
        at = anchors[a]
        out[a] = at
        if at + 1 < doc_end[a] and _is_quoted(at + 1, chars, offsets):
            continue
        if at > doc_start[a] and _is_quoted(at - 1, chars, offsets):
            continue
        j = at
        while j > doc_start[a] and kind[j - 1] == 0 and length[j - 1] <= longest and shape[j - 1] & FINAL == 0:
            j -= 1
        out[a] = j
    return out


@njit(cache=True, nogil=True)
def leaves(anchors, doc_end, blank_before, chars, offsets, reach):
    """Whether the line below each anchor stands again, word for word, within the next `reach` lines."""
    out = np.zeros(len(anchors), np.bool_)
    for a in range(len(anchors)):
        leaf = anchors[a] + 1
        if leaf >= doc_end[a] or blank_before[leaf]:
            continue
        size = offsets[leaf + 1] - offsets[leaf]
        for j in range(leaf + 1, min(doc_end[a], leaf + 1 + reach)):
            if offsets[j + 1] - offsets[j] != size:
                continue
            same = True
            for k in range(size):
                if chars[offsets[leaf] + k] != chars[offsets[j] + k]:
                    same = False
                    break
            if same:
                out[a] = True
                break
    return out


@njit(cache=True, nogil=True)
def smooth(doc, from_head, length, kind, shape, blank_before, rule, reach, longest, head_lines, head_longest):
    """For each line the removed line whose rule takes it by smoothing, or -1.

    A short line with a removed line within two lines on either side goes with them. Headings, code, tables, captions and
    turns never do, nor sentences, nor, in the head of a document, what is long enough to be its title.
    reach : (n,) int64, 2 where a removed line spreads across blank lines, 1 where only inside a block of lines, 0 nowhere.
    """
    n = len(doc)
    out = np.full(n, -1, np.int64)
    for i in range(n):
        if rule[i] >= 0 or length[i] > longest or shape[i] & FINAL or (kind[i] != 0 and kind[i] != 2):
            continue
        if 0 <= from_head[i] < head_lines and length[i] > head_longest:
            continue
        above, below = -1, -1
        for step in range(1, 3):
            j = i - step
            if above < 0 and j >= 0 and doc[j] == doc[i] and rule[j] >= 0:
                above = j
            j = i + step
            if below < 0 and j < n and doc[j] == doc[i] and rule[j] >= 0:
                below = j
        if above < 0 or below < 0:
            continue
        alone = blank_before[i] and (i + 1 >= n or doc[i + 1] != doc[i] or blank_before[i + 1])
        least = min(reach[above], reach[below])
        if least == 0 or (alone and least < 2):
            continue
        out[i] = above
    return out
