"use strict";
// Data of a clip lies in a script of its own: pages opened from disk may not fetch. All texts go
// into the page as text nodes, never as markup.
(() => {
{% include "overlay.js" %}

  const $ = (id) => document.getElementById(id);
  const dialog = $("player"), video = $("video"), overlay = $("overlay"), picture = $("picture");
  const cards = [...document.querySelectorAll(".card")];
  const layers = { tracks: true, masks: true, boxes: true, regions: true };
  const loaded = new Map(), waiting = new Map();
  let clip = null, anchor = 0, frame = 0, hidden = new Set(), ticket = 0;

  function make(tag, options = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(options)) {
      if (name === "text") node.textContent = value;
      else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (value !== null && value !== undefined) node.setAttribute(name, value);
    }
    node.append(...children);
    return node;
  }

  // ---- data -------------------------------------------------------------------------------
  window.clipmillClip = (data) => {
    loaded.set(data.id, data);
    waiting.get(data.id)?.();
  };

  function load(id) {
    if (loaded.has(id)) return Promise.resolve(loaded.get(id));
    return new Promise((resolve, reject) => {
      waiting.set(id, () => resolve(loaded.get(id)));
      const script = make("script", { src: `data/${id}.js` });
      script.addEventListener("error", () => reject(new Error(`data/${id}.js is missing`)));
      document.head.append(script);
    });
  }

  // ---- opening and closing ------------------------------------------------------------------
  async function open(id) {
    if (!cards.some((card) => card.dataset.clip === id)) return;
    const data = await load(id);
    clip = data;
    data.objects.forEach((object, k) => { object.colour = clipmillOverlay.COLOURS[k % clipmillOverlay.COLOURS.length]; });
    hidden = new Set();
    $("player-title").textContent = data.path;
    if (!dialog.open) dialog.showModal();
    document.documentElement.dataset.open = id;
    prepareStage();
    chooseAnchor(data.anchors[0].index, { seek: false });
    if (location.hash !== `#clip=${id}`) history.replaceState(null, "", `#clip=${id}`);
  }

  function prepareStage() {
    $("stage").style.aspectRatio = `${clip.width} / ${clip.height}`;
    $("stage").style.maxWidth = `calc((94vh - 19rem) * ${clip.width / clip.height})`;
    $("stage").querySelector(".problem")?.remove();
    picture.getContext("2d").clearRect(0, 0, picture.width, picture.height);
    const playable = Boolean(clip.preview);
    $("seek").max = Math.max(0, clip.frames - 1);
    for (const id of ["seek", "toggle", "back", "forward", "speed"]) $(id).disabled = !playable;
    ticket += 1;
    delete document.documentElement.dataset.ready;
    if (playable) {
      video.src = clip.preview;
      const mine = ticket;
      video.addEventListener("loadeddata", () => {
        if (mine !== ticket) return;
        video.playbackRate = Number($("speed").value);
        showAt(startFrame());
        follow(mine);
        if (!matchMedia("(prefers-reduced-motion: reduce)").matches) video.play().catch(() => {});
        document.documentElement.dataset.ready = clip.id;
      }, { once: true });
    } else {
      video.removeAttribute("src");
      video.load();
      $("stage").append(make("p", { class: "problem", text: clip.problem }));
    }
  }

  function close() {
    ticket += 1;
    video.pause();
    if (dialog.open) dialog.close();
    delete document.documentElement.dataset.open;
    if (location.hash.startsWith("#clip=")) history.replaceState(null, "", location.pathname);
    if (clip) cards.find((card) => card.dataset.clip === clip.id)?.focus();
  }

  function neighbour(step) {
    const shown = cards.filter((card) => !card.hidden);
    const at = shown.findIndex((card) => card.dataset.clip === clip?.id);
    if (shown.length) open(shown[(at + step + shown.length) % shown.length].dataset.clip);
  }

  // ---- frames -------------------------------------------------------------------------------
  const startFrame = () => Math.min(anchor, Math.max(0, clip.frames - 1));

  // A preview has all frames of the clip after some that lead to it, or a few of them only.
  const lastShown = (wanted) => Math.max(0, clip.shown.findLastIndex((at) => at <= wanted));
  const pictureOf = (wanted) => clip.shown ? lastShown(wanted) : wanted + clip.lead;
  const frameOf = (picture) => clip.shown ? clip.shown[Math.min(picture, clip.shown.length - 1)] : picture - clip.lead;
  const within = (wanted) => Math.max(0, Math.min(clip.frames - 1, wanted));

  function showAt(wanted) {
    video.currentTime = (pictureOf(within(wanted)) + 0.5) / clip.rate;   // the middle of a frame is safe from rounding
  }

  // Picture and overlay are painted in one callback from one frame, so they cannot drift apart.
  function follow(mine) {
    const exact = "requestVideoFrameCallback" in HTMLVideoElement.prototype;
    const step = (_now, meta) => {
      if (mine !== ticket) return;
      const seconds = meta ? meta.mediaTime : video.currentTime;
      const now = frameOf(meta ? Math.round(seconds * clip.rate) : Math.floor(seconds * clip.rate + 1e-3));
      if (now >= 0 && now < clip.frames) {
        frame = now;
        paint();
      } else if (!video.seeking) {
        showAt(0);                               // it has gone round, or come to what lies behind
      }
      if (exact) video.requestVideoFrameCallback(step);
      else requestAnimationFrame(() => step());
    };
    if (exact) video.requestVideoFrameCallback(step);
    else step();
  }

  // A seek to the frame that is shown already presents no new frame, so no callback comes.
  video.addEventListener("seeked", () => {
    if (!clip || !video.paused) return;
    frame = within(frameOf(Math.floor(video.currentTime * clip.rate + 1e-3)));
    paint();
  });

  function paint() {
    if (!clip) return;
    if (video.readyState >= 2) {
      if (picture.width !== video.videoWidth) {
        picture.width = video.videoWidth;
        picture.height = video.videoHeight;
      }
      picture.getContext("2d").drawImage(video, 0, 0, picture.width, picture.height);
    }
    draw();
    $("seek").value = frame;
    $("counter").textContent =
      `frame ${frame} of ${clip.end - clip.start} · video frame ${clip.start + frame}` +
      (clip.fps ? ` · ${(frame / clip.fps).toFixed(2)} s` : "");
    $("toggle").textContent = video.paused ? "play" : "pause";
  }

  // ---- overlay ------------------------------------------------------------------------------
  function draw() {
    clipmillOverlay.draw(overlay, {
      width: clip.width,
      height: clip.height,
      frame,
      layers,
      objects: clip.objects.filter((o) => o.anchor === anchor && !hidden.has(o.id)),
      at,
    });
  }

  // What is known of an object at a frame: each layer is a list that begins at a frame of its own.
  function at(object, frame) {
    const { cover, tracks } = object, of = frame - cover.first, on = frame - tracks?.first;
    return { masks: cover.masks[of], box: cover.boxes[of], points: tracks?.points[on], seen: tracks?.seen[on] };
  }

  // ---- facts beside the video ---------------------------------------------------------------
  function chooseAnchor(index, { seek = true } = {}) {
    anchor = index;
    $("anchors").replaceChildren(
      ...clip.anchors.map((entry) => make("button", {
        type: "button", "aria-pressed": String(entry.index === anchor),
        text: `from frame ${entry.index}${entry.state ? ` · ${entry.state}` : ""}`,
        onclick: () => chooseAnchor(entry.index),
      })));
    $("anchors").hidden = clip.anchors.length < 2;
    showMarks();
    showFacts();
    frame = startFrame();
    if (seek && clip.preview) showAt(frame);
    paint();
  }

  function showMarks() {
    const marks = new Map([[anchor, "start"]]);
    for (const object of clip.objects.filter((o) => o.anchor === anchor)) {
      if (object.enter !== null) marks.set(object.enter, "in");
      if (object.exit !== null) marks.set(object.exit, "out");
      for (const region of object.regions.slice(0, 1)) {
        if (region.enter !== null) marks.set(region.enter, "enters region");
        if (region.exit !== null) marks.set(region.exit, "leaves region");
      }
    }
    const last = Math.max(1, clip.frames - 1);
    const shown = [...marks].filter(([at]) => at <= last).sort((a, b) => a[0] - b[0]);
    const place = $("marks"), width = place.clientWidth, row = 14, gap = 6;
    const ends = [];                              // right end of the last label of each row
    place.replaceChildren();
    for (const [at, text] of shown) {
      const x = (at / last) * width;
      const label = place.appendChild(make("span", { text }));
      const left = Math.max(0, Math.min(x - label.offsetWidth / 2, width - label.offsetWidth));
      let level = ends.findIndex((end) => end + gap <= left);
      if (level < 0) level = ends.push(0) - 1;
      ends[level] = left + label.offsetWidth;
      label.style.left = `${left}px`;
      label.style.top = `${5 + level * row}px`;
      const stem = place.insertBefore(make("i", {}), label);
      stem.style.left = `${x}px`;
      stem.style.height = `${5 + level * row}px`;
    }
    place.style.height = `${8 + Math.max(1, ends.length) * row}px`;
  }

  function block(title, ...children) {
    return make("div", { class: "block" }, make("h3", { text: title }), ...children);
  }

  function showFacts() {
    const here = clip.anchors.find((entry) => entry.index === anchor);
    const parts = [];
    if (clip.notes.length) parts.push(block("notes", ...clip.notes.map((text) => make("p", { class: "small quote", text }))));
    if (here.caption) {
      parts.push(block(`caption · ${here.origin}`, make("p", { class: "quote", text: here.caption })));
    }
    parts.push(block("sample", pairs([
      ["verdict", here.state || "not kept"], ...(here.reason ? [["because", here.reason]] : []),
      ["id", here.sample ?? clip.id],
      ["frames", `${clip.start} to ${clip.end}, start at ${anchor}`],
      ["picture", `${clip.width} × ${clip.height} · ${clip.codec}`],
      ...(clip.source ? [["source", clip.source]] : []),
    ])));
    const objects = clip.objects.filter((o) => o.anchor === anchor);
    if (objects.length) parts.push(block("objects", ...objects.map(objectFacts)));
    if (clip.scores.length) parts.push(block("scores", scoreTable()));
    $("chain").replaceChildren(...(clip.chain.length ? [block("why it is in or out", chainTable())] : []));
    $("facts").replaceChildren(...parts);
    $("facts").scrollTop = 0;
  }

  function pairs(rows) {
    const list = make("dl", { class: "pairs" });
    for (const [name, value] of rows) list.append(make("dt", { text: name }), make("dd", { text: value }));
    return list;
  }

  function objectFacts(object) {
    const swatch = make("span", { class: "swatch" });
    swatch.style.background = object.colour;
    const box = make("input", { type: "checkbox", "aria-label": `Show ${object.name}` });
    box.checked = !hidden.has(object.id);
    box.addEventListener("change", () => {
      if (box.checked) hidden.delete(object.id); else hidden.add(object.id);
      draw();
    });
    const state = object.kept ? (object.stage2 ? "stage 2" : "stage 1") : "dropped";
    const node = make("div", { class: "object" },
      make("label", {}, box, swatch, make("span", { text: object.name }), make("span", { class: "soft small", text: state })),
      pairs([...object.facts, ["id", object.id]]));
    if (object.images.length) {
      node.append(make("div", { class: "thumbs" },
        ...object.images.map((src, k) => make("img", { src, alt: k ? `further identity image ${k}` : "identity image", loading: "lazy" }))));
    }
    return node;
  }

  function table(names, rows) {
    return make("table", { class: "mini" },
      make("thead", {}, make("tr", {}, ...names.map((text) => make("th", { text })))),
      make("tbody", {}, ...rows.map((cells) => make("tr", {}, ...cells))));
  }

  function scoreTable() {
    return table(["score", "value", "cut", "rank"], clip.scores.map((score) => {
      const needle = make("i");
      needle.style.left = `${100 * score.rank}%`;
      const share = `${Math.round(100 * score.rank)} % lie below`;
      return [
        make("td", { text: score.column }),
        make("td", { text: score.value, class: score.out ? "s-dropped" : "" }),
        make("td", { text: score.cuts.join(", ") }),
        make("td", {}, make("span", { class: score.out ? "rank out" : "rank", role: "img", title: share, "aria-label": share }, needle)),
      ];
    }));
  }

  function chainTable() {
    return table(["step", "what", "verdict", "reason"], clip.chain.map((link) => [
      make("td", { text: link.step }),
      make("td", { text: link.what, class: "mono" }),
      make("td", { text: link.state, class: `s-${link.state}` }),
      make("td", { text: link.why }),
    ]));
  }

  // ---- events -------------------------------------------------------------------------------
  for (const card of cards) card.addEventListener("click", () => open(card.dataset.clip));
  $("close").addEventListener("click", close);
  $("previous").addEventListener("click", () => neighbour(-1));
  $("next").addEventListener("click", () => neighbour(1));
  dialog.addEventListener("cancel", (event) => { event.preventDefault(); close(); });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) close(); });
  const toggle = () => { if (video.paused) video.play().catch(() => {}); else video.pause(); };
  const nudge = (by) => { video.pause(); showAt(clip.shown ? clip.shown[lastShown(frame) + by] ?? frame : frame + by); };
  $("toggle").addEventListener("click", toggle);
  $("back").addEventListener("click", () => nudge(-1));
  $("forward").addEventListener("click", () => nudge(1));
  $("speed").addEventListener("change", () => { video.playbackRate = Number($("speed").value); });
  $("seek").addEventListener("input", () => { video.pause(); showAt(Number($("seek").value)); });
  video.addEventListener("error", () => {
    if (!clip?.preview || !video.getAttribute("src")) return;
    const text = "This browser cannot play the video; clipmill report --encode-previews makes one that it can.";
    $("stage").querySelector(".problem")?.remove();
    $("stage").append(make("p", { class: "problem", text }));
  });
  for (const name of ["play", "pause"]) video.addEventListener(name, () => { $("toggle").textContent = video.paused ? "play" : "pause"; });
  for (const box of document.querySelectorAll("[data-layer]")) {
    box.addEventListener("change", () => { layers[box.dataset.layer] = box.checked; draw(); });
  }
  const keys = { t: "tracks", m: "masks", b: "boxes", r: "regions" };
  dialog.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !clip) return;
    const onField = event.target.closest("select, input"), onControl = onField || event.target.closest("button");
    if (keys[event.key]) {
      const box = document.querySelector(`[data-layer=${keys[event.key]}]`);
      box.checked = layers[keys[event.key]] = !layers[keys[event.key]];
      draw();
    } else if (event.key === " " && !onControl) toggle();
    else if (event.key === "ArrowLeft" && !onField) nudge(-1);
    else if (event.key === "ArrowRight" && !onField) nudge(1);
    else if (event.key === "[") neighbour(-1);
    else if (event.key === "]") neighbour(1);
    else return;
    event.preventDefault();
  });
  for (const button of document.querySelectorAll("[data-filter]")) {
    button.addEventListener("click", () => {
      for (const other of document.querySelectorAll("[data-filter]")) other.setAttribute("aria-pressed", String(other === button));
      for (const card of cards) card.hidden = Boolean(button.dataset.filter) && card.dataset.group !== button.dataset.filter;
    });
  }
  new ResizeObserver(() => { if (dialog.open) draw(); }).observe($("stage"));
  const fromHash = () => { const id = location.hash.match(/^#clip=([\w-]+)$/)?.[1]; if (id) open(id); };
  window.addEventListener("hashchange", fromHash);
  // Labels are laid out by their widths, which there are once the player is open.
  new ResizeObserver(() => { if (clip) showMarks(); }).observe($("seek"));
  fromHash();
})();
