"use strict";

// While the training goes on, the page looks at its own file now and then: it loads it into a frame that nobody
// sees, whose script, this one, hands over what is new. So nothing flickers or jumps, and no server is needed.
// The name of a frame tells its script what it is there for.
const PROBE = "netspec report, read again";
const EVERY = 3000, SELDOM = 30000, TOO_LONG = 20000; // milliseconds
const parsed = (id) => JSON.parse(document.getElementById(id).textContent);
const live = () => Array.from(document.querySelectorAll("[data-live]"));

// Charts ----------------------------------------------------------------------------------------------------

const SVG = "http://www.w3.org/2000/svg";
const LEFT = 62, RIGHT = 24, TOP = 8, BOTTOM = 24, HEIGHT = 210, FEW = 40, MOST_KEYS = 12;

function made(parent, tag, attributes, text) {
  const node = parent.namespaceURI === SVG || tag === "svg"
    ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const name in attributes || {}) node.setAttribute(name, attributes[name]);
  if (text !== undefined) node.textContent = text;
  parent.appendChild(node);
  return node;
}

function plain(value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4) return value.toExponential(2).replace(/\.?0+e/, "e").replace("e+", "e");
  if (size >= 1000) return value.toLocaleString("en", { maximumFractionDigits: size < 1e4 ? 1 : 0 });
  return String(Number(value.toPrecision(4)));
}

function percent(value) {
  return `${Number((100 * value).toPrecision(3))} %`;
}

// Round numbers between two others.
function ticks(low, high, count) {
  const rough = (high - low) / count, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((one) => one * power >= rough);
  const found = [];
  for (let index = Math.ceil(low / step - 1e-9); index * step <= high + step * 1e-9; index++) {
    found.push(Number((index * step).toPrecision(12)));
  }
  return found;
}

function powers(low, high) {
  const decades = Math.log10(high / low), found = [];
  const steps = decades > 4 ? [1] : decades > 1.5 ? [1, 3] : [1, 2, 5];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    for (const step of steps) {
      const value = Number((step * 10 ** power).toPrecision(3));
      if (value >= low * 0.999 && value <= high * 1.001) found.push(value);
    }
  }
  return found.length > 1 ? found : ticks(low, high, 4);
}

// The place in a rising list that is nearest to a value.
function nearest(list, value) {
  let low = 0, high = list.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (list[middle] < value) low = middle; else high = middle;
  }
  return value - list[low] <= list[high] - value ? low : high;
}

const chosen = { log: {}, hidden: {} }; // by the title of a panel; survives a reload
const charts = new Map();
let cursor = null; // the iteration that is pointed at, in all charts

class Chart {
  constructor(parent) {
    this.figure = made(parent, "figure", { class: "panel" });
    this.caption = made(this.figure, "figcaption");
    this.svg = made(this.figure, "svg", { tabindex: 0, role: "img" });
    this.tip = made(this.figure, "div", { class: "tip", hidden: "hidden" });
    this.svg.addEventListener("pointermove", (event) => this.point(event));
    this.svg.addEventListener("pointerdown", (event) => this.point(event));
    this.svg.addEventListener("pointerleave", () => point(null));
    this.svg.addEventListener("blur", () => point(null));
    this.svg.addEventListener("keydown", (event) => this.step(event));
  }

  show(panel, range) {
    const text = JSON.stringify([panel, range, this.figure.clientWidth]);
    if (text === this.text) return;
    this.text = text;
    this.panel = panel;
    this.range = range;
    this.format = panel.share ? percent : plain;
    this.captions();
    this.draw();
  }

  get log() {
    const title = this.panel.title;
    return title in chosen.log ? chosen.log[title] : Boolean(this.panel.log);
  }

  visible() {
    const hidden = chosen.hidden[this.panel.title] || [];
    return this.panel.curves.filter((curve) => !hidden.includes(curve.name));
  }

