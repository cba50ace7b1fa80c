// What a copy has different from the text on top, in three layers, on one line or side by side.
const FOLD = 90; // equal characters in a row beyond which the middle is folded
const LAYERS = { script: "script", form: "width and punctuation", edit: "wording" };
const shown = { mode: "inline", raw: true, script: true, form: true, edit: true };

// In the normalized view script and width are no differences: the layers are as if unticked.
const marked = (kind) => shown[kind] && (shown.raw || kind === "edit");

// The text of a copy, from the text on top and what it has different.
function rebuilt(text, changes) {
  const characters = Array.from(text);
  let at = 0;
  return changes.map((change) => {
    const [, gone, come] = typeof change === "number" ? [0, change, characters.slice(at, at + change).join("")] : change;
    at += gone;
    return come;
  }).join("");
}

function same(characters, first, last) {
  if (characters.length <= FOLD) return [document.createTextNode(characters.join(""))];
  const head = first ? 0 : 30;
  const tail = last ? 0 : 30;
  return [
    document.createTextNode(characters.slice(0, head).join("")),
    make("span", "fold", say("{} the same", characters.length - head - tail)),
    document.createTextNode(tail ? characters.slice(-tail).join("") : ""),
  ];
}

// What a copy has more, folded in the middle when it is long.
function folded(tag, text) {
  const characters = Array.from(text);
  if (characters.length <= 4 * FOLD) return [words(tag, "", text)];
  const left = characters.slice(0, 2 * FOLD).join("");
  const right = characters.slice(-FOLD).join("");
  return [words(tag, "", left), make("span", "fold", say("{} more", characters.length - 3 * FOLD)), words(tag, "", right)];
}

// side: "both" marks what goes and what comes; "left" and "right" show one text each.
function compared(text, changes, lang, side) {
  const characters = Array.from(text);
  const line = make("bdi", "zh");
  if (lang) line.lang = lang;
  let at = 0;
  changes.forEach((change, i) => {
    if (typeof change === "number") {
      line.append(...same(characters.slice(at, at + change), i === 0, i === changes.length - 1));
      at += change;
      return;
    }
    const [kind, gone, come] = change;
    const old = characters.slice(at, at + gone).join("");
    at += gone;
    if (!marked(kind)) {
      line.append(document.createTextNode(shown.raw && side === "right" ? come : old));
      return;
    }
    const span = make("span", kind);
    if (old && side !== "right") span.append(...folded("del", old));
    if (come && side !== "left") span.append(...folded("ins", come));
    line.append(span);
  });
  return line;
}

function difference(text, copy) {
  if (shown.mode === "inline") return make("div", "inline", compared(text, copy.changes, copy.lang, "both"));
  return make("div", "sides", make("div", "", compared(text, copy.changes, copy.lang, "left")), make("div", "", compared(text, copy.changes, copy.lang, "right")));
}

function summaryOf(changes) {
  const kinds = [...new Set(changes.filter(Array.isArray).map((change) => change[0]))];
  if (!kinds.length) return say("the same, character by character");
  const element = make("span", "", say("differs in"), " ");
  kinds.forEach((kind, i) => element.append(i ? ", " : "", say(LAYERS[kind])));
  return element;
}

// The switches above the copies; `changed` draws anew.
function switches(changed) {
  const box = make("div", "switches");
  const choice = (text, on, act, title) => {
    const one = button("switch", say(text));
    one.setAttribute("aria-pressed", String(on));
    one.addEventListener("click", () => { act(); changed(title); });
    return one;
  };
  box.append(
    choice("inline", shown.mode === "inline", () => { shown.mode = "inline"; }, "inline"),
    choice("side by side", shown.mode === "sides", () => { shown.mode = "sides"; }, "side by side"),
    make("span", "gap"),
    choice("as in the source", shown.raw, () => { shown.raw = true; }, "as in the source"),
    choice("normalized", !shown.raw, () => { shown.raw = false; }, "normalized"),
    make("span", "gap"),
  );
  for (const [kind, text] of Object.entries(LAYERS)) {
    const one = choice(text, shown[kind], () => { shown[kind] = !shown[kind]; }, text);
    one.classList.add(`layer-${kind}`);
    box.append(one);
  }
  return box;
}
