"use strict";

// The drawing is moved and scaled as a whole: a place p of it is shown at p * scale + (x, y).
const view = document.getElementById("view");
const svg = view.querySelector("svg");
const search = document.getElementById("search");
const found = document.getElementById("found");
const detail = document.getElementById("detail");
const layers = JSON.parse(document.getElementById("layers").textContent);
const boxes = Array.from(svg.querySelectorAll("[data-layer]"));
const width = svg.viewBox.baseVal.width;
const height = svg.viewBox.baseVal.height;
const at = { x: 0, y: 0, scale: 1 };
const LEAST = 0.01, MOST = 8, READABLE = 0.9;
let hits = [], current = -1;

function show() {
  svg.style.transform = `translate(${at.x}px, ${at.y}px) scale(${at.scale})`;
}

// Zooms so that the place under (x, y) of the view stays there.
function zoom(factor, x, y) {
  const scale = Math.min(MOST, Math.max(LEAST, at.scale * factor));
  at.x = x - (x - at.x) * scale / at.scale;
  at.y = y - (y - at.y) * scale / at.scale;
  at.scale = scale;
  show();
}

function zoomMiddle(factor) {
  zoom(factor, view.clientWidth / 2, view.clientHeight / 2);
}

function fit() {
  at.scale = Math.min(view.clientWidth / width, view.clientHeight / height, 1);
  at.x = (view.clientWidth - width * at.scale) / 2;
  at.y = Math.max(0, (view.clientHeight - height * at.scale) / 2);
  show();
}

// The top of the drawing, as wide as the view, but readable.
function begin() {
  at.scale = Math.min(1, Math.max(0.5, view.clientWidth / width));
  at.x = Math.max(0, (view.clientWidth - width * at.scale) / 2);
  at.y = 0;
  show();
}

function centre(box) {
  const frame = box.getBBox();
  at.scale = Math.max(at.scale, READABLE);
  at.x = view.clientWidth / 2 - (frame.x + frame.width / 2) * at.scale;
  at.y = view.clientHeight / 2 - (frame.y + frame.height / 2) * at.scale;
  show();
}

// Searching -------------------------------------------------------------------------------------------------

function matches(box, words) {
  const layer = layers[box.id];
  const blobs = layer.tops.concat(layer.bottoms).map((blob) => blob[0]);
  const text = [layer.name, layer.type].concat(blobs).join("\n").toLowerCase();
  return words.every((word) => text.includes(word));
}

// Names that are or begin with what was typed come first, then the others in the order of the drawing.
function rank(box, text) {
  const name = layers[box.id].name.toLowerCase();
  return name === text ? 0 : name.startsWith(text) ? 1 : name.includes(text) ? 2 : 3;
}

function find() {
  const text = search.value.trim().toLowerCase();
  for (const box of boxes) box.classList.remove("hit");
  hits = text ? boxes.filter((box) => matches(box, text.split(/\s+/))) : [];
  hits.sort((one, other) => rank(one, text) - rank(other, text));
  for (const box of hits) box.classList.add("hit");
  svg.classList.toggle("searched", hits.length > 0);
  current = -1;
  found.textContent = text ? "no match" : "";
  go(1);
}

function go(step) {
  if (hits.length === 0) return;
  current = (current + step + hits.length) % hits.length;
  found.textContent = `${current + 1} of ${hits.length}`;
  centre(hits[current]);
  choose(hits[current]);
}

// A layer's details -----------------------------------------------------------------------------------------

function element(parent, tag, text, className) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  parent.appendChild(made);
  return made;
}

function choose(box) {
  for (const old of svg.querySelectorAll(".chosen, .near")) old.classList.remove("chosen", "near");
  detail.hidden = box === null;
  if (box === null) return;
  box.classList.add("chosen");
  const host = box.parentNode.closest("[data-layer]") || box;
  for (const edge of svg.querySelectorAll("[data-tail]")) {
    const ends = [edge.getAttribute("data-tail"), edge.getAttribute("data-head")];
    if (ends.includes(host.id)) edge.classList.add("near");
  }
  describe(layers[box.id]);
}

function describe(layer) {
  detail.replaceChildren();
  element(detail, "button", "\u00d7", "close").onclick = () => choose(null);
  element(detail, "h2", layer.name);
  const kind = layer.kind === layer.type.toLowerCase() ? "" : `, ${layer.kind}`;
  element(detail, "div", layer.type + kind);
  blobs("bottoms", layer.bottoms);
  blobs("tops", layer.tops);
  if (layer.params.length) params(layer.params);
  element(detail, "h3", "prototxt");
  element(detail, "pre", layer.text);
}

function blobs(title, list) {
  if (list.length === 0) return;
  element(detail, "h3", title);
  const table = element(detail, "table");
  for (const [name, shape] of list) {
    const row = element(table, "tr");
    element(row, "td", name);
    element(row, "td", shape);
  }
}

function params(list) {
  element(detail, "h3", "params");
  const table = element(detail, "table");
  const head = element(table, "tr");
  for (const title of ["", "shape", "numbers", "lr", "decay"]) element(head, "th", title);
  for (const [name, shape, count, lr, decay, owner] of list) {
    const row = element(table, "tr");
    element(row, "td", owner ? `${name} of ${owner}` : name);
    element(row, "td", shape);
    element(row, "td", count.toLocaleString("en"), "number");
    element(row, "td", lr, "number");
    element(row, "td", decay, "number");
  }
}

// Mouse and keys --------------------------------------------------------------------------------------------

let drag = null;

view.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  drag = { x: event.clientX, y: event.clientY, moved: false, target: event.target };
});

window.addEventListener("pointermove", (event) => {
  if (drag === null) return;
  const dx = event.clientX - drag.x, dy = event.clientY - drag.y;
  if (!drag.moved && Math.hypot(dx, dy) < 4) return;
  drag.moved = true;
  view.classList.add("dragged");
  at.x += dx;
  at.y += dy;
  drag.x = event.clientX;
  drag.y = event.clientY;
  show();
});

window.addEventListener("pointerup", () => {
  if (drag !== null && !drag.moved) choose(drag.target.closest("[data-layer]"));
  drag = null;
  view.classList.remove("dragged");
});

view.addEventListener("wheel", (event) => {
  event.preventDefault();
  const place = view.getBoundingClientRect();
  const lines = event.deltaMode === 1 ? 20 : 1;
  zoom(Math.exp(-event.deltaY * lines / 500), event.clientX - place.left, event.clientY - place.top);
}, { passive: false });

search.addEventListener("input", find);
search.addEventListener("keydown", (event) => {
  if (event.key === "Enter") go(event.shiftKey ? -1 : 1);
  if (event.key === "Escape") {
    search.value = "";
    find();
    search.blur();
  }
});

window.addEventListener("keydown", (event) => {
  if (event.target === search || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/") {
    event.preventDefault();
    search.focus();
    search.select();
  }
  if (event.key === "+" || event.key === "=") zoomMiddle(1.25);
  if (event.key === "-") zoomMiddle(0.8);
  if (event.key === "0") fit();
  if (event.key === "Escape") choose(null);
});

document.getElementById("next").onclick = () => go(1);
document.getElementById("previous").onclick = () => go(-1);
document.getElementById("larger").onclick = () => zoomMiddle(1.25);
document.getElementById("smaller").onclick = () => zoomMiddle(0.8);
document.getElementById("fit").onclick = fit;

// A link to net.html#conv1 opens with that layer found.
function follow() {
  search.value = decodeURIComponent(location.hash.slice(1));
  find();
}

window.addEventListener("hashchange", follow);
begin();
if (location.hash) follow();
