// Judging by keys on any page: every element with `data-clip` can be judged. One of them is chosen:
// the one that has the focus, or was clicked, or reached by the arrows of a page with
// `data-judge-pace`. Pages that know an object set `data-object` on an element inside.
"use strict";
(() => {
  const KINDS = [
    ["k", "keep", "keep"], ["d", "drop", "drop"], ["s", "star", "star"], ["t", "tag", "tag…"],
    ["c", "caption", "caption…"], ["o", "drop_object", "drop object…"], ["n", "note", "note…"],
  ];
  const ASKED = { tag: "Tag", caption: "Caption", note: "Note", drop_object: "Id of the object" };
  const pace = document.querySelector("[data-judge-pace]");
  const history = [];
  const states = new Map();
  let chosen = null;
  let readOnly = false;
  let who = "";

  const make = (tag, more = {}, ...inside) => {
    const element = Object.assign(document.createElement(tag), more);
    element.append(...inside);
    return element;
  };
  const all = () => [...document.querySelectorAll("[data-clip]")];

  const bar = make("div", { className: "judge-bar", role: "toolbar" });
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
  bar.append(...buttons, told);
  document.body.append(bar);

  const tell = (text, problem = false) => {
    told.textContent = text;
    told.toggleAttribute("data-problem", problem);
  };

  const choose = (element, { scroll = false } = {}) => {
    if (chosen) delete chosen.dataset.chosen;
    chosen = element;
    if (!element) return;
    element.dataset.chosen = "";
    if (scroll) element.scrollIntoView({ block: "nearest" });
    if (scroll && pace) element.focus({ preventScroll: true });
    if (!states.has(element.dataset.clip)) load([element]);
    describe();
  };

  const words = (state) => {
    const parts = [state.verdict === "conflict" ? `people disagree: ${state.told.join("; ")}` : state.verdict];
    if (state.star) parts.push("★");
    parts.push(...state.tags.map((tag) => `#${tag}`));
    if (state.caption !== null) parts.push("caption corrected");
    if (state.objects.length) parts.push(`${state.objects.length} objects dropped`);
    if (state.notes) parts.push(`${state.notes} notes`);
    return parts.filter(Boolean).join(" · ");
  };

  const describe = () => {
    if (readOnly) return tell("read-only: nothing can be judged");
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
      if (caption) caption.textContent = state.caption ?? (element.dataset.caption || "no caption");
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
        ({ who, read_only: readOnly } = found);
        Object.values(found.clips).forEach(show);
        buttons.forEach((button) => { button.disabled = readOnly; });
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

  const write = (element, kind) => {
    bar.querySelector(".judge-ask")?.remove();
    const object = element.querySelector("[data-object][aria-selected=true]") ||
      element.querySelector("[data-object]");
    const known = states.get(element.dataset.clip);
    const before = { caption: known?.caption ?? element.dataset.caption ?? "", drop_object: object?.dataset.object ?? "" };
    const field = make("textarea", { id: "judge-field", rows: 1, value: before[kind] ?? "" });
    const label = make("label", { htmlFor: "judge-field", textContent: ASKED[kind] });
    const form = make("form", { className: "judge-ask" }, label, field, make("button", { textContent: "save" }));
    const close = () => { form.remove(); (pace ? element : document.activeElement)?.focus?.(); };
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
    field.select();
  };

  const act = (kind) => {
    if (readOnly) return describe();
    if (kind === "undo") return undo();
    if (!chosen) return tell("choose a clip first", true);
    if (kind in ASKED) return write(chosen, kind);
    const element = chosen;
    send(element, element.dataset.clip, kind, "");
    if (pace && (kind === "keep" || kind === "drop")) step(1);
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest?.("input, textarea, select, [contenteditable]")) return;
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
  if (all().length) {
    load(all());
    choose(all()[0], { scroll: Boolean(pace) });
  } else describe();
  window.judging = { choose, load };
})();
