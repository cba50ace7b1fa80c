"""The published tables (schema_version 1): names, types and meanings. The README's table documentation is made from here.

Types are those that DuckDB, Polars, pandas, Spark and Hugging Face `datasets` all read alike: string, int32, int64,
float32, float64, bool, timestamp[us, UTC], list<struct>. Offsets are Unicode code points of the document text, half-open.
"""

from __future__ import annotations

import pyarrow as pa

SCHEMA_VERSION = 1

STRING, INT32, INT64 = pa.string(), pa.int32(), pa.int64()
FLOAT32, FLOAT64, BOOL = pa.float32(), pa.float64(), pa.bool_()
TIME = pa.timestamp("us", tz="UTC")


def _field(name: str, kind: pa.DataType, description: str) -> pa.Field:
    return pa.field(name, kind, metadata={"description": description})


def _records(**fields: pa.DataType) -> pa.DataType:
    return pa.list_(pa.struct([pa.field(name, kind) for name, kind in fields.items()]))


PLACE = [
    _field("source", STRING, "Path of the input file, relative to the input root (collection/file), with / between folders."),
    _field(
        "record",
        INT64,
        "Number of the document in its source, from 0 (a line of JSONL, a row of Parquet or CSV, a member of an archive; 0 for a text file).",
    ),
    _field(
        "locator",
        STRING,
        "Where a person finds the record: `line 12`, `row 7`, `notes/a.txt` or `inner.zip!/b.jsonl line 3` in an archive, or empty when the source is one document.",
    ),
    _field("doc_id", STRING, "Digest of source and record: the same in every snapshot as long as the place is."),
    _field("char_start", INT64, "First code point of the span in the document text."),
    _field("char_end", INT64, "One past the last code point of the span in the document text."),
    _field("line_start", INT64, "First line of the span in the document text, from 1."),
    _field("line_end", INT64, "Last line of the span in the document text, from 1, inclusive."),
]


def _side(letter: str) -> list[pa.Field]:
    what = "the exemplar's, containing or first" if letter == "a" else "the other"
    return [
        _field(f"source_{letter}", STRING, f"Source of {what} side."),
        _field(f"record_{letter}", INT64, f"Record of {what} side."),
        _field(f"doc_id_{letter}", STRING, f"Document of {what} side."),
        _field(f"char_start_{letter}", INT64, f"First code point of {what} side."),
        _field(f"char_end_{letter}", INT64, f"One past the last code point of {what} side."),
        _field(f"line_start_{letter}", INT64, f"First line of {what} side, from 1."),
        _field(f"line_end_{letter}", INT64, f"Last line of {what} side, inclusive."),
    ]


SOURCE_METADATA = [
    _field("title", STRING, "Title, when the source states one (front matter, HTML title, a JSONL field)."),
    _field("author", STRING, "Author, when the source states one."),
    _field("publisher", STRING, "Publisher or site name, when the source states one."),
    _field("url", STRING, "Address of the document, when the source states one."),
    _field("published_at", TIME, "Date of publication, when the source states one."),
    _field("license", STRING, "Licence, when the source states one."),
]

