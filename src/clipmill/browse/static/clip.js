// The page of one clip: puts player, layers, lines and facts together; keys; the address.
import { ClipLayers } from "/static/clip-layers.js";
import { drawCamera, drawLines } from "/static/clip-lines.js";
import { ClipPlayer } from "/static/clip-player.js";
import { chainBlock, factBlocks, rankingBlock } from "/static/clip-facts.js";
import { $, ask, make } from "/static/make.js";

const id = $("clip").dataset.id, base = `/clip/${id}`;
const asked = new URLSearchParams(location.search);
const layers = { tracks: true, masks: true, boxes: true, regions: true, camera: true, shots: true, images: true, text: true };
const hidden = new Set();
const state = document.documentElement.dataset;
let clip = null, anchor = 0, player = null, pieces = null, said = null;

for (const name of (asked.get("off") ?? "").split(",")) if (name in layers) layers[name] = false;

// ---- drawing ----------------------------------------------------------------------------------
const objectsHere = () => clip.objects.filter((o) => o.anchor === anchor);
const frameNow = () => Math.max(0, player?.frame ?? 0);

function draw() {
  if (!clip) return;
  const frame = frameNow(), shown = objectsHere().filter((o) => !hidden.has(o.id));
  if (clip.frames) {
    const view = { width: clip.width, height: clip.height, frame, layers, objects: shown, at: (o, f) => pieces.at(o, f), text: clip.text_boxes };
    const pen = clipmillOverlay.draw($("overlay"), view);
    if (layers.camera && clip.camera) drawCamera(pen, view, clip.camera);
    drawLines($("lines"), { frames: clip.frames, frame, anchor, objects: objectsHere(), shots: clip.shots, layers });
  }
  document.body.classList.toggle("no-images", !layers.images);
}

function painted(frame) {
  const complete = pieces.need(frame, { ahead: player.playing });
  $("seek").value = frame;
  $("seek").setAttribute("aria-valuetext", `frame ${frame}`);
  $("counter").textContent = `frame ${frame} of ${clip.frames} · video frame ${clip.start + frame}` +
    (clip.fps ? ` · ${(frame / clip.fps).toFixed(2)} s` : "");
  $("full").href = `${base}/frame/${frame}.jpg?size=full`;
  $("problem").hidden = true;
  state.frame = frame;
  state.layers = complete ? frame : "";
  draw();
  if (!player.playing) remember();
}

function waiting(text) {
  $("waiting").textContent = text;
  $("waiting").hidden = !text;
}

function failed(text) {
  waiting("");
  $("problem").textContent = text;
  $("problem").hidden = false;
  state.problem = "shown";
}

// ---- the address: frame, anchor, what is off, the score of the ranking, the list ----------------
let late = 0;
function remember() {
  clearTimeout(late);
  late = setTimeout(() => history.replaceState(null, "", `?${query({ frame: frameNow() || null, anchor: anchor || null })}`), 250);
}

function query(more = {}) {
  const now = new URLSearchParams();
  const off = Object.keys(layers).filter((name) => !layers[name]).join(",");
  const values = { list: asked.get("list"), off, score: asked.get("score"), ...more };
  for (const [name, value] of Object.entries(values)) if (value !== null && value !== "") now.set(name, value);
  return now.toString();
}

const addressOf = (other) => { const rest = query(); return `/clip/${other}${rest ? `?${rest}` : ""}`; };

// ---- facts --------------------------------------------------------------------------------------
function chooseAnchor(index, { seek = true } = {}) {
  anchor = index;
  pieces.choose(clip.objects.some((o) => o.anchor === index) ? index : null);
  $("anchors").replaceChildren(...clip.anchors.map((entry) => make("button", {
    type: "button", "aria-pressed": String(entry.index === anchor),
    text: `from frame ${entry.index}${entry.state ? ` · ${entry.state}` : ""}`,
    onclick: () => chooseAnchor(entry.index),
  })));
  $("anchors").hidden = clip.anchors.length < 2;
  tellFacts();
  if (seek && player) player.seek(anchor);
  draw();
}

function tellFacts() {
  const act = {
    hidden,
    seek: (frame) => player.seek(frame),
    hide: (object, gone) => { if (gone) hidden.add(object.id); else hidden.delete(object.id); draw(); },
  };
  $("facts").replaceChildren(...factBlocks(clip, anchor, act, said));
}

// The text layer has a switch only where there is something to show; frames with text are links.
function tellText() {
  const found = (clip.text_boxes ?? []).filter((one) => one.boxes.length), box = boxOf("text");
  box.disabled = !found.length;
  box.closest("label").classList.toggle("off", box.disabled);
  $("text-name").textContent = found.length ? "text" : clip.text_boxes ? "no text found" : "text: not known";
  const links = found.flatMap(({ frame }, k) => [k ? ", " : "; at frame ", make("button", {
    type: "button", class: "link", text: String(frame), "aria-label": `Go to frame ${frame}, in which text was found`,
    onclick: () => player?.seek(frame),
  })]);
  $("text-note").replaceChildren(clip.text, ...links);
}

async function rankBy(title) {
  if (!clip.frames || !clip.rankings.length) return;
  const chosen = clip.rankings.includes(title) ? title : firstRanking();
  if (title) asked.set("score", chosen);
  const ranking = await ask(`${base}/ranking.json?score=${encodeURIComponent(chosen)}`).catch(() => null);
  $("ranking").replaceChildren(...rankingBlock(clip.rankings, chosen, ranking, rankBy, addressOf));
  if (title) remember();
}

