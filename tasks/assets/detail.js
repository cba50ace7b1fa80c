// One family or cluster: its text once, every copy with what it has different, and what a reviewer decides about it.
const ACTIONS = { 1: "keep", 2: "keep_only", 3: "not_boilerplate", 4: "remove" };
const DOES = { keep: "Keep both", keep_only: "Keep only this", not_boilerplate: "Not boilerplate", remove: "Remove" };
const saved = `decisions-${facts.snapshot}`;
const review = { decided: new Map(), undo: [], copy: 0, row: null, key: "" };
try { review.decided = new Map(JSON.parse(store.get(saved) || "[]")); } catch { /* what another version left behind */ }

// The decision last made in a row, or "".
function decidedRow(key) {
  let found = "";
  for (const one of review.decided.values()) if (one.row === key) found = one.action;
  return found;
}

function countDecided() {
  const rows = new Set([...review.decided.values()].map((one) => one.row)).size;
  document.getElementById("progress").max = Math.max(total, 1);
  document.getElementById("progress").value = rows;
  document.getElementById("decided").replaceChildren(say("{} of {} decided", rows, total));
}

function changed() {
  store.set(saved, JSON.stringify([...review.decided]));
  countDecided();
  paint();
  if (review.row) fill();
}

function decide(action) {
  const copy = copies()[review.copy];
  if (!copy) return;
  const key = `${review.key}/${review.copy}`;
  review.undo.push([key, review.decided.get(key)]);
  review.decided.delete(key);
  const note = document.getElementById("note")?.value || "";
  review.decided.set(key, { row: review.key, action, contents: copy.contents, of: review.row.id, note });
  announce(say(DOES[action]), " · ", say("u takes it back"));
  changed();
}

function undo() {
  const last = review.undo.pop();
  if (!last) return announce(say("Nothing to take back"));
  if (last[1]) review.decided.set(last[0], last[1]);
  else review.decided.delete(last[0]);
  announce(say("Taken back"));
  return changed();
}

const copies = () => (review.row ? [review.row.first, ...review.row.copies] : []);
const clock = (ms) => new Date(ms).toISOString().slice(11, 19);

function copyFacts(copy, top) {
  const where = make("p", "where", words("bdi", "path", copy.place));
  if (!top && copy.similarity !== null) where.append(make("b", "sim", copy.kind === "contained" ? say("all of it is above") : copy.similarity.toFixed(3)));
  if (top) where.append(make("span", "badge done", say("shown above")));
  if (copy.verdict) where.append(make("span", `badge ${copy.verdict === "kept" ? "kept" : "removed"}`, named(copy.verdict)));
  if (copy.kind) where.append(make("span", "badge", named(copy.kind)));
  const more = make("p", "where quiet");
  if (!top && copy.estimate !== null) more.append(say("estimated {}", copy.estimate.toFixed(3)));
  if (!top && copy.inside) more.append(say("{} of it above, {} of that here", ...copy.inside.map((share) => `${(100 * share).toFixed(1)} %`)));
  more.append(say("characters {} to {}", ...copy.span));
  if (copy.time !== null) more.append(say("at {}", clock(copy.time)));
  if (copy.date) more.append(make("span", "", copy.date));
  if (copy.document in facts.documents) {
    const link = make("a", "", say("in its document"));
    link.href = `#documents/${facts.documents[copy.document]}/${copy.span[0]}`;
    more.append(link);
  }
  more.append(words("code", "ask", copy.ask));
  return [where, more];
}

function choices(place) {
  const box = make("div", "choices");
  for (const [key, action] of Object.entries(ACTIONS)) {
    const one = button("choice", make("kbd", "", key), " ", say(DOES[action]));
    one.setAttribute("aria-pressed", String(review.decided.get(`${review.key}/${place}`)?.action === action));
    one.addEventListener("click", () => { review.copy = place; decide(action); });
    box.append(one);
  }
  return box;
}

function copyItem(copy, place, weakest) {
  const top = place === 0;
  const item = make("li", place === review.copy ? "current" : "");
  item.id = `copy-${place}`;
  item.append(...copyFacts(copy, top));
  if (weakest) item.append(make("p", "weak", say("weakest link: the least similar copy")));
  const passage = make("div", "passage");
  if (copy.before) passage.append(make("p", "context", "… ", words("bdi", "", copy.before, copy.lang)));
  if (top) passage.append(make("p", "fold", say("the text above")));
  else if (!copy.changes.some(Array.isArray)) passage.append(make("p", "fold", say("the same, character by character")));
  else passage.append(difference(review.row.text, copy), make("p", "note", summaryOf(copy.changes)));
  if (copy.after) passage.append(make("p", "context", words("bdi", "", copy.after, copy.lang), " …"));
  item.append(passage);
  if (copy.cut && !top) item.append(make("p", "note", say("Compared in their first 2,000 characters.")));
  if (!top || review.row.copies.length === 0) item.append(choices(place));
  item.addEventListener("click", (event) => { if (!event.target.closest("a, button, input")) mark(place); });
  return item;
}

function mark(place) {
  if (review.copy === place) return;
  document.getElementById(`copy-${review.copy}`)?.classList.remove("current");
  review.copy = place;
  document.getElementById(`copy-${place}`)?.classList.add("current");
}

