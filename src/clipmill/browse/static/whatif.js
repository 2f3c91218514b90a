// What if: keeps the changes, asks the server what they make of the run, and shows it.
import { RulePlot } from "./whatif-plot.js";

const $ = (id) => document.getElementById(id);
const changes = new Map(); // "quality.rules.0.drop" -> value as JSON
const shown = new Map(); // title of a selection -> what is on the page of it
let asking = false;
let again = false;

function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const count = (number) => number.toLocaleString("en");
const query = () =>
  new URLSearchParams([...changes].map(([name, value]) => ["set", `${name}=${value}`])).toString();

function readAddress() {
  changes.clear();
  for (const text of new URLSearchParams(location.search).getAll("set")) {
    const at = text.indexOf("=");
    if (at > 0) changes.set(text.slice(0, at), text.slice(at + 1));
  }
}

async function ask() {
  if (asking) {
    again = true;
    return;
  }
  asking = true;
  $("sum").classList.add("busy");
  do {
    again = false;
    const wanted = query();
    try {
      const answer = await fetch(`/whatif/data?${wanted}`);
      const data = await answer.json();
      if (data.problem) tell(data.problem);
      else show(data);
      history.replaceState(null, "", wanted ? `/whatif?${wanted}` : "/whatif");
    } catch (error) {
      tell(`the server does not answer: ${error.message}`);
    }
  } while (again);
  asking = false;
  $("sum").classList.remove("busy");
  document.body.dataset.settled = query();
}

function tell(text) {
  $("problem").textContent = text;
  $("problem").hidden = !text;
}

function set(name, value) {
  changes.set(name, JSON.stringify(value));
  document.body.dataset.settled = "…";
  ask();
}

function show(data) {
  tell("");
  const fact = (kind, number, text) => {
    const made = el("span", { class: kind, "data-fact": text }, el("b", {}, count(number)), ` ${text}`);
    return made;
  };
  const facts = [
    fact("", data.kept + data.gained, `of ${count(data.was)} clips kept now`),
    fact("up", data.gained, "gained"),
    fact("down", data.lost, "lost"),
  ];
  if (data.unmeasured) facts.push(fact("up", data.unmeasured, "gained, not measured yet"));
  if (data.again) facts.push(fact("", data.again, "kept, to be measured again"));
  if (data.objects_kept !== undefined) {
    facts.push(el("span", { class: "soft" },
      `objects: ${count(data.objects_gained)} gained, ${count(data.objects_lost)} lost`));
  }
  facts[0].lastChild.textContent = ` clips kept (${count(data.was)} now)`;
  $("sum").replaceChildren(...facts);
  $("note").textContent = data.exact ? "" :
    "Clips that are not measured yet are judged by no later step, and count in no percentile: a run may decide otherwise.";
  strip($("gained"), data.strips.gained, data.gained + data.unmeasured);
  strip($("lost"), data.strips.lost, data.lost);
  $("options").textContent = data.options;
  $("yaml").textContent = data.yaml;
  $("take").hidden = $("reset").disabled = !data.yaml;
  $("reset").disabled = !changes.size;
  for (const selection of data.selections) showSelection(selection);
}

function strip(list, clips, total) {
  const items = clips.map((clip) => {
    const picture = el("img", { src: `/thumb/${clip.id}.jpg`, alt: "", loading: "lazy" });
    picture.addEventListener("error", () => picture.replaceWith(el("span", { class: "blank" })));
    const why = `${clip.change.startsWith("gained") ? (clip.reason === "no row yet" ? "needs " : "was out by ") : ""}${clip.step}: ${clip.reason}`;
    return el("li", {}, el("a", { href: `/clip/${clip.id}`, title: `${clip.id}\n${why}` }, picture, why));
  });
  if (!items.length) items.push(el("li", { class: "none" }, "none"));
  if (total > clips.length) items.push(el("li", { class: "none" }, `and ${count(total - clips.length)} more`));
  list.replaceChildren(...items);
}

function showSelection(selection) {
  if (!shown.has(selection.title)) {
    const facts = el("div", { class: "facts small soft" });
    const fields = el("div", { class: "fields" });
    const rules = el("div", { class: "rules" });
    const plots = selection.rules.map((rule) => new RulePlot(rule, selection, set));
    rules.append(...plots.map((plot) => plot.root));
    const inputs = [];
    if (selection.ranked) inputs.push(["min_population", "percentiles need at least", 1]);
    if (selection.level === "object") inputs.push(["min_kept_points", "least share of an anchor's points", 0.05]);
    const made = inputs.map(([name, text, step]) => {
      const input = el("input", { type: "number", min: 0, step, "aria-label": `${selection.title}: ${name}` });
      input.addEventListener("change", () => set(`${selection.name}.${name}`, Number(input.value)));
      fields.append(el("label", {}, text, input));
      return [name, input];
    });
    $("selections").append(el("section", { class: "selection" }, el("h2", {}, selection.title), facts, fields, rules));
    shown.set(selection.title, { facts, plots, made });
  }
  const { facts, plots, made } = shown.get(selection.title);
  const unit = selection.level === "object" ? " (rules judge objects)" : "";
  const guarded = selection.guarded ? "; percentiles are off: too few" : "";
  facts.textContent = `${count(selection.entering)} clips in, ${count(selection.leaving)} on${unit}${guarded}`;
  for (const [name, input] of made) if (input !== document.activeElement) input.value = selection[name];
  selection.rules.forEach((rule, number) => {
    const prefix = `${selection.name}.rules.${rule.number}.`;
    const changed = [...changes.keys()].some((name) => name.startsWith(prefix));
    plots[number].update(rule, changed);
  });
}

$("reset").addEventListener("click", () => {
  changes.clear();
  document.body.dataset.settled = "…";
  ask();
});
for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText($(button.dataset.copy).textContent);
    $("saved").textContent = "copied";
  });
}
$("save").addEventListener("click", async () => {
  const settings = [...changes].map(([name, value]) => `${name}=${value}`);
  const answer = await fetch("/whatif/save", { method: "POST", body: JSON.stringify(settings) });
  const type = answer.headers.get("content-type") || "";
  const data = type.includes("json") ? await answer.json() : { problem: await answer.text() };
  $("saved").textContent = data.problem || `saved; run it with: ${data.command}`;
});
window.addEventListener("popstate", () => {
  readAddress();
  ask();
});
readAddress();
ask();