// The score that dropped it says most; else the first.
function firstRanking() {
  const out = clip.scores.find((score) => score.out);
  return clip.rankings.find((title) => out && title.startsWith(`${out.column} of`)) ?? clip.rankings[0];
}

function walkLinks() {
  const { previous, next, place, count, problem } = clip.list;
  for (const [name, other] of [["previous", previous], ["next", next]]) {
    if (other) $(name).href = addressOf(other);
    else $(name).removeAttribute("href");
    $(name).setAttribute("aria-disabled", String(!other));
  }
  $("place").textContent = problem ? `no list: ${problem}` : place === null ? "" : `${place.toLocaleString("en")} of ${count.toLocaleString("en")}`;
  $("back-to-list").href = `/clips${asked.get("list") ? `?${asked.get("list")}` : ""}`;
}

// ---- opening --------------------------------------------------------------------------------------
async function open() {
  clip = await ask(`${base}/data.json?list=${encodeURIComponent(asked.get("list") ?? "")}`);
  clip.objects.forEach((o, k) => { o.colour = clipmillOverlay.COLOURS[k % clipmillOverlay.COLOURS.length]; });
  pieces = new ClipLayers({ base, frames: clip.frames, piece: clip.piece, arrived: () => {
    if (pieces.need(frameNow())) state.layers = frameNow();
    draw();
  } });
  walkLinks();
  $("chain").replaceChildren(...chainBlock(clip.chain));
  tellText();
  const wanted = Number(asked.get("anchor") ?? NaN);
  const first = clip.anchors.find((entry) => entry.index === wanted) ?? clip.anchors[0];
  for (const id of ["seek", "toggle", "back", "forward", "speed"]) $(id).disabled = !clip.frames;
  if (clip.frames) {
    $("stage").style.aspectRatio = `${clip.width} / ${clip.height}`;
    $("stage").style.maxWidth = `calc((100vh - 17rem) * ${clip.width / clip.height})`;
    $("seek").max = clip.frames - 1;
    player = new ClipPlayer({
      base, canvas: $("picture"), videos: [...document.querySelectorAll("#stage video")],
      frames: clip.frames, fps: clip.fps, part: clip.part, painted, waiting, failed,
      state: () => { $("toggle").textContent = player.playing ? "pause" : "play"; if (!player.playing) remember(); },
    });
    chooseAnchor(first.index, { seek: false });
    const start = Number(asked.get("frame") ?? (first.index || 0));
    player.seek(Number.isFinite(start) ? start : 0);
  } else {
    chooseAnchor(0, { seek: false });
    failed(clip.problem);
  }
  state.open = clip.id;
  await rankBy(asked.get("score"));
}

// ---- events ---------------------------------------------------------------------------------------
const nudge = (by) => player?.seek((player.busy ? player.wanted : frameNow()) + by);
$("toggle").addEventListener("click", () => player?.toggle());
$("back").addEventListener("click", () => nudge(-1));
$("forward").addEventListener("click", () => nudge(1));
$("speed").addEventListener("change", () => player?.setRate(Number($("speed").value)));
$("seek").addEventListener("input", () => player?.seek(Number($("seek").value)));
for (const kind of ["pointerdown", "pointermove"]) {
  $("lines").addEventListener(kind, (event) => {
    if (event.buttons !== 1 || !clip?.frames) return;
    if (kind === "pointerdown") $("lines").setPointerCapture(event.pointerId);
    player.seek(Math.floor((clip.frames * event.offsetX) / $("lines").clientWidth));
  });
}
const boxOf = (name) => document.querySelector(`[data-layer=${name}]`);
function show(name, on) {
  if (boxOf(name).disabled) return;
  boxOf(name).checked = layers[name] = on;
  draw();
  remember();
}
for (const name of Object.keys(layers)) {
  boxOf(name).checked = layers[name];
  boxOf(name).addEventListener("change", () => show(name, boxOf(name).checked));
}
$("clip").addEventListener("judged", (event) => {
  said = event.detail;
  if (clip) tellFacts();
});
$("help-open").addEventListener("click", () => $("help").showModal());

// Letters judge (judging.js); digits are layers, in the order of their boxes.
const LAYER_KEYS = Object.fromEntries(Object.keys(layers).map((name, at) => [String(at + 1), name]));
const walk = (link) => { if (link.href) location.assign(link.href); };
const KEYS = {
  " ": () => player?.toggle(),
  ArrowLeft: (event) => nudge(event.shiftKey ? -10 : -1),
  ArrowRight: (event) => nudge(event.shiftKey ? 10 : 1),
  Home: () => player?.seek(0),
  End: () => player?.seek(clip.frames - 1),
  ".": () => walk($("next")),
  ",": () => walk($("previous")),
  f: () => { if ($("full").href) window.open($("full").href, "_blank", "noopener"); },
  "?": () => $("help").showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !clip || $("help").open) return;
  const { target, key } = event;
  if (target.closest("textarea, select")) return;
  if (key === " " && target.closest("button, a, input[type=checkbox]")) return;   // it presses those
  if (key in LAYER_KEYS) show(LAYER_KEYS[key], !layers[LAYER_KEYS[key]]);
  else if (Object.hasOwn(KEYS, key)) KEYS[key](event);
  else return;
  event.preventDefault();
});
new ResizeObserver(draw).observe($("stage"));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
open().catch((error) => failed(error.message));
