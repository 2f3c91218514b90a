// The histogram of one rule, with cuts that are dragged by mouse, finger or arrow keys.

const SVG = "http://www.w3.org/2000/svg";
const round = (value, digits) => Number(value.toPrecision(digits));
const show = (value) => (value === null || value === undefined ? "–" : String(round(value, 4)));
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

export class RulePlot {
  // set(name, value) is told what has been changed.
  constructor(rule, selection, set) {
    this.rule = rule;
    this.place = `${selection.name}.rules.${rule.number}`;
    this.set = set;
    this.facts = el("p", { class: "small soft" });
    this.root = el("article", { class: "rule", "data-rule": this.place },
      el("h3", {}, rule.column), this.facts);
    this.cuts = [];
    if (rule.kind === "value") return;
    this.plot = el("div", { class: "plot" });
    this.svg = document.createElementNS(SVG, "svg");
    this.svg.setAttribute("preserveAspectRatio", "none");
    this.svg.setAttribute("aria-hidden", "true");
    this.only = el("span", { class: "only", hidden: "" });
    this.plot.append(this.svg, this.only);
    this.low = el("span");
    this.high = el("span");
    const fields = el("div", { class: "fields" });
    this.cuts = this.ends().map((end) => this.makeCut(end, fields));
    this.root.append(this.plot, el("div", { class: "ends" }, this.low, this.high), fields);
  }

  // What can be moved: bounds of a range, or ends of dropped shares that are not all the way out.
  ends() {
    if (this.rule.kind === "range") return Object.keys(this.rule.bounds);
    return this.rule.drop.flatMap(([low, high], share) =>
      [[share, 0, low, 0], [share, 1, high, 1]].filter(([, , at, out]) => at !== out || (low === 0 && high === 1)));
  }

  makeCut(end, fields) {
    const label = this.rule.kind === "range" ? end : `drop ${end[1] ? "up to" : "from"} %`;
    const handle = el("div", { class: "cut", role: "slider", tabindex: 0,
      "aria-label": `${this.rule.column}: ${label}` });
    const input = el("input", { type: "number", step: "any", "aria-label": `${this.rule.column}: ${label}` });
    const value = el("span", { class: "soft" });
    fields.append(el("label", {}, label, input, value));
    const cut = { end, handle, input, value };
    handle.addEventListener("pointerdown", (event) => {
      handle.setPointerCapture(event.pointerId);
      handle.focus();
      cut.dragged = true;
      event.preventDefault();
    });
    handle.addEventListener("pointermove", (event) => {
      if (!cut.dragged) return;
      const box = this.plot.getBoundingClientRect();
      this.move(cut, this.settingAt(clamp((event.clientX - box.left) / box.width, 0, 1)));
    });
    for (const name of ["pointerup", "pointercancel"]) {
      handle.addEventListener(name, () => (cut.dragged = false));
    }
    handle.addEventListener("keydown", (event) => this.key(cut, event));
    input.addEventListener("change", () => {
      if (input.value === "") return;
      this.move(cut, this.rule.kind === "range" ? Number(input.value) : Number(input.value) / 100);
    });
    this.plot.append(handle);
    return cut;
  }