#: Measured numbers of a passage or a document, in `signals`. Unit and source stand in each description.
SIGNALS: list[tuple[str, pa.DataType, str]] = [
    ("char_count", INT32, "Code points of the text."),
    ("han_share", FLOAT32, "Share of Han characters among the non-space characters."),
    ("latin_share", FLOAT32, "Share of Latin letters among the non-space characters."),
    ("digit_share", FLOAT32, "Share of digits among the non-space characters."),
    ("punctuation_share", FLOAT32, "Share of punctuation among the non-space characters."),
    ("symbol_share", FLOAT32, "Share of other symbols (mathematics, currency, emoji, drawing) among the non-space characters."),
    ("url_share", FLOAT32, "Share of non-space characters that stand in URLs."),
    ("sentence_count", INT32, "Sentences, by final punctuation 。！？!?… and line ends."),
    ("mean_sentence_chars", FLOAT32, "Mean characters a sentence."),
    ("unfinished_line_share", FLOAT32, "Share of lines without final punctuation (C4, Raffel et al. 2020)."),
    ("distinct_char_share", FLOAT32, "Distinct characters over characters, of the first 256 characters."),
    ("top_bigram_share", FLOAT32, "Share of characters in the most frequent character bigram (Gopher, Rae et al. 2021)."),
    ("duplicate_ngram_share", FLOAT32, "Share of characters covered by character 8-grams seen before in the passage (Gopher)."),
    ("filler_share", FLOAT32, "Share of characters in fillers of spoken text (嗯, 啊, 对吧, 就是说, you know)."),
    ("replacement_count", INT32, "U+FFFD and typical mojibake sequences."),
    ("unpaired_count", INT32, "Brackets and quotation marks without a partner."),
    (
        "mojibake_share",
        FLOAT32,
        "Share of the non-space characters in text read in the wrong charset that could not be repaired with certainty.",
    ),
    ("space_share", FLOAT32, "Share of white space among all characters."),
    ("longest_sentence_chars", INT32, "Visible characters of the longest sentence."),
    ("word_count", INT32, "Words: a Han character, kana or Hangul syllable is one, and so is a run of other letters and digits."),
    ("distinct_word_share", FLOAT32, "Share of different words among the words (RedPajama-v2: frac_unique_words)."),
    ("function_word_share", FLOAT32, "Share of Chinese function characters (的, 了, 是) and English function words (Gopher's stop words)."),
    ("words_a_phrase", FLOAT32, "Compression: words a phrase of a Lempel-Ziv parse; 1 where no three words come again."),
    *(
        (f"top_{n}gram_share", FLOAT32, f"Share of characters that one repeated {n}-gram of words holds, the largest (Gopher).")
        for n in (2, 3, 4)
    ),
    *(
        (f"duplicate_{n}gram_share", FLOAT32, f"Share of characters in {n}-grams of words that stood before (Gopher).")
        for n in range(5, 11)
    ),
    ("duplicate_line_share", FLOAT32, "Share of characters in lines that equal an earlier line (Gopher: 0.2)."),
    ("half_width_share", FLOAT32, "Share of half-width marks among those right after a Han character."),
    ("stutter_share", FLOAT32, "Share of characters in words that repeat what stands right before them (我我我, 这个这个, the the)."),
    ("email_count", INT32, "E-mail addresses."),
    ("id_card_count", INT32, "Chinese identity numbers, by date and checksum (GB 11643)."),
    ("bank_card_count", INT32, "Bank card numbers, by Luhn's checksum."),
    ("phone_count", INT32, "Telephone numbers of China: mobile, landline with area code, 400 and 800."),
    ("chat_id_count", INT32, "WeChat and QQ numbers, by the word before them."),
    ("plate_count", INT32, "Number plates of China (GA 36)."),
]
SIGNALS_TYPE = pa.struct([pa.field(name, kind) for name, kind, _ in SIGNALS])