function stepCopy(by) {
  const last = copies().length - 1;
  if (last < 0) return;
  mark(Math.min(Math.max(review.copy + by, 0), last));
  document.getElementById(`copy-${review.copy}`).scrollIntoView({ block: "nearest" });
  history.replaceState(null, "", `#repeats/${review.key}/${review.copy}`);
}

function head(i, row) {
  const box = make("div", "head");
  const back = make("a", "back", "← ", say("List"));
  back.href = "#repeats";
  const family = columns.list[i] === "f";
  const meta = make("p", "where", make("span", `badge ${family ? "family" : "cluster"}`, say(family ? "family" : "cluster")));
  for (const what of [columns.category[i], family ? columns.verdict[i] : "", ...columns.reason[i].split(" ")]) if (what) meta.append(make("span", `badge ${what}`, named(what)));
  meta.append(say("{} characters", columns.chars[i]), say(family ? "{} places" : "copies: {}", columns.places[i]), say(family ? "in {} documents" : "in {} sources", columns.sources[i]));
  if (row?.span) meta.append(make("span", "", row.span));
  if (row?.scope === "across") meta.append(say("across collections"));
  const text = labelled(words("div", "whole", row ? row.text : columns.text[i], columns.lang[i]), "Text");
  text.tabIndex = 0; // it may scroll
  text.setAttribute("role", "region");
  box.append(back, meta, text);
  return box;
}

function fill() {
  const box = document.getElementById("detail");
  const i = state.rows[state.at] ?? review.index;
  const row = review.row;
  const parts = [head(i, row)];
  if (!row) {
    parts.push(make("p", "note", say("The page holds details of the first {} only.", columns.chunk.filter((chunk) => chunk >= 0).length), " ", make("code", "", `taosha explain ${columns.id[i].slice(0, 12)}`)));
  } else {
    if (row.why) parts.push(make("p", "why", words("span", "", row.why)));
    const note = make("input", "note-field");
    note.id = "note";
    note.type = "text";
    note.value = document.getElementById("note")?.value || "";
    labelled(note, "Note for the next decision");
    parts.push(make("div", "bar-detail", switches(() => fill()), make("label", "note-label", say("Note for the next decision"), " ", note)));
    const least = row.copies.length > 1 ? row.copies.reduce((a, b) => ((b.similarity ?? 1) < (a.similarity ?? 1) && b.kind !== "contained" ? b : a)) : null;
    const list = make("ol", "copies");
    copies().forEach((copy, place) => list.append(copyItem(copy, place, copy === least && (copy.similarity ?? 1) < 1)));
    parts.push(list);
    const held = row.copies.length + (columns.list[i] === "f" ? 1 : 0);
    if (held < row.total) parts.push(make("p", "note", say("{} of {} shown, the least similar first.", held, row.total)));
  }
  box.replaceChildren(...parts);
}

function open(i, copy) {
  const key = keyOf(i);
  if (review.key !== key) {
    review.key = key;
    review.index = i;
    review.row = detailOf(i);
    review.copy = review.row?.copies.length ? 1 : 0;
  }
  if (copy !== undefined && copies()[copy]) review.copy = copy;
  fill();
  const box = document.getElementById("detail");
  box.scrollTop = 0;
  if (copy !== undefined) document.getElementById(`copy-${review.copy}`)?.scrollIntoView({ block: "center" });
}

// The decisions as TOML, one table a content; the last decision about a content counts.
function exported() {
  const found = new Map();
  const twice = new Set();
  for (const one of review.decided.values()) {
    for (const content of one.contents) {
      if (found.has(content) && found.get(content).action !== one.action) twice.add(content);
      found.set(content, one);
    }
  }
  const quote = (text) => JSON.stringify(text).replace(/\u007f/g, "\\u007f");
  const tables = [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([content, one]) => [
    "[[passage]]", `content_id = ${quote(content)}`, `action = ${quote(one.action)}`, `of = ${quote(one.of)}`,
    `note = ${quote(one.note)}`, `snapshot = ${quote(facts.snapshot)}`, "",
  ].join("\n"));
  return { text: ["# Decisions of a reviewer, exported from a taosha report.", "", ...tables].join("\n"), contents: found.size, twice: [...twice].sort() };
}

function showExport() {
  const { text, contents, twice } = exported();
  const dialog = document.getElementById("exported");
  const title = make("h2", "", say("{} decisions", contents));
  title.id = "h-exported";
  const field = make("textarea", "");
  field.readOnly = true;
  field.value = text;
  labelled(field, "Decisions file");
  const link = make("a", "primary", say("Save as decisions.toml"));
  link.download = "decisions.toml";
  link.href = URL.createObjectURL(new Blob([text], { type: "application/toml" }));
  const close = button("", say("Close"));
  close.addEventListener("click", () => dialog.close());
  dialog.replaceChildren(title, make("p", "note", say("Take it in with: taosha decisions import decisions.toml — the next run applies it.")));
  if (twice.length) dialog.append(make("p", "weak", say("{} contents were decided in two ways; the last decision counts:", twice.length), " ", make("code", "", twice.map((id) => id.slice(0, 12)).join(" "))));
  dialog.append(field, make("p", "choices", link, close));
  dialog.showModal();
}