  // The title, a key for each curve that takes it away and brings it back, and the choice of the scale.
  captions() {
    const focus = document.activeElement && this.caption.contains(document.activeElement)
      ? Array.from(this.caption.children).indexOf(document.activeElement) : -1;
    this.caption.replaceChildren();
    const { title, curves, log } = this.panel;
    made(this.caption, "h3", {}, title);
    if (curves.length <= MOST_KEYS && (curves.length > 1 || curves[0].name !== title) && this.panel.place === "curves"
      || curves.length > 1 && curves.length <= MOST_KEYS) {
      for (const curve of curves) this.key(curve);
    }
    if (log !== undefined && log !== null) {
      const button = made(this.caption, "button", { type: "button", class: "scale", "aria-pressed": this.log }, "log scale");
      button.onclick = () => this.toggle(() => { chosen.log[title] = !this.log; });
    }
    if (focus >= 0 && this.caption.children[focus]) this.caption.children[focus].focus();
  }

  key(curve) {
    const shown = this.visible().includes(curve);
    const button = made(this.caption, "button", { type: "button", class: "key", "aria-pressed": shown });
    const sample = made(button, "svg", { viewBox: "0 0 24 10", "aria-hidden": "true" });
    made(sample, "path", { class: `curve ${curve.kind}`, d: "M0 5H24", stroke: this.colour(curve) });
    button.append(curve.name);
    button.onclick = () => this.toggle(() => {
      const hidden = chosen.hidden[this.panel.title] || [];
      chosen.hidden[this.panel.title] = shown ? [...hidden, curve.name] : hidden.filter((name) => name !== curve.name);
    });
  }

  toggle(change) {
    change();
    remember();
    this.captions();
    this.draw();
  }

  colour(curve) {
    return `var(--c${this.panel.curves.indexOf(curve) % 7})`;
  }

  // Where values are shown; on a logarithmic scale what is not positive has no place.
  scales(curves) {
    const log = this.log;
    const values = curves.flatMap((curve) => curve.y.filter((y) => y !== null && (!log || y > 0)));
    let low = Math.min(...values), high = Math.max(...values);
    if (values.length === 0) [low, high] = [log ? 0.1 : 0, 1];
    if (!log && low >= 0 && low < 0.5 * high) low = 0;
    if (low === high) [low, high] = log ? [low / 2, high * 2] : low ? [low - Math.abs(low) * 0.1, high + Math.abs(low) * 0.1] : [0, 1];
    const to = log ? Math.log : (value) => value;
    const marks = log ? powers(low, high) : ticks(low, high, 5);
    const beyond = 2 * marks[marks.length - 1] - marks[marks.length - 2]; // the next mark above
    if (!log && beyond - high < (high - low) / 8) marks.push(high = beyond);
    const pad = (to(high) - to(low)) * 0.04;
    const bottom = to(low) - (low === 0 && !log ? 0 : pad), top = to(high) + pad;
    const [first, last] = this.range;
    this.x = (value) => LEFT + (value - first) / (last - first) * (this.width - LEFT - RIGHT);
    this.back = (x) => first + (x - LEFT) / (this.width - LEFT - RIGHT) * (last - first);
    this.y = (value) => TOP + (top - to(value)) / (top - bottom) * (HEIGHT - TOP - BOTTOM);
    return marks;
  }

