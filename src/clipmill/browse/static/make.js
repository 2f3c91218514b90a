// Small helpers of pages. Texts go into the page as text nodes, never as markup.
export const $ = (id) => document.getElementById(id);

export function make(tag, options = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(options)) {
    if (name === "text") node.textContent = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

export function pairs(rows) {
  const list = make("dl", { class: "pairs" });
  for (const [name, value] of rows) list.append(make("dt", { text: name }), make("dd", { text: value }));
  return list;
}

export function table(names, rows) {
  return make("table", { class: "mini" },
    make("thead", {}, make("tr", {}, ...names.map((text) => make("th", { text, scope: "col" })))),
    make("tbody", {}, ...rows.map((cells) => make("tr", {}, ...cells))));
}

// What a server says when it refuses is text for the reader.
export async function ask(address, kind = "json", options = {}) {
  const answer = await fetch(address, options);
  if (!answer.ok) throw new Error((await answer.text()).slice(0, 2000) || `the server answers ${answer.status}`);
  return answer[kind]();
}
