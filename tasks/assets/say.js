"use strict";
// Elements, words in two languages, and islands of JSON. Data only ever becomes text (textContent), never markup.
const island = (id) => JSON.parse(document.getElementById(id).textContent);
const SVG = "http://www.w3.org/2000/svg"; // a name, never fetched
const GLYPH = /(⟨(?:[A-Z0-9]{2,4}|U\+[0-9A-F]{4,6}|\+\d+ marks)⟩)/u;
const number = (n) => n.toLocaleString("en-US");
const chinese = island("chinese");
const facts = island("facts");
const store = {
  get(key) {
    try { return localStorage.getItem(`taosha-${key}`); } catch { return null; }
  },
  set(key, value) {
    try { localStorage.setItem(`taosha-${key}`, value); } catch { /* private windows have no store: the page still works */ }
  },
};
let tongue = "en";

function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  for (const child of children) if (child !== null && child !== undefined && child !== "") element.append(child);
  return element;
}

function button(className, ...children) {
  const element = make("button", className, ...children);
  element.type = "button";
  return element;
}

function filled(text, values) {
  let at = 0;
  return ((tongue === "zh" && chinese[text]) || text).replace(/\{\}/g, () => values[at++] ?? "");
}

// A sentence of the page in the chosen language; values are shown as they are.
function say(text, ...values) {
  const shown = values.map((value) => (typeof value === "number" ? number(value) : String(value)));
  const element = make("span", "", filled(text, shown));
  element.dataset.t = text;
  if (shown.length) element.dataset.v = JSON.stringify(shown);
  return element;
}

const named = (value) => say(value.replaceAll("_", " "));

function labelled(element, text) {
  element.dataset.label = text;
  element.setAttribute("aria-label", filled(text, []));
  return element;
}

function speak(language) {
  tongue = language;
  store.set("language", language);
  document.documentElement.lang = language === "zh" ? "zh-Hans" : "en";
  for (const element of document.querySelectorAll("[data-t]")) element.textContent = filled(element.dataset.t, JSON.parse(element.dataset.v || "[]"));
  for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", filled(element.dataset.label, []));
  const other = document.getElementById("language");
  other.textContent = language === "zh" ? "English" : "中文";
  other.lang = language === "zh" ? "en" : "zh-Hans";
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

let fading = 0;
function announce(...parts) {
  const box = document.getElementById("said");
  box.replaceChildren(...parts);
  box.classList.add("shown");
  clearTimeout(fading);
  fading = setTimeout(() => box.classList.remove("shown"), 2500);
}
