// Facts beside and below the picture: caption, objects, entries and exits, scores, verdicts, ranking.
import { make, pairs, table } from "/static/make.js";

function block(title, ...children) {
  return make("div", { class: "block" }, make("h3", { text: title }), ...children);
}

// act: { seek(frame), hide(object, hidden), hidden (a set of ids) }; said: what people said, or null
export function factBlocks(clip, anchor, act, said) {
  const here = clip.anchors.find((entry) => entry.index === anchor);
  const parts = [];
  const [caption, origin] = said?.caption ? [said.caption, "corrected"] : [here?.caption, here?.origin];
  if (caption) parts.push(block(`caption · ${origin}`, make("p", { class: "quote", text: caption })));
  const rows = [];
  if (here) rows.push(["verdict", here.state || "not kept"]);
  if (here?.reason) rows.push(["because", here.reason]);
  rows.push(["id", here?.sample ?? clip.id]);
  if (clip.frames) {
    rows.push(["frames", `${clip.start} to ${clip.end}, start at ${anchor}`]);
    rows.push(["rate", `${clip.real_fps.toFixed(3)} per second${clip.variable ? ", variable: shown evened out" : ""}`]);
    rows.push(["picture", `${clip.width} × ${clip.height} · ${clip.codec}`]);
  }
  if (clip.source) rows.push(["source", clip.source]);
  parts.push(block(here ? "sample" : "file", pairs(rows)));
  const objects = clip.objects.filter((o) => o.anchor === anchor);
  if (objects.length) parts.push(block("objects", ...objects.map((object) => objectFacts(object, act, said))));
  const events = objects.flatMap(eventsOf).sort((a, b) => a.frame - b.frame);
  if (events.length) parts.push(block("entries and exits", eventTable(events, act)));
  if (clip.scores.length) parts.push(block("scores", scoreTable(clip.scores)));
  return parts;
}

function objectFacts(object, act, said) {
  const swatch = make("span", { class: "swatch" });
  swatch.style.background = object.colour;
  const box = make("input", { type: "checkbox", "aria-label": `Show ${object.name}` });
  box.checked = !act.hidden.has(object.id);
  box.addEventListener("change", () => act.hide(object, !box.checked));
  const gone = said?.objects.includes(object.id);
  const state = gone ? "to drop" : object.kept ? (object.stage2 ? "stage 2" : "stage 1") : "dropped";
  const node = make("div", { class: gone ? "object gone" : "object", "data-object": object.id },
    make("label", {}, box, swatch, make("span", { text: object.name }), make("span", { class: "soft small", text: state })),
    pairs([...object.facts, ["id", object.id]]));
  if (object.scores.length) node.append(scoreTable(object.scores));
  if (object.images.length) {
    node.append(make("div", { class: "thumbs" },
      ...object.images.map((src, k) => make("img", { src, alt: k ? `further identity image ${k}` : "identity image", loading: "lazy" }))));
  }
  return node;
}

function eventsOf(object) {
  const events = [];
  const add = (frame, text) => { if (frame !== null) events.push({ frame, text, object }); };
  add(object.enter, "enters the picture");
  add(object.exit, "leaves the picture");
  for (const region of object.regions.slice(0, 1)) {
    add(region.enter, `enters the region ${region.aspect}`);
    add(region.exit, `leaves the region ${region.aspect}`);
  }
  const seen = object.seen ?? object.tracked?.seen ?? [];
  for (let k = 1; k < seen.length; k++) {
    add(seen[k - 1][1], "is hidden");
    add(seen[k][0], "is seen again");
  }
  return events;
}

function eventTable(events, act) {
  return table(["frame", "what"], events.slice(0, 200).map(({ frame, text, object }) => [
    make("td", {}, make("button", { type: "button", class: "link", text: String(frame), onclick: () => act.seek(frame) })),
    make("td", { text: `${object.name} ${text}` }),
  ]));
}

function rank(score) {
  const needle = make("i");
  needle.style.left = `${100 * score.rank}%`;
  const share = `${Math.round(100 * score.rank)} % lie below`;
  return make("span", { class: score.out ? "rank out" : "rank", role: "img", title: share, "aria-label": share }, needle);
}

function scoreTable(scores) {
  return table(["score", "value", "cut", "stands"], scores.map((score) => [
    make("td", { text: score.column }),
    make("td", { text: score.value, class: score.out ? "s-dropped" : "" }),
    make("td", { text: score.cuts.join(", ") }),
    make("td", {}, rank(score)),
  ]));
}

export function chainBlock(chain) {
  if (!chain.length) return [];
  const rows = chain.flatMap((link) => {
    const line = (value, cut, place, rule) => [
      make("td", { text: link.step }),
      make("td", { text: link.what, class: "mono" }),
      make("td", { text: link.state, class: `s-${link.state}` }),
      make("td", { text: rule, class: "why" }),
      make("td", { text: value }),
      make("td", { text: cut }),
      make("td", { text: place }),
    ];
    if (link.judged?.length) {
      return link.judged.map((score) =>
        line(score.value, score.cuts.join(", "), `${Math.round(100 * score.rank)} % below`, score.column));
    }
    const place = link.rank !== null && link.population ? `${link.rank} of ${link.population}` : "";
    return [line(link.value, link.threshold, place, link.rule)];
  });
  const names = ["step", "what", "verdict", "rule", "value", "cut", "rank"];
  return [block("why it is in or out", make("div", { class: "scroll" }, table(names, rows)))];
}

// ranking: of /ranking.json, or null; choose(title) is called for another score.
export function rankingBlock(titles, chosen, ranking, choose, addressOf) {
  if (!titles.length) return [];
  const select = make("select", { id: "ranked-by", "aria-label": "Score to rank by" },
    ...titles.map((title) => make("option", { value: title, text: title })));
  select.value = chosen;
  select.addEventListener("change", () => choose(select.value));
  const strips = [];
  if (ranking) {
    const where = ranking.place === null ? "this clip has no number there" : `this clip is ${ranking.place} of ${ranking.count}, lowest first`;
    strips.push(make("p", { class: "small soft", text: where }));
    if (ranking.around.length) strips.push(strip("beside it", ranking.around, addressOf));
    for (const cut of ranking.cuts) {
      strips.push(strip(`just dropped: ${cut.rule}, cut at ${cut.line}`, cut.dropped, addressOf));
      strips.push(strip(`just kept: ${cut.rule}, cut at ${cut.line}`, cut.kept, addressOf));
    }
  }
  return [block("neighbours in the ranking", make("label", { class: "small" }, "by ", select), ...strips)];
}

function strip(title, items, addressOf) {
  const cards = items.map((item) => make("a", {
    href: addressOf(item.clip), class: `neighbour ${item.kept ? "kept" : "dropped"}${item.own ? " own" : ""}`, title: item.key,
    "aria-current": item.own ? "true" : null,
  },
  make("img", { src: `/thumb/${item.clip}.jpg`, alt: "", loading: "lazy", onerror: (event) => { event.target.removeAttribute("src"); } }),
  make("span", { text: item.value }), make("small", { text: item.own ? "this one" : item.kept ? "kept" : "dropped" })));
  return make("div", { class: "strip" }, make("h4", { text: title }),
    items.length ? make("div", { class: "neighbours" }, ...cards) : make("p", { class: "small soft", text: "none" }));
}
