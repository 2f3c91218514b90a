// Judging by keys on any page: every element with `data-clip` can be judged. One of them is chosen:
// the one that has the focus, or was clicked, or reached by the arrows of a page with
// `data-judge-pace`. Where there is one only (or that pace), it is chosen from the beginning; else
// the bar comes with the first choice. What was said is shown in `.judge-said`, a corrected caption
// in `.judge-caption`. Who is chosen is told by the event `chosen`.
"use strict";
(() => {
  const KINDS = [
    ["k", "keep", "keep"], ["d", "drop", "drop"], ["s", "star", "star"], ["t", "tag", "tag…"],
    ["c", "caption", "caption…"], ["o", "drop_object", "drop object…"], ["n", "note", "note…"],
  ];
  const ASKED = { tag: "Tag", caption: "Caption", note: "Note", drop_object: "Object" };
  const readOnly = "readOnly" in document.body.dataset;
  const pace = document.querySelector("[data-judge-pace]");
  const history = [];
  const states = new Map();
  let chosen = null;
  let who = "";

  const make = (tag, more = {}, ...inside) => {
    const element = Object.assign(document.createElement(tag), more);
    element.append(...inside);
    return element;
  };
  const all = () => [...document.querySelectorAll("[data-clip]")];

  const bar = make("div", { className: "judge-bar", role: "toolbar", hidden: true });
  bar.setAttribute("aria-label", "Judge the chosen clip");
  const told = make("span", { className: "judge-state" });
  told.setAttribute("role", "status");
  const buttons = [...KINDS, ["u", "undo", "undo"]].map(([key, kind, text]) => {
    const button = make("button", { type: "button" }, make("kbd", { textContent: key }), text);
    button.dataset.kind = kind;
    button.setAttribute("aria-keyshortcuts", key);
    button.addEventListener("click", () => act(kind));
    return button;
  });
  bar.append(make("div", { className: "judge-keys" }, ...buttons), told);
  if (!readOnly) document.body.append(bar);

  const tell = (text, problem = false) => {
    told.textContent = text;
    told.toggleAttribute("data-problem", problem);
  };

  const choose = (element, { scroll = false } = {}) => {
    if (chosen) delete chosen.dataset.chosen;
    chosen = element;
    element?.dispatchEvent(new CustomEvent("chosen", { bubbles: true }));
    if (!element || readOnly) return;
    element.dataset.chosen = "";
    bar.hidden = false;
    if (scroll) element.scrollIntoView({ block: "nearest" });
    if (scroll && pace) element.focus({ preventScroll: true });
    if (!states.has(element.dataset.clip)) load([element]);
    describe();
  };

  const counted = (number, word) => `${number} ${word}${number === 1 ? "" : "s"}`;
  const words = (state) => {
    const verdicts = { keep: "to keep", drop: "to drop" };
    const parts = [state.verdict === "conflict" ? `people disagree: ${state.told.join("; ")}` : verdicts[state.verdict]];
    if (state.star) parts.push("★");
    parts.push(...state.tags.map((tag) => `#${tag}`));
    if (state.caption !== null) parts.push("caption corrected");
    if (state.objects.length) parts.push(`${counted(state.objects.length, "object")} dropped`);
    if (state.notes) parts.push(counted(state.notes, "note"));
    return parts.filter(Boolean).join(" · ");
  };

  const describe = () => {
    if (!chosen) return tell("no clip is chosen");
    const state = states.get(chosen.dataset.clip);
    tell(`${who}: ${(state && words(state)) || "not judged yet"}`);
  };

  const show = (state) => {
    states.set(state.clip_id, state);
    for (const element of all().filter((e) => e.dataset.clip === state.clip_id)) {
      element.dataset.verdict = state.verdict;
      element.toggleAttribute("data-star", state.star);
      const said = element.querySelector(".judge-said");
      if (said) said.textContent = words(state);
      const caption = element.querySelector(".judge-caption");
      if (caption) {
        caption.dataset.given ??= caption.textContent;
        caption.textContent = state.caption ?? caption.dataset.given;
      }
      element.dispatchEvent(new CustomEvent("judged", { bubbles: true, detail: state }));
    }
  };

  const ask = async (address, body) => {
    const options = body === undefined ? {} : {
      method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" },
    };
    const answer = await fetch(address, options);
    const text = await answer.text();
    let found = { problem: text };
    try { found = JSON.parse(text); } catch { /* the guard answers in plain text */ }
    if (!answer.ok) throw new Error(found.problem || answer.statusText);
    return found;
  };

  const load = async (elements) => {
    const names = [...new Set(elements.map((e) => e.dataset.clip))];
    for (let at = 0; at < names.length; at += 200) {
      try {
        const found = await ask(`/judgements?clips=${names.slice(at, at + 200).join(",")}`);
        who = found.who;
        Object.values(found.clips).forEach(show);
        describe();
      } catch (error) { tell(error.message, true); }
    }
  };

  const step = (by) => {
    const clips = all();
    const at = clips.indexOf(chosen) + by;
    if (at >= 0 && at < clips.length) choose(clips[at], { scroll: true });
  };

  const send = async (element, target, kind, value) => {
    try {
      const found = await ask("/judgements", { target, kind, value });
      history.push(found.id);
      show(found.clip);
      describe();
    } catch (error) {
      choose(element, { scroll: true });
      tell(error.message, true);
    }
  };

  const undo = async () => {
    const state = chosen && states.get(chosen.dataset.clip);
    const name = history.pop() || (state && state.last);
    if (!name) return tell("nothing to take back", true);
    try {
      const found = await ask(`/judgements/${name}/undo`, {});
      show(found.clip);
      const element = all().find((e) => e.dataset.clip === found.clip.clip_id);
      if (element) choose(element, { scroll: true });
      describe();
    } catch (error) { tell(error.message, true); }
  };

  // What stands in the field at first, or the objects to choose from.
  const before = async (element, kind) => {
    const clip = element.dataset.clip;
    if (kind === "caption") {
      return states.get(clip)?.caption ?? (await ask(`/judgements/${clip}/given`)).caption;
    }
    if (kind !== "drop_object") return "";
    const near = element.querySelector("[data-object]:focus-within")?.dataset.object;
    const { objects } = await ask(`/judgements/${clip}/given`);
    const gone = states.get(clip)?.objects ?? [];
    const left = objects.filter((object) => !gone.includes(object.id));
    if (!left.length) throw new Error(objects.length ? "all its objects are dropped" : "it has no objects");
    return left.map(({ id, text }) => make("option", { value: id, textContent: text, selected: id === near }));
  };

  const write = async (element, kind) => {
    bar.querySelector(".judge-ask")?.remove();
    let given;
    try { given = await before(element, kind); } catch (error) { return tell(error.message, true); }
    const field = Array.isArray(given) ? make("select", {}, ...given) : make("textarea", { rows: 1, value: given });
    field.id = "judge-field";
    const label = make("label", { htmlFor: "judge-field", textContent: ASKED[kind] });
    const form = make("form", { className: "judge-ask" }, label, field,
      make("button", { textContent: kind === "drop_object" ? "drop" : "save" }));
    const close = () => { form.remove(); element.focus?.({ preventScroll: true }); };
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const value = field.value.trim();
      close();
      if (kind === "drop_object") send(element, value, kind, "");
      else send(element, element.dataset.clip, kind, value);
    });
    field.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Escape") close();
      if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); form.requestSubmit(); }
    });
    bar.append(form);
    field.focus();
    field.select?.();
  };

  const act = (kind) => {
    if (readOnly) return undefined;
    if (kind === "undo") return undo();
    if (!chosen) return tell("choose a clip first", true);
    if (kind in ASKED) return write(chosen, kind);
    const element = chosen;
    send(element, element.dataset.clip, kind, "");
    if (pace && (kind === "keep" || kind === "drop")) step(1);
    return undefined;
  };

  const TYPING = "textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=range])";
  document.addEventListener("keydown", (event) => {
    if (readOnly || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest?.(TYPING) || document.querySelector("dialog[open]")) return;
    const kind = event.key === "u" ? "undo" : KINDS.find(([key]) => key === event.key)?.[1];
    if (kind) { event.preventDefault(); act(kind); }
    if (pace && ["ArrowDown", "ArrowRight", "ArrowUp", "ArrowLeft"].includes(event.key)) {
      event.preventDefault();
      step(event.key === "ArrowDown" || event.key === "ArrowRight" ? 1 : -1);
    }
  });
  for (const name of ["focusin", "click"]) {
    document.addEventListener(name, (event) => {
      const element = event.target.closest?.("[data-clip]");
      if (element && element !== chosen) choose(element);
    });
  }
  const refresh = () => { if (all().length) load(all()); };
  // Back from the page of a clip, this one may be as it was left.
  window.addEventListener("pageshow", (event) => { if (event.persisted) refresh(); });
  refresh();
  if (all().length && (pace || all().length === 1)) choose(all()[0], { scroll: Boolean(pace) });
  window.judging = { choose, load };
})();