  key(cut, event) {
    const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageUp: 10, PageDown: -10 }[event.key];
    if (!by) return;
    event.preventDefault();
    const now = this.setting(cut.end);
    if (this.rule.kind === "quantile") this.move(cut, now + (by * (event.shiftKey ? 0.001 : 0.01)));
    else if (this.rule.whole) this.move(cut, now + by);
    else if (this.rule.logarithmic) this.move(cut, round(now * 1.02 ** by, 5));
    else this.move(cut, round(now + (by * (this.rule.high - this.rule.low)) / (event.shiftKey ? 1000 : 100), 5));
  }

  setting(end) {
    return this.rule.kind === "range" ? this.rule.bounds[end] : this.rule.drop[end[0]][end[1]];
  }

  // Change the setting here at once, and have it told.
  move(cut, setting) {
    if (!Number.isFinite(setting)) return;
    if (this.rule.kind === "range") {
      const { bounds } = this.rule;
      const top = bounds.max ?? bounds.below, bottom = bounds.min ?? bounds.above;
      const upper = cut.end === "max" || cut.end === "below";
      if (upper ? bottom !== undefined && setting < bottom : top !== undefined && setting > top) return;
      bounds[cut.end] = setting;
      this.draw();
      this.set(`${this.place}.${cut.end}`, setting);
      return;
    }
    const [share, side] = cut.end;
    const flat = this.rule.drop.flat();
    const at = share * 2 + side;
    const gap = 0.001;
    const low = at && (side || share) ? flat[at - 1] + (side ? gap : 0) : 0;
    const high = at + 1 < flat.length ? flat[at + 1] - (side ? 0 : gap) : 1;
    this.rule.drop[share][side] = clamp(Math.round(setting * 1000) / 1000, low, high);
    this.draw();
    this.set(`${this.place}.drop`, this.rule.drop);
  }

  // Position on the axis in 0..1 of a value, and back.
  placeOf(value) {
    let { low, high } = this.rule;
    if (this.rule.logarithmic) [low, high, value] = [low, high, Math.max(value, low)].map(Math.log);
    return clamp((value - low) / (high - low || 1), 0, 1);
  }

  settingAt(place) {
    let { low, high } = this.rule;
    if (this.rule.logarithmic) [low, high] = [Math.log(low), Math.log(high)];
    let value = low + place * (high - low);
    if (this.rule.logarithmic) value = Math.exp(value);
    if (this.rule.kind === "range") return this.rule.whole ? Math.round(value) : round(value, 4);
    const known = this.rule.quantiles;
    if (!known) return place;
    const next = known.findIndex((other) => other > value);
    if (next < 0) return 1;
    if (next === 0) return 0;
    const [before, after] = [known[next - 1], known[next]];
    return (next - 1 + (value - before) / (after - before || 1)) / (known.length - 1);
  }

  valueAt(share) {
    const known = this.rule.quantiles;
    if (!known) return this.rule.low + share * (this.rule.high - this.rule.low);
    const at = share * (known.length - 1), first = Math.floor(at), next = Math.min(first + 1, known.length - 1);
    return known[first] + (known[next] - known[first]) * (at - first);
  }

  update(rule, changed) {
    const held = this.cuts.some((cut) => cut.dragged);
    // While a finger holds a cut it is ahead of the answer.
    if (held) rule = { ...rule, bounds: this.rule.bounds, drop: this.rule.drop };
    this.rule = rule;
    this.root.classList.toggle("changed", changed);
    const reason = rule.reason ? ` as “${rule.reason}”` : "";
    this.facts.textContent = `${rule.text}: ${rule.dropped.toLocaleString("en")} of ${rule.judged.toLocaleString("en")} dropped${reason}`;
    if (this.plot) this.draw();
  }

  draw() {
    const { rule } = this;
    const most = Math.max(1, ...rule.all), bins = rule.all.length;
    this.svg.setAttribute("viewBox", `0 0 ${bins} 100`);
    const bars = [];
    // A single value is a place on the axis and no spread: a thin bar where it is, with its name.
    const one = rule.single !== null;
    const place = one ? this.placeOf(rule.single) : 0;
    rule.all.forEach((all, bin) => {
      const gone = rule.out[bin];
      const bar = (kind, from, number) => {
        if (!number) return;
        const made = document.createElementNS(SVG, "rect");
        const height = (number * 100) / most;
        const [x, width] = one ? [(place - 0.01) * bins, 0.02 * bins] : [bin + 0.06, 0.88];
        for (const [key, value] of Object.entries({ class: kind, x, width,
          y: 100 - (from * 100) / most - height, height })) made.setAttribute(key, value);
        bars.push(made);
      };
      bar("in", 0, all - gone);
      bar("gone", all - gone, gone);
    });
    this.svg.replaceChildren(...bars);
    this.only.hidden = !one;
    if (one) {
      this.only.textContent = `all are ${show(rule.single)}`;
      this.only.style.left = `${100 * place}%`;
      this.only.classList.toggle("left", place > 0.5);
    }
    this.low.textContent = show(rule.low);
    this.high.textContent = show(rule.high);
    for (const cut of this.cuts) this.drawCut(cut);
  }

  drawCut({ end, handle, input, value }) {
    const setting = this.setting(end), range = this.rule.kind === "range";
    const at = range ? setting : this.valueAt(setting);
    handle.style.left = `${100 * this.placeOf(at)}%`;
    const shown = range ? setting : round(setting * 100, 6);
    handle.setAttribute("aria-valuenow", shown);
    handle.setAttribute("aria-valuemin", range ? this.rule.low : 0);
    handle.setAttribute("aria-valuemax", range ? this.rule.high : 100);
    handle.setAttribute("aria-valuetext", range ? show(setting) : `${shown} %, at ${show(at)}`);
    if (input !== document.activeElement) input.value = shown;
    value.textContent = range ? "" : `at ${show(at)}`;
  }
}