PASSAGES = pa.schema(
    [
        _field("passage_id", STRING, "Digest of document, span and text."),
        _field("content_id", STRING, "Digest of the normalized text: the same content has the same id in every snapshot."),
        _field("parent_id", STRING, "The passage that this one is a surviving part of, when lines were cut out of it; else null."),
        *PLACE,
        _field("collection", STRING, "Group of sources: the first folder under the input root, or `.`."),
        _field("ordinal", INT32, "Position among the kept passages of the document, from 0."),
        _field("text", STRING, "Normalized text: the product."),
        _field("raw", STRING, "The text as it stands in the source, null when equal to `text`."),
        _field("kind", STRING, "prose, heading, list, table, code, caption or turn."),
        _field("layout", STRING, "How the document was cut: captions, dialogue, paragraphs, lines, markdown."),
        _field("section", STRING, "Headings above the passage, joined with ` > `; null when there is none."),
        _field("speaker", STRING, "Who speaks, in dialogue; else null."),
        _field("script_source", STRING, "Script of the raw text: hans, hant, mixed or neutral."),
        _field("script", STRING, "Script of `text`."),
        _field(
            "script_spans",
            _records(start=INT32, end=INT32, script=STRING),
            "Runs of one script of the raw text, as code points of `text`, half-open: one in a passage of one script, several in a mixed one, none where nothing tells.",
        ),
        _field(
            "region_hint",
            _records(region=STRING, evidence=INT32),
            "tw and hk with the number of characters and words of the raw text that only this region's standard writes, larger first; empty without any. A hint, no verdict: authors mix standards.",
        ),
        _field("edits", _records(name=STRING, count=INT32), "Normalizations applied to get `text` from `raw`, each with its count."),
        _field("lang", STRING, "Primary language, BCP 47 (zh-Hans, zh-Hant, en, ja ...), `und` where nothing can be said."),
        _field("lang_confidence", FLOAT32, "Confidence of `lang`, 0 to 1."),
        _field("lang_shares", _records(lang=STRING, share=FLOAT32), "Share of letters by language, largest first."),
        _field("lang_spans", _records(start=INT32, end=INT32, lang=STRING), "Runs of one language in `text`, code points, half-open."),
        _field(
            "lang_switches",
            pa.list_(INT64),
            "Where the language changes: starts of spans in another language than the span before (names and terms count,"
            " simplified and traditional Chinese are one language). Code points in `text`.",
        ),
        _field("is_mixed", BOOL, "Whether running text in a second language makes up a tenth or more of the letters."),
        _field("quality", FLOAT32, "Quality score, 0 (noise) to 1 (clean running text)."),
        _field(
            "perplexity",
            FLOAT32,
            "Perplexity a character by a model of the rest of the corpus, which saw neither the document nor its duplicates; null where the corpus is too small.",
        ),
        _field(
            "perplexity_z",
            FLOAT32,
            "Robust standard deviations of log perplexity above the median of passages of the same kind, language and length; below 0 is more ordinary.",
        ),
        _field("shock_share", FLOAT32, "Share of characters that cost that model more than 16 bits; null where there is none."),
        _field("signals", SIGNALS_TYPE, "Measured numbers of the passage: " + "; ".join(f"{n}: {d}" for n, _, d in SIGNALS)),
        _field("cluster_id", STRING, "Cluster of duplicates that this passage represents; null when alone."),
        _field("family_id", STRING, "Family of repeated content that the passage belongs to; null when none."),
        _field("copies", INT64, "How many removed passages name this one as their kept twin."),
        _field(
            "also_in",
            _records(source=STRING, char_start=INT64, char_end=INT64, similarity=FLOAT32),
            "Places of up to 8 of those copies, most similar first; `copies` is the true number.",
        ),
        _field("source_sha256", STRING, "Digest of the source's bytes."),
        _field("encoding", STRING, "Character encoding of the source."),
        *SOURCE_METADATA,
        _field("time_start_ms", INT64, "Start of the passage in the recording, milliseconds; null without time codes."),
        _field("time_end_ms", INT64, "End of the passage in the recording, milliseconds; null without time codes."),
        _field("pipeline_version", STRING, "Version of taosha that wrote the row."),
        _field("settings_digest", STRING, "Digest of the settings that affect data."),
    ]
)

REMOVED = pa.schema(
    [
        _field("passage_id", STRING, "Digest of document, span and text."),
        _field("content_id", STRING, "Digest of the normalized text."),
        _field("parent_id", STRING, "The passage that this span was cut out of; null when it was removed whole."),
        *PLACE,
        _field("collection", STRING, "Group of sources."),
        _field("raw", STRING, "The text as it stands in the source."),
        _field("stage", STRING, "Stage that removed it."),
        _field(
            "reason",
            STRING,
            "extraction, boilerplate, template, language, quality, exact_duplicate, near_duplicate, duplicate_block or reviewer.",
        ),
        _field(
            "category",
            STRING,
            "navigation, share, subscribe, advertisement, sponsor, related, contents, links, references, disclaimer, copyright, attribution, greeting, comments, footer, metadata; null for duplicates.",
        ),
        _field("rule", STRING, "Rule or template that matched; null for duplicates."),
        _field("evidence", STRING, "Why, for a person: what matched and what supported it."),
        _field("kept_passage_id", STRING, "The kept passage that holds the same content; null unless removed as a duplicate."),
        _field("similarity", FLOAT32, "Exact Jaccard similarity with that passage; null unless removed as a duplicate."),
        _field(
            "containment",
            FLOAT32,
            "Share of its shingles that the kept passage has; null unless a near duplicate. 1 with a similarity below the remove threshold: all of it stands inside the kept passage.",
        ),
        _field("cluster_id", STRING, "Cluster of the kept twin; null unless removed as a duplicate."),
        _field("family_id", STRING, "Family of repeated content; null when none."),
        _field("kind", STRING, "prose, heading, list, table, code, caption, turn or metadata."),
        _field("layout", STRING, "How the document was cut."),
    ]
)

