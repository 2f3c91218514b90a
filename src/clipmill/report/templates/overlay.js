  // ---- overlay ------------------------------------------------------------------------------
  function draw() {
    const box = overlay.getBoundingClientRect(), dense = window.devicePixelRatio || 1;
    const width = Math.max(1, Math.round(box.width * dense)), height = Math.max(1, Math.round(box.height * dense));
    if (overlay.width !== width || overlay.height !== height) {
      overlay.width = width;
      overlay.height = height;
    }
    const c = overlay.getContext("2d");
    c.setTransform(1, 0, 0, 1, 0, 0);
    c.clearRect(0, 0, width, height);
    const scale = width / clip.width;
    c.setTransform(scale, 0, 0, scale, 0, 0);
    const px = dense / scale;                     // one CSS pixel in source pixels
    c.lineJoin = c.lineCap = "round";
    const objects = clip.objects.filter((o) => o.anchor === anchor && !hidden.has(o.id));
    if (layers.regions) drawRegion(c, objects, px);
    for (const object of objects) {
      const colour = COLOURS[clip.objects.indexOf(object) % COLOURS.length];
      if (layers.masks) drawMask(c, object, colour, px);
      if (layers.boxes) drawBox(c, object, colour, px);
      if (layers.tracks && object.tracks) drawTracks(c, object.tracks, colour, px);
    }
  }

  function drawRegion(c, objects, px) {
    const owner = objects.find((o) => o.regions.length);
    if (!owner) return;
    const region = owner.regions[0], [x0, y0, x1, y1] = region.box;
    c.fillStyle = "rgb(0 0 0 / .45)";
    c.beginPath();
    c.rect(0, 0, clip.width, clip.height);
    c.rect(x0, y0, x1 - x0, y1 - y0);
    c.fill("evenodd");
    c.strokeStyle = "#fff";
    c.lineWidth = 1.6 * px;
    c.setLineDash([7 * px, 5 * px]);
    c.strokeRect(x0, y0, x1 - x0, y1 - y0);
    c.setLineDash([]);
    label(c, `region ${region.aspect}`, x1, y1, "#fff", px, { right: true, up: true });
  }

  function polygons(c, shapes) {
    c.beginPath();
    for (const flat of shapes) {
      for (let k = 0; k < flat.length; k += 2) c[k ? "lineTo" : "moveTo"](flat[k], flat[k + 1]);
      c.closePath();
    }
  }

  function drawMask(c, object, colour, px) {
    let at = frame - object.cover.first;
    if (object.still) {                            // only the anchor has a mask: hint at it nearby
      if (Math.abs(at) > NEAR_ANCHOR) return;
      c.setLineDash(at ? [4 * px, 4 * px] : []);
      at = 0;
    }
    const shapes = object.cover.masks[at];
    if (!shapes || !shapes.length) return;
    polygons(c, shapes);
    c.fillStyle = colour;
    c.globalAlpha = object.still && frame !== object.cover.first ? 0.1 : 0.34;
    c.fill("evenodd");
    c.globalAlpha = 0.9;
    c.strokeStyle = colour;
    c.lineWidth = 1.4 * px;
    c.stroke();
    c.globalAlpha = 1;
    c.setLineDash([]);
  }

  function drawBox(c, object, colour, px) {
    const box = object.cover.boxes[frame - object.cover.first];
    if (!box) return;
    c.strokeStyle = colour;
    c.lineWidth = 1.2 * px;
    c.strokeRect(box[0], box[1], box[2] - box[0], box[3] - box[1]);
    label(c, object.name, box[0], box[1], colour, px, { up: true });
  }

  function drawTracks(c, tracks, colour, px) {
    const at = frame - tracks.first;
    if (at < 0 || at >= tracks.points.length) return;
    const now = tracks.points[at], seen = tracks.seen[at];
    for (let k = 0; k < seen.length; k++) {
      c.strokeStyle = colour;
      c.lineWidth = 1.5 * px;
      for (let t = Math.max(1, at - TAIL); t <= at; t++) {
        const a = tracks.points[t - 1], b = tracks.points[t];
        c.globalAlpha = (tracks.seen[t][k] === "1" ? 0.85 : 0.22) * (1 - (at - t) / (TAIL + 1));
        c.beginPath();
        c.moveTo(a[2 * k], a[2 * k + 1]);
        c.lineTo(b[2 * k], b[2 * k + 1]);
        c.stroke();
      }
      const visible = seen[k] === "1";
      c.globalAlpha = visible ? 1 : 0.5;
      c.beginPath();
      c.arc(now[2 * k], now[2 * k + 1], 2.8 * px, 0, 7);
      c.fillStyle = visible ? colour : "transparent";
      c.fill();
      c.lineWidth = px;
      c.strokeStyle = visible ? "rgb(0 0 0 / .7)" : colour;
      c.stroke();
    }
    c.globalAlpha = 1;
  }

  function label(c, text, x, y, colour, px, { right = false, up = false } = {}) {
    c.font = `600 ${11 * px}px system-ui, sans-serif`;
    const shown = text.length > 40 ? `${text.slice(0, 39)}…` : text;
    const width = c.measureText(shown).width + 8 * px, height = 15 * px;
    let left = right ? x - width : x, top = up ? y - height : y;
    left = Math.min(Math.max(0, left), clip.width - width);
    top = Math.min(Math.max(0, top), clip.height - height);
    c.fillStyle = "rgb(0 0 0 / .72)";
    c.fillRect(left, top, width, height);
    c.fillStyle = colour;
    c.fillText(shown, left + 4 * px, top + 11.2 * px);
  }
