// Judging: one clip after the other. Clips are known by their place in a random order alone.
const $ = (id) => document.getElementById(id);
const base = `/audit/${$("judge").dataset.audit}`;
const AHEAD = 2;
const clips = new Map();    // place -> promise of {facts, url}
let answers = [], place = 0, busy = false;

async function post(path, body = {}) {
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(`${base}/${path}`, { method: "POST", body: JSON.stringify(body), headers });
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.problem || `the server answers ${answer.status}`);
  return told;
}

function load(at) {
  if (!clips.has(at)) {
    clips.set(at, fetchClip(at).catch((error) => { clips.delete(at); throw error; }));
  }
  return clips.get(at);
}

async function fetchClip(at) {
  const answer = await fetch(`${base}/clips/${at}.json`);
  if (!answer.ok) throw new Error(`the server answers ${answer.status}`);
  const facts = await answer.json();
  if (facts.problem) return { facts, url: "" };
  const video = await fetch(`${base}/clips/${at}/video`);
  if (!video.ok) throw new Error(`the server answers ${video.status}`);
  return { facts, url: URL.createObjectURL(await video.blob()) };
}

// Places to come next, those without an answer first.
function upcoming() {
  const order = answers.map((_, k) => (place + 1 + k) % answers.length);
  return order.filter((k) => answers[k] === null && k !== place);
}

async function show(at) {
  place = at;
  history.replaceState(null, "", `?clip=${at + 1}`);
  const video = $("video");
  video.removeAttribute("src");
  video.load();
  $("wait").hidden = false;
  $("broken").hidden = true;
  $("caption").textContent = $("length").textContent = "";
  progress();
  let clip;
  try {
    clip = await load(at);
  } catch (error) {
    clip = { facts: { problem: error.message }, url: "" };
  }
  if (place !== at) return;
  const { facts, url } = clip;
  $("wait").hidden = true;
  document.documentElement.dataset.shown = at;
  if (facts.problem) {
    $("broken").textContent = facts.problem;
    $("broken").hidden = false;
  } else {
    video.src = url;
    video.play().catch(() => {});     // a browser may want a click first; there are controls
    $("caption").textContent = facts.caption;
    const cut = facts.shown < facts.seconds - 0.05 ? `the first ${facts.shown.toFixed(1)} s of ` : "";
    $("length").textContent = `${cut}${facts.seconds.toFixed(1)} s`;
  }
  const next = upcoming().slice(0, AHEAD);
  for (const [key, promise] of clips) {
    if (key === at || next.includes(key)) continue;
    clips.delete(key);
    promise.then((old) => old.url && URL.revokeObjectURL(old.url), () => {});
  }
  for (const key of next) await load(key).catch(() => {});
}

function progress() {
  const done = answers.filter((word) => word !== null).length;
  $("bar").value = done;
  $("count").textContent = `clip ${place + 1} of ${answers.length} · ${done} judged`;
  $("done").hidden = done < answers.length;
  $("early").disabled = !done;
  for (const button of document.querySelectorAll("[data-answer]")) {
    button.setAttribute("aria-pressed", String(answers[place] === button.dataset.answer));
  }
}

// One request at a time: answers are in the order of the keys.
async function act(what) {
  if (busy) return;
  busy = true;
  try {
    await what();
    $("problem").hidden = true;
  } catch (error) {
    $("problem").textContent = error.message;
    $("problem").hidden = false;
  } finally {
    busy = false;
  }
}

const judge = (answer) => act(async () => {
  await post("answers", { place, answer });
  answers[place] = answer;
  const [next] = upcoming();
  if (next === undefined) progress(); else show(next);
});

const undo = () => act(async () => {
  const told = await post("undo");
  if (told.place === null) return;
  answers[told.place] = null;
  show(told.place);
});

const end = () => act(async () => { location.href = (await post("close")).address; });

const look = (by) => show((place + by + answers.length) % answers.length);

const KEYS = {
  g: () => judge("good"), b: () => judge("bad"), u: () => judge("unsure"), z: undo,
  ArrowLeft: () => look(-1), ArrowRight: () => look(1),
  " ": () => { const v = $("video"); if (v.paused) v.play().catch(() => {}); else v.pause(); },
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const within = event.target.closest("button, summary, input, select, textarea");
  if (within && (event.key === " " || event.key === "Enter")) return;
  const action = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!action) return;
  event.preventDefault();
  action();
});
for (const button of document.querySelectorAll("[data-answer]")) {
  button.addEventListener("click", () => judge(button.dataset.answer));
}
for (const button of document.querySelectorAll(".show-result")) button.addEventListener("click", end);
$("undo").addEventListener("click", undo);

const state = await (await fetch(`${base}/state.json`)).json();
answers = state.answers;
const asked = Number(new URLSearchParams(location.search).get("clip")) - 1;
const first = answers.indexOf(null);
show(answers[asked] === null ? asked : Math.max(first, 0));