DOCUMENTS = pa.schema(
    [
        *[f for f in PLACE if f.name in ("doc_id", "source", "record", "locator")],
        _field("piece", INT32, "0; or, of a document over 16 MB, which is cut into pieces with a row each, the number of the piece."),
        _field("collection", STRING, "Group of sources."),
        _field("text", STRING, "Kept passages in order, joined as in the source (a line break, or a blank line where the source has one)."),
        _field("lang", STRING, "Primary language of the kept text."),
        _field("lang_shares", _records(lang=STRING, share=FLOAT32), "Share of letters by language, largest first."),
        _field("script", STRING, "Script of the kept text: hans, hant, mixed or neutral."),
        _field("quality", FLOAT32, "Mean quality of the kept passages, weighted by characters."),
        _field("char_count", INT64, "Non-space characters of the document text in the source."),
        _field("passage_count", INT32, "Kept passages."),
        _field("kept_share", FLOAT32, "Share of the non-space characters that were kept."),
        _field("removed", _records(reason=STRING, char_count=INT64), "Non-space characters removed, by reason."),
        _field("source_sha256", STRING, "Digest of the source's bytes."),
        _field("encoding", STRING, "Character encoding of the source."),
        *SOURCE_METADATA,
        _field("pipeline_version", STRING, "Version of taosha that wrote the row."),
        _field("settings_digest", STRING, "Digest of the settings that affect data."),
    ]
)

PAIRS = pa.schema(
    [
        _field("passage_a", STRING, "Passage that comes first by (source, record, char_start)."),
        _field("passage_b", STRING, "The other passage."),
        *_side("a"),
        *_side("b"),
        _field("similarity", FLOAT32, "Exact Jaccard similarity of the shingle sets."),
        _field("containment_a", FLOAT32, "Share of a's shingles that b has."),
        _field("containment_b", FLOAT32, "Share of b's shingles that a has."),
        _field("estimate", FLOAT32, "MinHash estimate of the similarity, for comparison; null where no signature was needed."),
        _field(
            "kind",
            STRING,
            "identical, script, width_punctuation, number_slot, edited, or contained (one side has nearly all of the other, and they are not similar as wholes).",
        ),
        _field("accepted", BOOL, "Whether a removal may rest on this pair."),
    ]
)

CLUSTERS = pa.schema(
    [
        _field("cluster_id", STRING, "Digest of the kept passage's id."),
        _field("passage_id", STRING, "Member."),
        _field("content_id", STRING, "Digest of the member's normalized text."),
        *PLACE,
        _field("role", STRING, "kept or removed."),
        _field("similarity", FLOAT32, "Exact Jaccard similarity with the kept passage (1 for itself)."),
        _field("containment", FLOAT32, "Share of the member's shingles that the kept passage has; null unless a near duplicate."),
        _field(
            "kind",
            STRING,
            "Kind of the pair with the kept passage; null for itself. contained: all of the member stands inside the kept passage.",
        ),
        _field("neighbour_count", INT64, "How many passages are at or above the report threshold to this one."),
    ]
)

FAMILIES = pa.schema(
    [
        _field("family_id", STRING, "Digest of the exemplar's passages."),
        _field("exemplar_text", STRING, "The repeated content once, as it stands in its exemplar."),
        _field("kind", STRING, "block (several passages) or passage."),
        _field("category", STRING, "Category of the rule that most of it fell to; null when none did."),
        _field("verdict", STRING, "kept (every occurrence), deduplicated (one stays), removed (none stays) or mixed."),
        _field("scope", STRING, "within (one collection) or across (several)."),
        _field("occurrence_count", INT64, "Places where it stands."),
        _field("document_count", INT64, "Documents it stands in."),
        _field("collection_count", INT64, "Collections it stands in."),
        _field("char_count", INT64, "Non-space characters of all occurrences."),
        _field("first_published_at", TIME, "Earliest known date of an occurrence."),
        _field("last_published_at", TIME, "Latest known date of an occurrence."),
    ]
)

OCCURRENCES = pa.schema(
    [
        _field("family_id", STRING, "Family."),
        *PLACE,
        _field("passage_count", INT32, "Passages of the occurrence."),
        _field("similarity", FLOAT32, "Exact Jaccard similarity of the occurrence's shingles with the exemplar's."),
        _field("verdict", STRING, "kept, removed or mixed."),
    ]
)

