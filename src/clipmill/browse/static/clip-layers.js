// Tracks, masks and boxes of one anchor, in pieces of some frames, asked for when they are drawn.
import { ask } from "/static/make.js";

const HELD = 40;              // pieces held in memory
const BACK = clipmillOverlay.TAIL;

export class ClipLayers {
  // base: address of the clip; frames; piece (frames of one); arrived() is called back.
  constructor(options) {
    Object.assign(this, options);
    this.pieces = new Map();
    this.anchor = null;
  }

  choose(anchor) {
    this.anchor = anchor;
    this.pieces.clear();
  }

  // Asks for what is drawn at a frame; tells whether all of it is there.
  need(frame, { ahead = false } = {}) {
    if (this.anchor === null || frame < 0) return true;
    const last = Math.min(this.frames - 1, frame + (ahead ? this.piece : 0));
    let complete = true;
    for (let k = this.number(Math.max(0, frame - BACK)); k <= this.number(last); k++) {
      const piece = this.load(k);
      if (k <= this.number(frame)) complete &&= piece.data !== null;
    }
    return complete;
  }

  number(frame) { return Math.floor(frame / this.piece); }

  load(number) {
    let piece = this.pieces.get(number);
    if (!piece) {
      piece = { data: null };
      const anchor = this.anchor;
      ask(`${this.base}/layers/${anchor}/${number}.json`).then((data) => {
        piece.data = data.objects;
        if (anchor === this.anchor) this.arrived();
      }).catch(() => this.pieces.delete(number));
    }
    this.pieces.delete(number);
    this.pieces.set(number, piece);
    for (const old of this.pieces.keys()) {
      if (this.pieces.size <= HELD) break;
      this.pieces.delete(old);
    }
    return piece;
  }

  at(object, frame) {
    if (frame < 0) return undefined;
    const known = (number) => this.pieces.get(number)?.data?.[object.id];
    // An object whose only mask is at the anchor has it in every piece.
    const layers = known(this.number(frame)) ?? (object.still ? [...this.pieces.keys()].map(known).find(Boolean) : undefined);
    if (!layers) return undefined;
    const { cover, tracks } = layers, of = frame - cover.first, on = frame - tracks?.first;
    return { masks: cover.masks[of], box: cover.boxes[of], points: tracks?.points[on], seen: tracks?.seen[on] };
  }
}
