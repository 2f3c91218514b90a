// What lies below the frames: shot scores with cuts, and where every object is seen, enters and
// leaves; and the camera's path in a corner of the picture.
const ROW = 15, SHOTS = 40;

function colour(name) { return getComputedStyle(document.documentElement).getPropertyValue(name); }

// Draws the rows; view: frames, frame, anchor, objects, shots (or null), layers.
export function drawLines(canvas, view) {
  const width = canvas.clientWidth, dense = window.devicePixelRatio || 1;
  const shots = view.shots && view.layers.shots ? view.shots : null;
  const height = (shots ? SHOTS + 6 : 0) + ROW * view.objects.length + 6;
  canvas.style.height = `${height}px`;
  if (canvas.width !== Math.round(width * dense) || canvas.height !== Math.round(height * dense)) {
    canvas.width = Math.round(width * dense);
    canvas.height = Math.round(height * dense);
  }
  const c = canvas.getContext("2d");
  c.setTransform(dense, 0, 0, dense, 0, 0);
  c.clearRect(0, 0, width, height);
  c.font = "10px system-ui, sans-serif";
  const x = (frame) => (width * frame) / Math.max(1, view.frames);
  let top = 2;
  if (shots) {
    drawShots(c, shots, x, top, width);
    top += SHOTS + 6;
  }
  for (const object of view.objects) {
    drawObject(c, object, x, top, view.frames);
    top += ROW;
  }
  c.strokeStyle = colour("--soft");
  c.setLineDash([2, 2]);
  line(c, x(view.anchor + 0.5), 0, height);
  c.setLineDash([]);
  c.strokeStyle = colour("--ink");
  c.lineWidth = 1.5;
  line(c, x(view.frame + 0.5), 0, height);
  c.lineWidth = 1;
}

function line(c, x, top, bottom) {
  c.beginPath();
  c.moveTo(x, top);
  c.lineTo(x, bottom);
  c.stroke();
}

function drawShots(c, shots, x, top, width) {
  const highest = Math.max(shots.threshold * 1.25, ...shots.scores, 1e-9);
  const y = (score) => top + SHOTS * (1 - score / highest);
  c.fillStyle = colour("--kept-soft");
  c.strokeStyle = colour("--kept");
  c.beginPath();
  c.moveTo(0, y(0));
  shots.scores.forEach((score, k) => {
    c.lineTo(x(k * shots.every), y(score));
    c.lineTo(x((k + 1) * shots.every), y(score));
  });
  c.lineTo(x(shots.scores.length * shots.every), y(0));
  c.fill();
  c.stroke();
  c.strokeStyle = colour("--dropped");
  c.setLineDash([4, 3]);
  c.beginPath();
  c.moveTo(0, y(shots.threshold));
  c.lineTo(width, y(shots.threshold));
  c.stroke();
  c.setLineDash([]);
  c.strokeStyle = colour("--failed");
  for (const cut of shots.cuts) line(c, x(cut), top, top + SHOTS);
  c.fillStyle = colour("--soft");
  c.fillText("shot scores", 3, top + 10);
}

// Seen: a full bar. Hidden: hatched. Without masks over time, what the tracks see.
function drawObject(c, object, x, top, frames) {
  const seen = object.seen ?? object.tracked?.seen ?? [];
  const from = object.tracked?.from ?? seen[0]?.[0] ?? object.anchor;
  const to = Math.max(object.tracked?.to ?? 0, seen.at(-1)?.[1] ?? object.anchor + 1);
  c.globalAlpha = 0.6;
  c.strokeStyle = object.colour;
  for (let at = x(Math.min(from, seen[0]?.[0] ?? from)); at < x(to); at += 5) {
    c.beginPath();
    c.moveTo(at, top + 10);
    c.lineTo(Math.min(at + 4, x(to)), top + 4);
    c.stroke();
  }
  c.globalAlpha = 1;
  c.fillStyle = object.colour;
  for (const [a, b] of seen) c.fillRect(x(a), top + 3, Math.max(1, x(b) - x(a)), 8);
  const marks = [[object.enter, "▸"], [object.exit, "◂"]];
  for (const region of object.regions.slice(0, 1)) marks.push([region.enter, "▼"], [region.exit, "▲"]);
  c.fillStyle = colour("--ink");
  for (const [at, sign] of marks) {
    if (at !== null && at <= frames) c.fillText(sign, Math.min(x(at), x(frames) - 8) - 3, top + 11);
  }
}

// In a corner: where the camera looks (degrees right and up), and where it has gone, from above.
export function drawCamera({ c, px }, view, camera) {
  const side = Math.min(92 * px, view.height * 0.3), gap = 8 * px;
  const upTo = camera.frames.findLastIndex((frame) => frame <= view.frame);
  const plots = [["looks", camera.yaw.map((yaw, k) => [yaw, -camera.pitch[k]]), "°"]];
  if (camera.travel.some(Boolean)) {
    plots.push(["goes", camera.travel.map((at) => at && [at[0], -at[2]]), camera.metric ? " m" : ""]);
  }
  plots.forEach(([name, path, unit], k) => {
    const left = gap + k * (side + gap), top = view.height - side - gap;
    plotPath(c, path, upTo, { left, top, side, px, text: (reach) => `${name} ±${reach}${unit}` });
  });
}

function plotPath(c, path, upTo, { left, top, side, px, text }) {
  const known = path.filter((at) => at && at.every((value) => value !== null));
  if (!known.length) return;
  const reach = Math.max(...known.flat().map(Math.abs), 0.05);
  const place = ([x, y]) => [left + side / 2 + (x / reach) * side * 0.42, top + side / 2 + (y / reach) * side * 0.42];
  c.fillStyle = "rgb(0 0 0 / .6)";
  c.fillRect(left, top, side, side);
  for (const [part, style] of [[path, "rgb(255 255 255 / .4)"], [path.slice(0, upTo + 1), "#fff"]]) {
    c.strokeStyle = style;
    c.lineWidth = 1.5 * px;
    c.beginPath();
    let pen = false;
    for (const at of part) {
      if (!at || at.some((value) => value === null)) { pen = false; continue; }
      c[pen ? "lineTo" : "moveTo"](...place(at));
      pen = true;
    }
    c.stroke();
  }
  const now = path[upTo];
  if (now && now.every((value) => value !== null)) {
    c.fillStyle = "#ffd23f";
    c.beginPath();
    c.arc(...place(now), 3.2 * px, 0, 7);
    c.fill();
  }
  c.fillStyle = "#fff";
  c.font = `${10 * px}px system-ui, sans-serif`;
  c.fillText(text(reach < 10 ? reach.toPrecision(2) : Math.round(reach)), left + 4 * px, top + 12 * px);
}
