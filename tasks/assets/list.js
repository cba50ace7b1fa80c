// The list of families and clusters: columns from the island, a query, an order, and only the rows in sight as elements.
const columns = island("rows");
const HEIGHT = 70;
const total = columns.id.length;
const keyOf = (i) => columns.list[i] + columns.id[i];
const chunks = new Map();
const state = { rows: [], at: -1 };

function detailOf(i) {
  const chunk = columns.chunk[i];
  if (chunk < 0) return null;
  if (!chunks.has(chunk)) chunks.set(chunk, new Map(island(`detail-${chunk}`).map((row) => [row.id, row])));
  return chunks.get(chunk).get(columns.id[i]);
}

function textOf(i) {
  const row = detailOf(i);
  if (!row) return columns.text[i].toLowerCase();
  row.lower ??= [row.text, ...row.copies.map((copy) => rebuilt(row.text, copy.changes))].join("\n").toLowerCase();
  return row.lower;
}

const has = (text, value) => text.toLowerCase().replaceAll("_", " ").includes(value.replaceAll("_", " "));
const FIELDS = {
  source: (i, value) => columns.names[i].some((name) => columns.named[name].toLowerCase().includes(value)),
  kind: (i, value) => has(columns.kind[i], value) || (columns.list[i] === "f" ? "family" : "cluster").startsWith(value) || Boolean(detailOf(i)?.copies.some((copy) => has(copy.kind, value) || copy.changes.some((change) => change[0] === value))),
  reason: (i, value) => has(columns.reason[i], value),
  category: (i, value) => has(columns.category[i], value),
  verdict: (i, value) => has(columns.verdict[i], value),
  text: (i, value) => textOf(i).includes(value),
  id: (i, value) => columns.id[i].startsWith(value),
  decision: (i, value) => (decidedRow(keyOf(i)) || "undecided").includes(value),
};
const NUMBERS = { sim: "sim", size: "places", places: "places", chars: "chars", sources: "sources" };
const SIGNS = { "<": (a, b) => a < b, "<=": (a, b) => a <= b, ">": (a, b) => a > b, ">=": (a, b) => a >= b, "": (a, b) => a === b };

// "words field:value number:>=5 -field:value" as one test; all parts must hold, a minus turns one round.
function parsed(query) {
  const parts = query.toLowerCase().match(/-?(?:[a-z]+:)?(?:"[^"]*"|\S+)/g) || [];
  const tests = parts.map((part) => {
    const not = part.length > 1 && part.startsWith("-");
    const test = single(not ? part.slice(1) : part);
    return not ? (i) => !test(i) : test;
  });
  return (i) => tests.every((test) => test(i));
}

function single(part) {
  const [, field, sign, quoted] = part.match(/^([a-z]+):([<>]?=?)(.*)$/) || [];
  const value = (quoted ?? part).replaceAll('"', "");
  if (field in NUMBERS && value !== "" && !Number.isNaN(Number(value))) {
    const column = columns[NUMBERS[field]];
    return (i) => (SIGNS[sign] || SIGNS[""])(column[i], Number(value));
  }
  if (field in FIELDS) return (i) => FIELDS[field](i, sign + value);
  const word = part.replaceAll('"', "");
  return (i) => textOf(i).includes(word) || has(columns.category[i], word) || FIELDS.source(i, word) || FIELDS.id(i, word);
}

const ORDERS = {
  weight: (a, b) => a - b, // the island's own order
  places: (a, b) => columns.places[b] - columns.places[a] || a - b,
  chars: (a, b) => columns.chars[b] - columns.chars[a] || a - b,
  sim: (a, b) => columns.sim[a] - columns.sim[b] || a - b,
};

const listBox = document.getElementById("list");
const sizer = make("div", "sizer");
if (listBox) {
  // A scroll bar a few million pixels long is drawn by an SVG's height, since the policy allows no style attribute.
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("width", "1");
  svg.setAttribute("aria-hidden", "true");
  sizer.append(svg, make("div", "window"));
  sizer.setAttribute("role", "presentation");
  sizer.lastChild.setAttribute("role", "presentation");
  listBox.append(sizer);
}

function option(place) {
  const i = state.rows[place];
  const element = make("div", "option");
  element.id = `option-${place}`;
  element.setAttribute("role", "option");
  element.setAttribute("aria-selected", String(place === state.at));
  element.setAttribute("aria-setsize", String(state.rows.length));
  element.setAttribute("aria-posinset", String(place + 1));
  const done = decidedRow(keyOf(i));
  element.append(
    make("div", "option-top", words("bdi", "snippet", columns.text[i] || "…", columns.lang[i]), make("b", "", `${number(columns.places[i])}×`)),
    make("div", "option-meta",
      make("span", `badge ${columns.list[i] === "f" ? "family" : "cluster"}`, say(columns.list[i] === "f" ? "family" : "cluster")),
      columns.category[i] ? make("span", "badge", named(columns.category[i])) : null,
      columns.list[i] === "f" && columns.verdict[i] ? make("span", `badge ${columns.verdict[i]}`, named(columns.verdict[i])) : null,
      done ? make("span", "badge done", named(done)) : null,
      make("span", "", say("{} characters", columns.chars[i])),
      columns.sim[i] < 1 ? make("span", "", `≥ ${columns.sim[i].toFixed(2)}`) : null,
      make("bdi", "path", columns.names[i].map((name) => columns.named[name]).slice(0, 2).join(", "))),
  );
  element.addEventListener("click", () => go(place));
  return element;
}

function paint() {
  const first = Math.max(0, Math.floor(listBox.scrollTop / HEIGHT) - 5);
  const last = Math.min(state.rows.length, first + Math.ceil((listBox.clientHeight || 600) / HEIGHT) + 10);
  const box = sizer.lastChild;
  box.replaceChildren();
  for (let place = first; place < last; place += 1) box.append(option(place));
  box.style.setProperty("transform", `translateY(${first * HEIGHT}px)`); // through the object model: no attribute, so the policy holds
  if (state.at >= first && state.at < last) listBox.setAttribute("aria-activedescendant", `option-${state.at}`);
  else listBox.removeAttribute("aria-activedescendant");
}

function draw() {
  const query = document.getElementById("query").value;
  const current = state.rows[state.at];
  const test = parsed(query);
  const found = [];
  for (let i = 0; i < total; i += 1) if (test(i)) found.push(i);
  state.rows = found.sort(ORDERS[document.getElementById("order").value]);
  state.at = current === undefined ? -1 : state.rows.indexOf(current);
  sizer.firstChild.setAttribute("height", String(Math.max(state.rows.length * HEIGHT, 1)));
  document.getElementById("count").replaceChildren(say("{} of {}", state.rows.length, total));
  listBox.scrollTop = state.at > 0 ? state.at * HEIGHT - listBox.clientHeight / 2 : 0;
  paint();
}

function go(place) {
  if (!state.rows.length) return;
  const at = Math.min(Math.max(place, 0), state.rows.length - 1);
  location.hash = `repeats/${keyOf(state.rows[at])}`;
}

function select(place) {
  state.at = place;
  const top = place * HEIGHT;
  if (top < listBox.scrollTop) listBox.scrollTop = top;
  if (top + HEIGHT > listBox.scrollTop + listBox.clientHeight) listBox.scrollTop = top + HEIGHT - listBox.clientHeight;
  paint();
}