  draw() {
    this.width = Math.max(240, this.figure.clientWidth);
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${HEIGHT}`);
    this.svg.replaceChildren();
    const curves = this.visible(), floor = HEIGHT - BOTTOM;
    for (const value of this.scales(curves)) {
      const y = this.y(value);
      made(this.svg, "path", { class: "grid", d: `M${LEFT} ${y}H${this.width - RIGHT}` });
      made(this.svg, "text", { x: LEFT - 7, y: y + 4, "text-anchor": "end" }, this.format(value));
    }
    for (const value of ticks(...this.range, Math.max(2, Math.floor(this.width / 85)))) {
      if (!Number.isInteger(value)) continue;
      made(this.svg, "text", { x: this.x(value), y: HEIGHT - 7, "text-anchor": "middle" }, value.toLocaleString("en"));
    }
    made(this.svg, "path", { class: "axis", d: `M${LEFT} ${floor}H${this.width - RIGHT}` });
    for (const curve of [...curves].sort((one, other) => (other.kind === "raw") - (one.kind === "raw"))) this.line(curve);
    this.svg.setAttribute("aria-label", this.words());
    this.mark();
  }

  line(curve) {
    const colour = this.colour(curve), few = curve.x.length <= (curve.kind === "test" ? FEW : 1);
    let path = "", pen = "M";
    curve.x.forEach((x, index) => {
      const y = curve.y[index];
      if (y === null || (this.log && y <= 0)) {
        pen = "M";
        return;
      }
      const place = [this.x(x), this.y(y)].map((part) => part.toFixed(1));
      path += pen + place.join(" ");
      pen = "L";
      if (few) made(this.svg, "circle", { cx: place[0], cy: place[1], r: 2.6, fill: colour });
    });
    made(this.svg, "path", { class: `curve ${curve.kind}`, d: path, stroke: colour });
  }

  // What the chart says to who cannot see it.
  words() {
    const each = this.panel.curves.map((curve) => {
      const last = curve.y[curve.y.length - 1];
      return `${curve.name} ${last === null ? "not finite" : this.format(last)} at iteration ${curve.x[curve.x.length - 1]}`;
    });
    return `${this.panel.title}: ${each.join(", ")}`;
  }

  point(event) {
    const place = this.svg.getBoundingClientRect();
    point(this.back((event.clientX - place.left) * this.width / place.width), this);
  }

  step(event) {
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key], curve = this.visible()[0];
    if (event.key === "Escape") point(null);
    if (!way || !curve) return;
    event.preventDefault();
    const from = cursor === null ? curve.x.length - 1 - way * (way > 0 ? curve.x.length : 0) : nearest(curve.x, cursor);
    const to = cursor === null ? (way > 0 ? 0 : curve.x.length - 1) : from + way;
    point(curve.x[Math.min(curve.x.length - 1, Math.max(0, to))], this);
  }

  // The line at the cursor, and here, if it is here that somebody points, the numbers.
  mark(here) {
    for (const old of this.svg.querySelectorAll(".cross")) old.remove();
    this.tip.hidden = true;
    if (cursor === null || !this.panel) return;
    const curves = this.visible().filter((curve) => curve.x.length);
    if (curves.length === 0) return;
    const densest = curves.reduce((one, other) => (other.x.length > one.x.length ? other : one));
    const x = densest.x[nearest(densest.x, cursor)];
    made(this.svg, "path", { class: "cross", d: `M${this.x(x)} ${TOP}V${HEIGHT - BOTTOM}` });
    if (here) this.tell(curves, x);
  }

  tell(curves, x) {
    this.tip.replaceChildren();
    made(this.tip, "b", {}, `iteration ${x.toLocaleString("en")}`);
    for (const curve of curves.slice(0, MOST_KEYS)) {
      const place = nearest(curve.x, x), value = curve.y[place];
      const line = made(this.tip, "div");
      made(line, "i", { style: `background: ${this.colour(curve)}` });
      const when = curve.x[place] === x ? "" : ` (at ${curve.x[place].toLocaleString("en")})`;
      line.append(`${curve.name} ${value === null ? "not finite" : this.format(value)}${when}`);
    }
    this.tip.hidden = false;
    const place = this.x(x) * this.svg.clientWidth / this.width, wide = this.tip.offsetWidth;
    const left = place + 12 + wide > this.figure.clientWidth ? place - 12 - wide : place + 12;
    this.tip.style.left = `${Math.max(0, left)}px`;
    this.tip.style.top = `${this.caption.offsetHeight + 10}px`;
  }
}

function point(iteration, here) {
  cursor = iteration;
  for (const chart of charts.values()) chart.mark(chart === here);
}

function drawCharts(panels) {
  const all = panels.flatMap((panel) => panel.curves.flatMap((curve) => [curve.x[0], curve.x[curve.x.length - 1]]));
  const known = all.filter((value) => value !== undefined);
  const first = Math.min(...known), last = Math.max(...known, first + 1);
  const names = panels.map((panel) => `${panel.place}/${panel.title}`);
  for (const [name, chart] of charts) {
    if (names.includes(name)) continue;
    chart.figure.remove();
    charts.delete(name);
  }
  const taken = {}; // how many charts each place has by now
  panels.forEach((panel, index) => {
    const place = document.querySelector(`[data-place="${panel.place}"]`);
    if (!charts.has(names[index])) charts.set(names[index], new Chart(place));
    const rank = taken[panel.place] || 0, figure = charts.get(names[index]).figure;
    taken[panel.place] = rank + 1;
    if (place.children[rank] !== figure) place.insertBefore(figure, place.children[rank]);
  });
  // How wide each is follows from how many there are.
  panels.forEach((panel, index) => charts.get(names[index]).show(panel, [first, last]));
}

// The pictures, one test at a time --------------------------------------------------------------------------

const film = document.getElementById("film"), when = document.getElementById("when");
const play = document.getElementById("play"), pictures = document.getElementById("pictures");
let shots = [], timer = 0;

function findPictures() {
  const latest = shots.length === 0 || Number(when.value) === shots.length - 1;
  const before = shots.length ? shots[Math.min(shots.length - 1, when.value)].dataset.iteration : null;
  shots = Array.from(pictures.querySelectorAll("figure"));
  film.hidden = shots.length < 2;
  pictures.classList.toggle("film", shots.length > 1);
  when.max = Math.max(0, shots.length - 1);
  const same = shots.findIndex((shot) => Number(shot.dataset.iteration) >= Number(before));
  showPicture(latest || same < 0 ? shots.length - 1 : same);
}

function showPicture(index) {
  when.value = index;
  shots.forEach((shot, place) => { shot.hidden = place !== index; });
  if (shots[index]) {
    const text = `iteration ${Number(shots[index].dataset.iteration).toLocaleString("en")}`;
    document.getElementById("which").textContent = text;
    when.setAttribute("aria-valuetext", text);
  }
}

function playing(on) {
  clearInterval(timer);
  play.setAttribute("aria-pressed", on);
  play.textContent = on ? "stop" : "play";
  if (!on) return;
  if (Number(when.value) === shots.length - 1) showPicture(0);
  timer = setInterval(() => {
    showPicture(Math.min(shots.length - 1, Number(when.value) + 1));
    if (Number(when.value) === shots.length - 1) playing(false);
  }, 350);
}

when.oninput = () => showPicture(Number(when.value));
play.onclick = () => playing(play.getAttribute("aria-pressed") !== "true");

// The net's drawing is a page of its own. It takes the wheel only after a click, so that one can scroll past it.
const frame = document.getElementById("drawing-frame");
let drawn = "";

function drawNet(page) {
  if (page === drawn) return;
  drawn = page;
  frame.replaceChildren();
  const inner = made(frame, "iframe", { title: "the net's drawing", sandbox: "allow-scripts" });
  inner.srcdoc = page;
  const wake = made(frame, "button", { type: "button" }, "pan, zoom and search");
  const still = (yes) => {
    frame.classList.toggle("still", yes);
    wake.hidden = !yes;
  };
  still(true);
  wake.onclick = () => {
    still(false);
    inner.focus();
  };
  window.addEventListener("pointerdown", (event) => { if (!frame.contains(event.target)) still(true); });
}

// The page as a whole ---------------------------------------------------------------------------------------

new IntersectionObserver(([seen]) => document.body.classList.toggle("scrolled", !seen.isIntersecting))
  .observe(document.getElementById("head"));

const stale = document.getElementById("stale");
let data = null, worked = false, looking = false;

function show(now, drawing) {
  data = now;
  document.body.dataset.state = data.state;
  for (const section of document.querySelectorAll("main > section")) section.hidden = false;
  drawCharts(data.panels);
  findPictures();
  drawNet(drawing);
  for (const section of document.querySelectorAll("main > section")) {
    section.hidden = section.id !== "tiles" && !section.querySelector("figure, iframe, table, details, p, pre, li");
  }
  navigate();
  age();
}

function navigate() {
  const nav = document.querySelector("nav");
  const sections = Array.from(document.querySelectorAll("main > section[id]")).filter((one) => !one.hidden && one.querySelector("h2"));
  const key = sections.map((one) => one.id).join() + data.state;
  if (nav.dataset.key === key) return;
  nav.dataset.key = key;
  nav.replaceChildren();
  const state = made(nav, "p", { class: "state", "data-state": data.state });
  made(state, "span", { class: "dot" });
  state.append(data.state);
  for (const section of sections) made(nav, "a", { href: `#${section.id}` }, section.querySelector("h2").textContent);
}

function span(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} minutes`;
  return seconds < 172800 ? `${Math.round(seconds / 3600)} hours` : `${Math.round(seconds / 86400)} days`;
}

const silent = () => Math.max(0, Date.now() / 1000 - data.written);

function age() {
  const lost = data.live && silent() > data.patience;
  if (data.live) document.getElementById("written").textContent = `${span(silent())} ago`;
  stale.hidden = !lost;
  const words = lost ? `Not written for ${span(silent())}: the training may have been killed.` : "";
  if (stale.textContent !== words) stale.textContent = words;
}

function renew(message) {
  const open = Array.from(document.querySelectorAll("details[open]"), (one) => one.id);
  for (const part of live()) {
    if (message.parts[part.id] !== undefined && message.parts[part.id] !== part.source) {
      part.source = part.innerHTML = message.parts[part.id];
    }
  }
  for (const id of open) {
    const part = document.getElementById(id);
    if (part) part.open = true;
  }
  document.title = message.title;
  show(message.data, message.drawing);
}

function look() {
  if (looking) return;
  looking = true;
  const begun = Date.now(), probe = document.createElement("iframe"), address = new URL(location.href);
  address.search = `?${begun}`;
  address.hash = "";
  const done = (answered) => {
    clearTimeout(late);
    window.removeEventListener("message", hear);
    probe.remove();
    looking = false;
    worked = worked || answered;
    if (!worked) location.reload(); // a browser that lets no page into a frame of itself
    else lookLater(silent() > data.patience ? SELDOM : Math.max(EVERY, 20 * (Date.now() - begun)));
  };
  const hear = (event) => {
    if (event.source !== probe.contentWindow || !event.data || event.data.probe !== PROBE) return;
    renew(event.data);
    done(true);
  };
  const late = setTimeout(() => done(false), TOO_LONG);
  window.addEventListener("message", hear);
  probe.name = PROBE;
  probe.hidden = true;
  probe.setAttribute("sandbox", "allow-scripts");
  probe.src = address;
  document.body.appendChild(probe);
}

let next = 0;

function lookLater(milliseconds) {
  clearTimeout(next);
  if (data.live) next = setTimeout(() => { if (!document.hidden) look(); }, milliseconds);
}

function remember() {
  try {
    sessionStorage.setItem(location.pathname, JSON.stringify(chosen));
  } catch (error) { /* a browser that keeps nothing of a file */ }
}

function recall() {
  try {
    Object.assign(chosen, JSON.parse(sessionStorage.getItem(location.pathname) || "{}"));
  } catch (error) { /* the same */ }
}

if (window.name === PROBE && window.parent !== window) {
  const parts = Object.fromEntries(live().map((part) => [part.id, part.innerHTML]));
  const message = { probe: PROBE, title: document.title, data: parsed("data"), drawing: parsed("drawing"), parts };
  window.parent.postMessage(message, "*");
} else {
  recall();
  for (const part of live()) part.source = part.innerHTML;
  show(parsed("data"), parsed("drawing"));
  lookLater(EVERY);
  setInterval(age, 1000);
  let width = innerWidth;
  window.addEventListener("resize", () => {
    if (innerWidth === width) return;
    width = innerWidth;
    drawCharts(data.panels);
  });
  document.addEventListener("visibilitychange", () => { if (!document.hidden && data.live) lookLater(100); });
}