BLOCKS = pa.schema(
    [
        _field("family_id", STRING, "Family of the occurrence, or of the contained passage; null when none."),
        _field("block_id", STRING, "Digest of the two spans."),
        _field(
            "kind",
            STRING,
            "occurrence (a is the exemplar of a family, b another occurrence), contained (b is most of a passage that lies inside a's) or overlap (a stretch that two passages share, a first).",
        ),
        *_side("a"),
        *_side("b"),
        _field("char_count", INT64, "Non-space characters of the b side."),
        _field("similarity", FLOAT32, "Exact Jaccard similarity of the two sides."),
    ]
)

SOURCES = pa.schema(
    [
        _field("source", STRING, "Path of the input file, relative to the input root."),
        _field("collection", STRING, "Group of sources."),
        _field("byte_count", INT64, "Size of the file."),
        _field("sha256", STRING, "Digest of its bytes; null when it could not be read."),
        _field("format", STRING, "txt, md, jsonl, csv, tsv, parquet, html, srt, vtt, zip or tar; null when unknown."),
        _field("encoding", STRING, "Character encoding; null when not text or not decodable."),
        _field("encoding_how", STRING, "bom, utf-8, declared, detected, or format (the format fixes it)."),
        _field("record_count", INT64, "Documents read."),
        _field("char_count", INT64, "Non-space characters of their texts: what conservation is proved against."),
        _field(
            "not_carried",
            _records(what=STRING, count=INT64),
            "What the reader leaves out of the document text, with its count (markup, time codes, other fields).",
        ),
        _field("status", STRING, "ok, needs_review, quarantined or skipped."),
        _field("error", STRING, "Why, when the status is not ok."),
    ]
)

TEMPLATES = pa.schema(
    [
        _field("rule", STRING, "Id of the rule or template."),
        _field("origin", STRING, "pack, mined or reviewer."),
        _field("collection", STRING, "Collection it was mined in; null for a rule of a pack."),
        _field("category", STRING, "Category of what it removes."),
        _field("verdict", STRING, "removes, reported (recurs, but too little evidence to remove) or refused (by a reviewer)."),
        _field("skeleton", STRING, "Pattern of the rule, or the template with its slots."),
        _field("evidence", STRING, "Why a mined template is one: documents, share, place, wordings; null for a rule."),
        _field("pattern", STRING, "RE2 over the match form that `taosha rules accept` freezes a mined template into; null when none can."),
        _field("place", STRING, "head or tail, where most lines of a mined template stand; null for a rule."),
        _field("within", INT32, "Lines from that end of the document within which they stand."),
        _field("document_count", INT64, "Documents it stands in."),
        _field("char_count", INT64, "Non-space characters it matched."),
        _field("only_here_char_count", INT64, "Of these, what no other rule or template matched."),
        _field("examples", _records(source=STRING, char_start=INT64, text=STRING), "Up to 5 places it matched."),
        _field(
            "counter_examples",
            _records(source=STRING, char_start=INT64, text=STRING),
            "Up to 5 places where it matched but nothing was removed.",
        ),
    ]
)

SIGNATURES = pa.schema(
    [
        _field("passage_id", STRING, "Passage that was matched. When lines were cut out of it, its spans name it as `parent_id`."),
        *PLACE,
        _field("shingle_count", INT32, "Distinct shingles."),
        _field(
            "signature",
            pa.list_(INT64),
            "MinHash values, each 0 to 2^32 - 1: `hashvalues` of a datasketch 2.0 MinHash. How they were made stands in the metadata of the file (`taosha.minhash`).",
        ),
    ]
)

#: Every table in the order in which the documentation names them, with one line of meaning.
TABLES: dict[str, tuple[pa.Schema, str]] = {
    "passages": (PASSAGES, "What was kept: one row a passage, sorted by (source, record, char_start)."),
    "removed": (REMOVED, "What was removed: one row a span, with the reason and the rule or the kept twin."),
    "documents": (DOCUMENTS, "The kept text of each document (of each piece of one over 16 MB)."),
    "pairs": (PAIRS, "Verified pairs of similar passages."),
    "clusters": (CLUSTERS, "One row a member: a kept passage and the passages removed because of it."),
    "families": (FAMILIES, "One row a repeated content."),
    "occurrences": (OCCURRENCES, "One row a place of a repeated content."),
    "blocks": (BLOCKS, "Stretches that stand in two places, aligned: occurrences of families, passages inside longer ones, overlaps."),
    "sources": (SOURCES, "Every input seen, with status."),
    "templates": (TEMPLATES, "Every rule and mined template that fired."),
    "signatures": (SIGNATURES, "MinHash signatures; published when publish.signatures is set."),
}
