// Which view is shown, keys, the threshold slider and whole documents.
const VIEWS = [...document.querySelectorAll(".view")].map((view) => view.id);

function draws(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  element.append(...children);
  return element;
}

function curve(steps, at, now) {
  const top = Math.max(...steps.map((step) => step.passages), 1);
  const x = (value) => 20 + (760 * (value - steps[0].at)) / (1 - steps[0].at);
  const y = (value) => 150 - (130 * value) / top;
  const points = steps.map((step) => `${x(step.at).toFixed(1)},${y(step.passages).toFixed(1)}`);
  const chart = draws("svg", { viewBox: "0 0 800 180", class: "curve", "aria-hidden": "true" });
  chart.append(
    draws("polygon", { points: `${x(steps[0].at)},150 ${points.join(" ")} ${x(1)},150`, class: "area" }),
    draws("polyline", { points: points.join(" "), class: "line" }),
    draws("line", { x1: x(now), x2: x(now), y1: 8, y2: 150, class: "mark" }),
    draws("line", { x1: x(at), x2: x(at), y1: 8, y2: 150, class: "hand" }),
    draws("line", { x1: 20, x2: 780, y1: 150, y2: 150, class: "axis" }),
  );
  for (let tick = steps[0].at; tick <= 1.0001; tick += 0.1) chart.append(draws("text", { x: x(tick), y: 170, class: "tick" }, tick.toFixed(1)));
  return chart;
}

function flipRow(one) {
  const to = one.gone ? "would stay" : "would go";
  return make("li", "", make("p", "where", make("b", "sim", one.sim.toFixed(3)), make("span", `badge ${one.gone ? "kept" : "removed"}`, say(to)), words("bdi", "path", one.place), say("{} characters", one.chars)),
    words("p", "zh", one.text, one.lang), make("p", "note", say("twin"), " ", words("bdi", "path", one.twin), " ", words("bdi", "", one.twin_text, one.lang)));
}

function slider() {
  const box = document.getElementById("slider");
  if (!box.hidden) return;
  box.hidden = false;
  const { now, steps, examples } = island("flips");
  if (!steps.length) {
    box.append(make("p", "none", say("No threshold is on record.")));
    return;
  }
  const input = make("input", "");
  Object.assign(input, { type: "range", min: String(Math.round(steps[0].at * 100)), max: "100", step: "1", value: String(Math.round(now * 100)), id: "at" });
  labelled(input, "Threshold");
  const out = make("div", "slide-out");
  const show = () => {
    const at = Number(input.value) / 100;
    const step = steps[Number(input.value) - Math.round(steps[0].at * 100)];
    const base = steps.find((one) => Math.abs(one.at - now) < 0.001) || step;
    const flipping = examples.filter((one) => (at > now ? one.gone && one.sim < at - 1e-9 : !one.gone && one.sim >= at - 1e-9 && at < now - 1e-9));
    flipping.sort((a, b) => (at > now ? b.sim - a.sim : a.sim - b.sim) || b.chars - a.chars);
    const more = step.passages - base.passages;
    const sign = (n) => (n > 0 ? `+${number(n)}` : n < 0 ? `−${number(-n)}` : "±0");
    out.replaceChildren(
      make("div", "tiles", make("div", "gold", make("b", "", at.toFixed(2)), say("threshold ({} in force)", now)),
        make("div", "", make("b", "", number(step.passages)), say("near duplicates removed ({})", sign(more))),
        make("div", "", make("b", "", number(step.chars)), say("characters removed ({})", sign(step.chars - base.chars)))),
      curve(steps, at, now), make("h2", "", say("What would flip: {} of {}", Math.min(flipping.length, 20), Math.abs(more))),
      flipping.length ? make("ol", "flips", ...flipping.slice(0, 20).map(flipRow)) : make("p", "none", say("Nothing would flip. Move the slider.")));
  };
  input.addEventListener("input", show);
  box.append(make("label", "slide-label", say("Threshold"), input), out);
  show();
}

let held = null;
function documentView(number_, start) {
  const box = document.getElementById("documents-box");
  held ??= island("document-texts");
  if (!held.length) return;
  const chosen = held[number_] || held[0];
  const choice = make("select", "");
  choice.id = "document";
  labelled(choice, "Document");
  held.forEach((one, n) => choice.append(new Option(one.name, String(n), false, one === chosen)));
  choice.addEventListener("change", () => { location.hash = `documents/${choice.value}`; });
  const text = make("div", "document zh");
  let target = null;
  for (const [at, words_, why] of chosen.spans) {
    const span = make("span", why ? `gone g-${why[0]}` : "stays", words("span", why ? "taken" : "", words_));
    if (why) span.title = [why[0].replaceAll("_", " "), why[1], why[2], why[3]].filter(Boolean).join(" · ");
    if (why) span.append(make("small", "why-tag", named(why[0]), why[1] ? ` ${why[1]}` : "", why[2] ? ` → ${why[2]}` : ""));
    if (start !== undefined && at <= start) target = span;
    text.append(span);
  }
  box.hidden = false;
  box.replaceChildren(choice, text, chosen.cut ? make("p", "note", say("The document goes on.")) : "");
  if (target) {
    target.classList.add("target");
    target.scrollIntoView({ block: "center" });
  }
}

