"use strict";
// Lists of families and clusters from the JSON island. Data only ever becomes text (textContent), never markup.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const PAGE = 50;
  const FOLD = 90; // equal characters in a row beyond which the middle is folded
  const GLYPH = /(⟨(?:[A-Z0-9]{2,4}|U\+[0-9A-F]{4,6}|\+\d+ marks)⟩)/u;
  const number = (n) => n.toLocaleString("en-US");
  const plural = (n, word) => `${number(n)} ${word}${n === 1 ? "" : "s"}`;

  function make(tag, className, ...children) {
    const element = document.createElement(tag);
    if (className) element.className = className;
    for (const child of children) if (child !== null && child !== "") element.append(child);
    return element;
  }

  // Text in its own direction and language, with glyphs for invisible characters set apart.
  function words(tag, className, text, lang) {
    const element = make(tag, className);
    if (lang) element.lang = lang;
    text.split(GLYPH).forEach((piece, i) => {
      if (piece) element.append(i % 2 ? make("span", "glyph", piece) : document.createTextNode(piece));
    });
    return element;
  }

  function equal(characters, first, last) {
    if (characters.length <= FOLD) return [document.createTextNode(characters.join(""))];
    const head = first ? 0 : 30;
    const tail = last ? 0 : 30;
    return [
      document.createTextNode(characters.slice(0, head).join("")),
      make("span", "fold", `${number(characters.length - head - tail)} the same`),
      document.createTextNode(tail ? characters.slice(-tail).join("") : ""),
    ];
  }

  // What a copy has more, folded in the middle when it is long.
  function added(text) {
    const characters = Array.from(text);
    if (characters.length <= 4 * FOLD) return [words("ins", "", text)];
    const left = characters.slice(0, 2 * FOLD).join("");
    const right = characters.slice(-FOLD).join("");
    return [words("ins", "", left), make("span", "fold", `${number(characters.length - 3 * FOLD)} more`), words("ins", "", right)];
  }

  // A copy as it differs from the text shown on top.
  function compared(text, changes, lang) {
    const characters = Array.from(text);
    const line = make("bdi", "zh");
    if (lang) line.lang = lang;
    let at = 0;
    changes.forEach((change, i) => {
      if (typeof change === "number") {
        line.append(...equal(characters.slice(at, at + change), i === 0, i === changes.length - 1));
        at += change;
        return;
      }
      const [kind, gone, come] = change;
      const span = make("span", kind);
      if (gone) span.append(words("del", "", characters.slice(at, at + gone).join("")));
      if (come) span.append(...added(come));
      line.append(span);
      at += gone;
    });
    return line;
  }

  const KINDS = { form: "punctuation, width or spaces", script: "script", edit: "wording" };
  function summaryOf(changes) {
    const kinds = [...new Set(changes.filter(Array.isArray).map((change) => KINDS[change[0]]))];
    return kinds.length ? `differs in ${kinds.join(", ")}` : "the same, character by character";
  }

  function copyItem(copy, text, top) {
    const item = make("li", "");
    const where = make("p", "where", words("bdi", "path", copy.place));
    const contained = copy.kind === "contained";
    if (!top && copy.similarity !== null) where.append(make("span", "sim", contained ? "all of it is above" : copy.similarity.toFixed(3)));
    if (!top && copy.estimate !== null) where.append(make("span", "quiet", `estimated ${copy.estimate.toFixed(3)}`));
    if (copy.verdict) where.append(make("span", `tag ${copy.verdict === "kept" ? "kept" : "removed"}`, copy.verdict.replaceAll("_", " ")));
    if (copy.kind) where.append(make("span", "tag", copy.kind.replaceAll("_", " ")));
    if (copy.date) where.append(make("span", "quiet", copy.date));
    where.append(make("span", "quiet", top ? "shown above" : summaryOf(copy.changes)), words("code", "ask", copy.ask));
    const passage = make("p", "passage");
    const same = top || !copy.changes.some(Array.isArray);
    const space = same ? " " : "\n";
    if (copy.before) passage.append(words("bdi", "context", copy.before, copy.lang), space);
    passage.append(same ? make("span", "fold", "the text above") : compared(text, copy.changes, copy.lang));
    if (copy.after) passage.append(space, words("bdi", "context", copy.after, copy.lang));
    item.append(where, passage);
    if (copy.cut && !top) item.append(make("p", "note", "Compared in their first 2,000 characters."));
    return item;
  }

  function inside(row, list) {
    const box = make("div", "inside");
    if (row.why) box.append(make("p", "evidence", row.why));
    box.append(words("div", "whole", row.text, row.lang));
    const copies = make("ol", "copies", copyItem(row.first, row.text, true));
    for (const copy of row.copies) copies.append(copyItem(copy, row.text, false));
    box.append(copies);
    const shown = row.copies.length + (list === "families" ? 1 : 0);
    if (shown < row.total) box.append(make("p", "note", `${number(shown)} of ${number(row.total)} shown, the least similar first.`));
    return box;
  }

  function card(row, list) {
    const places = list === "families" ? plural(row.total, "place") : plural(row.total, "copy").replace("copys", "copies");
    const meta = make("span", "meta");
    const verdict = list === "families" && row.verdict ? make("span", `tag ${row.verdict}`, row.verdict) : null;
    const least = leastSimilar(row);
    const facts = [
      `${number(row.chars)} characters`,
      list === "families" ? plural(row.sources, "document") : plural(row.sources, "source"),
      row.scope === "across" ? "across collections" : null,
      `similarity ${least < 1 ? "from " : ""}${least.toFixed(3)}`,
      row.span,
    ].filter(Boolean);
    meta.append(...[verdict, row.category ? make("span", "tag", row.category) : null].filter(Boolean).flatMap((tag) => [tag, " "]));
    meta.append(facts.join(" · "), " · in ", words("bdi", "path", sourcesOf(row)));
    const details = make("details", "card");
    details.id = `${list}-${row.id}`;
    const snippet = words("span", "snippet", row.text.slice(0, 160).replace(/\s+/g, " "), row.lang);
    details.append(make("summary", "", snippet, make("span", "places", places), meta));
    details.addEventListener("toggle", () => {
      if (details.open && details.childElementCount === 1) details.append(inside(row, list));
    });
    return details;
  }

  function sourcesOf(row) {
    const names = [...new Set(everything(row).map((copy) => copy.place.replace(/:[\d-]+$/, "")))];
    return names.slice(0, 3).join(", ") + (names.length > 3 ? ", …" : "");
  }

  const leastSimilar = (row) => Math.min(1, ...row.copies.map((copy) => (copy.kind === "contained" ? 1 : copy.similarity ?? 1)));
  const ORDERS = {
    weight: (a, b) => b.chars * b.sources - a.chars * a.sources,
    places: (a, b) => b.total - a.total,
    chars: (a, b) => b.chars - a.chars,
    similarity: (a, b) => leastSimilar(a) - leastSimilar(b),
  };
  const everything = (row) => [row.first, ...row.copies];
  const FIELDS = {
    source: (row, value) => everything(row).some((copy) => copy.place.toLowerCase().includes(value)),
    verdict: (row, value) => row.verdict.includes(value) || row.copies.some((copy) => copy.verdict.includes(value)),
    kind: (row, value) => row.kind.includes(value) || row.copies.some((copy) => copy.kind.includes(value)),
    category: (row, value) => row.category.includes(value),
  };
  const NUMBERS = { sim: leastSimilar, places: (row) => row.total, chars: (row) => row.chars, sources: (row) => row.sources };

  // "words field:value number:>5" as one test; all parts must hold.
  function parsed(query) {
    const tests = query.toLowerCase().split(/\s+/).filter(Boolean).map((part) => {
      const [, field, sign, value] = part.match(/^([a-z]+):([<>]?=?)(.+)$/) || [];
      if (field in NUMBERS && !Number.isNaN(Number(value))) {
        const limit = Number(value);
        const holds = { "<": (n) => n < limit, "<=": (n) => n <= limit, ">": (n) => n > limit, ">=": (n) => n >= limit };
        return (row) => (holds[sign] || ((n) => n === limit))(NUMBERS[field](row));
      }
      if (field in FIELDS) return (row) => FIELDS[field](row, sign + value);
      return (row) =>
        row.text.toLowerCase().includes(part) || row.category.includes(part) || row.id.startsWith(part) || FIELDS.source(row, part) ||
        row.copies.some((copy) => copy.changes.some((change) => Array.isArray(change) && change[2].toLowerCase().includes(part)));
    });
    return (row) => tests.every((test) => test(row));
  }

  const query = document.getElementById("query");
  const order = document.getElementById("order");
  const lists = [...document.querySelectorAll("[data-list]")].map((box) => ({ box, name: box.dataset.list, rows: [], shown: 0 }));

  function more(list, count) {
    list.box.querySelector(".more")?.remove();
    const next = list.rows.slice(list.shown, list.shown + count);
    list.box.append(...next.map((row) => card(row, list.name)));
    list.shown += next.length;
    if (list.shown >= list.rows.length) return;
    const button = make("button", "more", `Show ${Math.min(PAGE, list.rows.length - list.shown)} more of ${number(list.rows.length)}`);
    button.type = "button";
    button.addEventListener("click", () => {
      const at = list.shown;
      more(list, PAGE);
      list.box.children[at]?.firstElementChild.focus();
    });
    list.box.append(button);
  }

  function draw() {
    const test = parsed(query.value);
    const total = lists.reduce((sum, list) => sum + data[list.name].length, 0);
    let found = 0;
    for (const list of lists) {
      list.rows = data[list.name].filter(test).sort(ORDERS[order.value]);
      found += list.rows.length;
      list.shown = 0;
      list.box.replaceChildren();
      if (!list.rows.length && data[list.name].length) list.box.append(make("p", "none", "Nothing here matches the filter."));
      more(list, PAGE);
    }
    document.getElementById("count").textContent = query.value ? `${number(found)} of ${number(total)}` : "";
  }

  function follow() {
    const id = decodeURIComponent(location.hash.slice(1));
    const target = lists.find((list) => id.startsWith(`${list.name}-`));
    if (target) {
      const at = target.rows.findIndex((row) => `${target.name}-${row.id}`.startsWith(id));
      if (at < 0) return;
      if (at >= target.shown) more(target, at + 1 - target.shown);
      target.box.children[at].open = true;
      target.box.children[at].scrollIntoView();
      return;
    }
    const element = document.getElementById(id);
    if (element instanceof HTMLDetailsElement) element.open = true;
  }

  function step(by) {
    const all = [...document.querySelectorAll(".card > summary")];
    const at = all.indexOf(document.activeElement);
    const next = all[at < 0 ? 0 : Math.min(Math.max(at + by, 0), all.length - 1)];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && document.activeElement === query) {
      query.value = "";
      draw();
      query.blur();
    }
    if (event.target.closest("input, select, textarea")) return;
    if (event.key === "j") step(1);
    if (event.key === "k") step(-1);
    if (event.key === "/") {
      event.preventDefault();
      query.focus();
    }
  });
  let waiting = 0;
  query.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(draw, 120);
  });
  order.addEventListener("change", draw);
  addEventListener("hashchange", follow);
  if (data.families.length + data.clusters.length) document.querySelector(".tools").hidden = false;
  draw();
  follow();
})();
