// The grid: keys, thumbnails that cannot be made, the spread of a number. The page works without.

const cards = [...document.querySelectorAll(".card")];
const search = document.querySelector(".search input");
const dialog = document.querySelector("dialog.keys");

function columns() {
  const top = cards[0]?.offsetTop;
  const next = cards.findIndex((card) => card.offsetTop !== top);
  return next < 1 ? Math.max(cards.length, 1) : next;
}

function move(step) {
  const at = cards.indexOf(document.activeElement);
  const to = at < 0 ? 0 : at + step;
  if (cards[to]) {
    cards[to].focus();
    cards[to].scrollIntoView({ block: "nearest" });
  }
}

const keys = {
  ArrowRight: () => move(1),
  ArrowLeft: () => move(-1),
  ArrowDown: () => move(columns()),
  ArrowUp: () => move(-columns()),
  "/": () => search.focus(),
  "?": () => dialog.showModal(),
  ".": () => document.querySelector("a[rel=next]")?.click(),
  ",": () => document.querySelector("a[rel=prev]")?.click(),
};

document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("input, select, textarea");
  if (event.key === "Escape" && typing) {
    event.target.blur();
    return;
  }
  if (typing || dialog.open || event.ctrlKey || event.metaKey || event.altKey) return;
  const act = keys[event.key];
  if (act) {
    event.preventDefault();
    act();
  }
});

document.querySelector(".help").addEventListener("click", () => dialog.showModal());
document.querySelector(".order select").addEventListener("change", (event) => {
  event.target.form.requestSubmit();
});

// Filters are folded on a phone: the clips come first.
if (matchMedia("(max-width: 700px)").matches) document.querySelector(".filters").open = false;

async function tellWhy(image) {
  const said = document.createElement("span");
  said.className = "nothing problem";
  image.replaceWith(said);
  try {
    const answer = await fetch(image.src);
    said.textContent = answer.ok ? "the picture cannot be shown" : await answer.text();
  } catch {
    said.textContent = "the server does not answer";
  }
}

for (const image of document.querySelectorAll(".card img")) {
  image.addEventListener("error", () => tellWhy(image), { once: true });
  if (image.complete && !image.naturalWidth) tellWhy(image);
}

const range = document.querySelector("form.range");
const spread = range.querySelector(".spread");
const known = range.querySelector(".known");

function draw(counts) {
  const most = Math.max(...counts);
  spread.replaceChildren(
    ...counts.map((count, at) => {
      const bar = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      // A single clip is seen beside a hundred thousand.
      const height = count ? Math.max(0.4, (10 * count) / most) : 0;
      bar.setAttribute("x", at + 0.06);
      bar.setAttribute("width", 0.88);
      bar.setAttribute("y", 10 - height);
      bar.setAttribute("height", height);
      return bar;
    }),
  );
}

function shortNumber(value) {
  return Number(value.toPrecision(4)).toString();
}

range.elements.column.addEventListener("change", async () => {
  const column = range.elements.column.value;
  spread.setAttribute("hidden", "");
  known.textContent = "";
  if (!column) return;
  const asked = new URLSearchParams(location.search);
  asked.set("of", column);
  const answer = await fetch(`/clips/values.json?${asked}`);
  const found = answer.ok ? await answer.json() : null;
  if (range.elements.column.value !== column) return;
  if (!found?.count) {
    known.textContent = found ? "none of these clips has it" : "it cannot be read";
    return;
  }
  draw(found.counts);
  spread.removeAttribute("hidden");
  const [low, high] = [shortNumber(found.low), shortNumber(found.high)];
  known.textContent = `${low} to ${high}, ${found.count.toLocaleString("en")} values`;
  range.elements.low.placeholder = low;
  range.elements.high.placeholder = high;
});

range.addEventListener("submit", (event) => {
  if (!range.elements.column.value) event.preventDefault();
});