function repeatsView(key, copy) {
  document.body.classList.toggle("opened", Boolean(key));
  if (!total) return;
  if (!state.rows.length && !document.getElementById("query").value) draw();
  if (!key) {
    if (matchMedia("(min-width: 60rem)").matches && state.rows.length && state.at < 0) { select(0); open(state.rows[0]); }
    return paint();
  }
  let place = state.rows.findIndex((i) => keyOf(i).startsWith(key));
  if (place < 0) { // a permalink to what the filter hides
    document.getElementById("query").value = "";
    draw();
    place = state.rows.findIndex((i) => keyOf(i).startsWith(key));
  }
  if (place < 0) return announce(say("Not in this page: {}", key.slice(1)));
  select(place);
  return open(state.rows[place], copy);
}

function follow() {
  const [hash, ...rest] = decodeURIComponent(location.hash.slice(1) || "overview").split("/");
  const target = document.getElementById(hash);
  const view = VIEWS.includes(hash) ? hash : target?.closest(".view")?.id || "overview";
  for (const one of VIEWS) document.getElementById(one).classList.toggle("on", one === view);
  document.body.dataset.view = view;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.getAttribute("href") === `#${view}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (target instanceof HTMLDetailsElement) target.open = true;
  if (target && hash !== view) target.scrollIntoView();
  else scrollTo(0, 0);
  if (view === "repeats") repeatsView(rest[0], rest[1] === undefined ? undefined : Number(rest[1]));
  if (view === "threshold") slider();
  if (view === "documents") documentView(Number(rest[0] || 0), rest[1] === undefined ? undefined : Number(rest[1]));
}

const KEYS = [
  ["j k", "next and previous family or cluster"], ["n p", "next and previous copy"], ["d", "inline or side by side"], ["r", "as in the source or normalized"],
  ["/", "filter"], ["1", "Keep both"], ["2", "Keep only this"], ["3", "Not boilerplate"], ["4", "Remove"], ["u", "take the last decision back"],
  ["e", "Export decisions"], ["o", "Overview"], ["?", "this list"],
];
const QUERIES = ["source:mlst", "sim:>0.9", "size:>=5", "chars:>500", "kind:script", "reason:template", "category:sponsor", "decision:undecided", "text:赞助", "-kind:family"];

function help() {
  const dialog = document.getElementById("help");
  const title = make("h2", "", say("Keyboard"));
  title.id = "h-help";
  const list = make("dl", "keys", ...KEYS.map(([keys, what]) => make("div", "", make("dt", "", ...keys.split(" ").flatMap((key) => [make("kbd", "", key), " "])), make("dd", "", say(what)))));
  const close = button("", say("Close"));
  close.addEventListener("click", () => dialog.close());
  dialog.replaceChildren(title, list, make("h3", "", say("Filter")), make("p", "", say("Words, and fields with a value; all must hold, a minus turns one round:")),
    make("p", "queries", ...QUERIES.flatMap((query) => [make("code", "", query), " "])), close);
  dialog.showModal();
}

function press(key) {
  const inReview = document.body.dataset.view === "repeats";
  if ((key === "j" || key === "k") && total) {
    if (!inReview || state.at < 0) return inReview ? go(0) : void (location.hash = "repeats");
    return go(state.at + (key === "j" ? 1 : -1));
  }
  if (key === "?") return help();
  if (key === "o") return void (location.hash = "overview");
  if (!inReview) return undefined;
  if (key === "n") return stepCopy(1);
  if (key === "p") return stepCopy(-1);
  if (key === "d") shown.mode = shown.mode === "inline" ? "sides" : "inline";
  if (key === "r") shown.raw = !shown.raw;
  if ((key === "d" || key === "r") && review.row) return fill();
  if (key in ACTIONS) return decide(ACTIONS[key]);
  if (key === "u") return undo();
  if (key === "e") return showExport();
  return undefined;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const query = document.getElementById("query");
  if (event.key === "Escape" && document.activeElement === query) {
    query.value = "";
    draw();
    listBox.focus();
  }
  if (event.target.closest("input, select, textarea, dialog")) return;
  if (event.key === "/") {
    event.preventDefault();
    if (document.body.dataset.view !== "repeats") location.hash = "repeats";
    setTimeout(() => query.focus(), 0);
    return;
  }
  if (document.activeElement === listBox && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    event.preventDefault();
    go(state.at + (event.key === "ArrowDown" ? 1 : -1));
    return;
  }
  press(event.key);
});

let waiting = 0;
document.getElementById("query").addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(draw, 100);
});
document.getElementById("order").addEventListener("change", draw);
let painting = 0;
listBox.addEventListener("scroll", () => {
  cancelAnimationFrame(painting);
  painting = requestAnimationFrame(paint);
});
addEventListener("resize", paint);
addEventListener("hashchange", follow);
document.getElementById("language").addEventListener("click", () => speak(tongue === "zh" ? "en" : "zh"));
document.getElementById("help-button").addEventListener("click", help);
document.getElementById("export").addEventListener("click", showExport);
document.body.classList.add("app");
document.querySelector(".tools-top").hidden = false;
document.querySelector(".review").hidden = !total;
if (store.get("language") === "zh") speak("zh");
countDecided();
follow();
document.body.dataset.ready = "yes";
