// Draws tracks, masks, boxes, regions and text over a picture; the report and `clipmill browse` share it.
// The report puts this text into its own script: no double braces here.
const clipmillOverlay = (() => {
  const COLOURS = ["#ff5c8a", "#3ec1ff", "#ffd23f", "#6ee05c", "#b48cff", "#ff9a3c", "#2ee6c5", "#f56bff"];
  const TAIL = 24;            // frames of track drawn behind a point
  const TEXT = "#d9ff3c";
  const NEAR_ANCHOR = 12;     // frames around the anchor at which a lone anchor mask is hinted

  // view: width and height of the source; frame; layers (name: shown); objects: each with name,
  // colour, anchor, still (only the anchor has a mask), regions; and at(object, frame), which gives
  // { masks, box, points, seen } as far as they are known; and, if it is known, text: of every frame
  // that was looked at, in order, { frame, boxes } (polygons).
  function draw(canvas, view) {
    const box = canvas.getBoundingClientRect(), dense = window.devicePixelRatio || 1;
    const width = Math.max(1, Math.round(box.width * dense)), height = Math.max(1, Math.round(box.height * dense));
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    const c = canvas.getContext("2d");
    c.setTransform(1, 0, 0, 1, 0, 0);
    c.clearRect(0, 0, width, height);
    const scale = width / view.width;
    c.setTransform(scale, 0, 0, scale, 0, 0);
    const px = dense / scale;                     // one CSS pixel in source pixels
    c.lineJoin = c.lineCap = "round";
    if (view.layers.regions) drawRegion(c, view, px);
    for (const object of view.objects) {
      if (view.layers.masks) drawMask(c, view, object, px);
      if (view.layers.boxes) drawBox(c, view, object, px);
      if (view.layers.tracks) drawTracks(c, view, object, px);
    }
    if (view.layers.text) drawText(c, view, px);
    return { c, px };
  }

  function drawRegion(c, view, px) {
    const owner = view.objects.find((o) => o.regions.length);
    if (!owner) return;
    const region = owner.regions[0], [x0, y0, x1, y1] = region.box;
    c.fillStyle = "rgb(0 0 0 / .45)";
    c.beginPath();
    c.rect(0, 0, view.width, view.height);
    c.rect(x0, y0, x1 - x0, y1 - y0);
    c.fill("evenodd");
    c.strokeStyle = "#fff";
    c.lineWidth = 1.6 * px;
    c.setLineDash([7 * px, 5 * px]);
    c.strokeRect(x0, y0, x1 - x0, y1 - y0);
    c.setLineDash([]);
    label(c, view, `region ${region.aspect}`, x1, y1, "#fff", px, { right: true, up: true });
  }

  function polygons(c, shapes) {
    c.beginPath();
    for (const flat of shapes) {
      for (let k = 0; k < flat.length; k += 2) c[k ? "lineTo" : "moveTo"](flat[k], flat[k + 1]);
      c.closePath();
    }
  }

  function drawMask(c, view, object, px) {
    const off = object.still ? Math.abs(view.frame - object.anchor) : 0;
    if (off > NEAR_ANCHOR) return;                 // only the anchor has a mask: hint at it nearby
    const shapes = view.at(object, object.still ? object.anchor : view.frame)?.masks;
    if (!shapes || !shapes.length) return;
    polygons(c, shapes);
    c.setLineDash(off ? [4 * px, 4 * px] : []);
    c.fillStyle = object.colour;
    c.globalAlpha = off ? 0.1 : 0.34;
    c.fill("evenodd");
    c.globalAlpha = 0.9;
    c.strokeStyle = object.colour;
    c.lineWidth = 1.4 * px;
    c.stroke();
    c.globalAlpha = 1;
    c.setLineDash([]);
  }

  function drawBox(c, view, object, px) {
    const box = view.at(object, view.frame)?.box;
    if (!box) return;
    c.strokeStyle = object.colour;
    c.lineWidth = 1.2 * px;
    c.strokeRect(box[0], box[1], box[2] - box[0], box[3] - box[1]);
    label(c, view, object.name, box[0], box[1], object.colour, px, { up: true });
  }

  // Text is held until the next frame that was looked at; between them its boxes are dashed.
  function drawText(c, view, px) {
    const last = view.text?.findLast((one) => one.frame <= view.frame);
    if (!last?.boxes.length) return;
    const held = last.frame !== view.frame;
    polygons(c, last.boxes);
    for (const [colour, width] of [["rgb(0 0 0 / .7)", 3.6], [TEXT, 1.6]]) {
      c.setLineDash(held && colour === TEXT ? [5 * px, 4 * px] : []);
      c.strokeStyle = colour;
      c.lineWidth = width * px;
      c.stroke();
    }
    c.setLineDash([]);
    const [x, y] = last.boxes.reduce((a, b) => (b[1] < a[1] ? b : a));
    label(c, view, held ? `text, frame ${last.frame}` : "text", x, y - 2 * px, TEXT, px, { up: true });
  }

  // Where a point is hidden its way is dashed and faint, and the point itself a ring.
  function drawTracks(c, view, object, px) {
    const now = view.at(object, view.frame);
    if (!now?.points) return;
    c.strokeStyle = object.colour;
    for (let t = view.frame - TAIL; t < view.frame; t++) {
      const a = view.at(object, t)?.points, here = view.at(object, t + 1), b = here?.points;
      if (!a || !b) continue;
      const fade = 1 - (view.frame - t - 1) / (TAIL + 1);
      for (let k = 0; k < here.seen.length; k++) {
        const seen = here.seen[k] === "1";
        c.globalAlpha = (seen ? 0.85 : 0.45) * fade;
        c.lineWidth = (seen ? 1.5 : 1) * px;
        if (!seen && t % 2) continue;              // every other step: dashes that stay in place
        c.beginPath();
        c.moveTo(a[2 * k], a[2 * k + 1]);
        c.lineTo(b[2 * k], b[2 * k + 1]);
        c.stroke();
      }
    }
    for (let k = 0; k < now.seen.length; k++) {
      const seen = now.seen[k] === "1";
      c.globalAlpha = seen ? 1 : 0.6;
      c.beginPath();
      c.arc(now.points[2 * k], now.points[2 * k + 1], 2.8 * px, 0, 7);
      c.fillStyle = seen ? object.colour : "transparent";
      c.fill();
      c.lineWidth = px;
      c.strokeStyle = seen ? "rgb(0 0 0 / .7)" : object.colour;
      c.stroke();
    }
    c.globalAlpha = 1;
  }

  function label(c, view, text, x, y, colour, px, { right = false, up = false } = {}) {
    c.font = `600 ${11 * px}px system-ui, sans-serif`;
    const shown = text.length > 40 ? `${text.slice(0, 39)}…` : text;
    const width = c.measureText(shown).width + 8 * px, height = 15 * px;
    let left = right ? x - width : x, top = up ? y - height : y;
    left = Math.min(Math.max(0, left), view.width - width);
    top = Math.min(Math.max(0, top), view.height - height);
    c.fillStyle = "rgb(0 0 0 / .72)";
    c.fillRect(left, top, width, height);
    c.fillStyle = colour;
    c.fillText(shown, left + 4 * px, top + 11.2 * px);
  }

  return { COLOURS, TAIL, draw, label };
})();
