// Shows any frame of a clip, exactly. The clip comes in parts, short videos in which frame k is
// frame part * length + k of the clip; two video elements take turns, so that one part is ready
// while the other plays. A single frame is shown as a still until its part has been made. What is
// painted and the number that goes with it come from the same callback, so they cannot drift apart.
import { ask } from "/static/make.js";

const HELD = 12;              // parts held in memory
const REST = 300;             // ms without a wish before the next part is made

export class ClipPlayer {
  // canvas; videos: two elements; base: address of the clip; frames, fps, part (frames of one);
  // painted(frame), waiting(text or ""), failed(text), state() are called back.
  constructor(options) {
    Object.assign(this, options);
    this.frame = -1;
    this.wanted = 0;
    this.playing = false;
    this.rate = 1;
    this.busy = null;
    this.blobs = new Map();
    this.asked = new Map();                        // parts on their way, to be called off
    this.takes = this.videos.map((video) => ({ video, part: -1, ready: null }));
  }

  partOf(frame) { return Math.floor(frame / this.part); }

  // ---- parts ----------------------------------------------------------------------------------
  blob(part) {
    let found = this.blobs.get(part);
    if (!found) {
      const call = new AbortController();
      this.asked.set(part, call);
      found = ask(`${this.base}/part/${part}.mp4`, "blob", call).then((blob) => URL.createObjectURL(blob));
      found.catch(() => this.blobs.delete(part)).finally(() => this.asked.delete(part));
    }
    this.blobs.delete(part);
    this.blobs.set(part, found);                   // the last asked for is the last in the map
    for (const old of this.blobs.keys()) {
      if (this.blobs.size <= HELD) break;
      if (this.takes.some((take) => take.part === old)) continue;
      this.blobs.get(old).then(URL.revokeObjectURL, () => {});
      this.blobs.delete(old);
    }
    return found;
  }

  // Gives the video element that holds a part, loaded.
  async take(part) {
    let take = this.takes.find((one) => one.part === part);
    if (!take) {
      take = this.takes.find((one) => one !== this.active) ?? this.takes[0];
      take.part = part;
      take.video.pause();
      take.ready = this.blob(part).then((address) => new Promise((resolve, reject) => {
        if (take.part !== part) { reject(new Error("overtaken")); return; }
        take.video.onloadeddata = () => resolve();
        take.video.onerror = () => reject(new Error(`part ${part} cannot be played: ${take.video.error?.message ?? ""}`));
        take.video.src = address;
      }));
      take.ready.catch(() => { if (take.part === part) take.part = -1; });
    }
    await take.ready;
    return take;
  }

  // Loads the part that comes next, or comes next on the way back.
  ahead(by = 1) {
    const next = this.partOf(this.frame) + by;
    if (next >= 0 && next * this.part < this.frames) this.take(next).catch(() => {});
  }

  // ---- one frame ------------------------------------------------------------------------------
  // Goes to a frame; of many wishes in a row the last one counts.
  seek(frame) {
    this.pause();
    return this.goTo(frame);
  }

  goTo(frame) {
    this.wanted = Math.max(0, Math.min(this.frames - 1, frame));
    // A browser waits for few answers at a time: those that nobody needs any more stand in the way.
    const part = this.partOf(this.wanted);
    for (const [other, call] of this.asked) if (Math.abs(other - part) > 1) call.abort();
    this.busy ??= this.settle().finally(() => { this.busy = null; });
    return this.busy;
  }

  async settle() {
    const before = this.frame;
    while (this.frame !== this.wanted || !this.exact) {
      const frame = this.wanted, part = this.partOf(frame);
      this.exact = false;
      const late = setTimeout(() => this.waiting("making this part of the preview …"), 400);
      try {
        if (!this.takes.some((take) => take.part === part)) this.still(frame);
        const take = await this.take(part);
        if (this.wanted !== frame) continue;
        await this.present(take, frame - part * this.part);
        this.active = take;
        this.exact = true;
      } catch (error) {
        if (error.message === "overtaken" || error.name === "AbortError" || this.wanted !== frame) continue;
        this.failed(error.message);
        return;
      } finally {
        clearTimeout(late);
        this.waiting("");
      }
    }
    // Who steps is not held up at a border; who leaps about does not have parts made on his way.
    clearTimeout(this.later);
    const place = (this.frame % this.part) / this.part, back = this.frame < before && place < 0.5;
    this.later = setTimeout(() => this.ahead(back ? -1 : 1), place > 0.7 || (back && place < 0.3) ? 0 : REST);
  }

  // The still is painted only while nothing better is there.
  async still(frame) {
    this.stillAsked?.abort();
    const call = this.stillAsked = new AbortController();
    try {
      const picture = await createImageBitmap(await ask(`${this.base}/frame/${frame}.jpg`, "blob", call));
      if (this.wanted === frame && !(this.exact && this.frame === frame)) this.paint(picture, frame);
    } catch { /* the part says why */ }
  }

  present(take, offset) {
    const { video } = take;
    return new Promise((resolve, reject) => {
      const end = (frame) => {
        video.onseeked = null;
        clearTimeout(limit);
        this.paint(video, frame);
        resolve();
      };
      let shown = false;
      // The middle of a frame is safe from rounding.
      const time = (offset + 0.5) / this.fps;
      const limit = setTimeout(() => reject(new Error("the browser does not show this frame")), 20000);
      video.requestVideoFrameCallback?.((_now, meta) => {
        if (shown || Math.round(meta.mediaTime * this.fps) !== offset) return;
        shown = true;
        end(take.part * this.part + offset);
      });
      // A seek to the frame that is there already presents no new one, so no callback comes.
      video.onseeked = () => setTimeout(() => {
        if (shown) return;
        shown = true;
        end(take.part * this.part + offset);
      }, 80);
      video.currentTime = time;
    });
  }

  paint(picture, frame) {
    const width = picture.videoWidth ?? picture.width, height = picture.videoHeight ?? picture.height;
    if (!width) return;
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
    }
    this.canvas.getContext("2d").drawImage(picture, 0, 0, width, height);
    this.frame = frame;
    this.painted(frame);
  }

  // ---- playing --------------------------------------------------------------------------------
  setRate(rate) {
    this.rate = rate;
    for (const { video } of this.takes) video.playbackRate = rate;
  }

  async play() {
    if (this.playing || !this.frames) return;
    this.playing = true;
    this.state();
    await this.goTo(this.frame >= this.frames - 1 ? 0 : Math.max(0, this.frame));
    if (this.playing && this.exact) this.run(this.active);
    else this.pause();
  }

  run(take) {
    const { video } = take, first = take.part * this.part;
    this.active = take;
    video.playbackRate = this.rate;
    const step = (_now, meta) => {
      if (this.active !== take || !this.playing) return;
      this.wanted = first + Math.round(meta.mediaTime * this.fps);
      this.paint(video, this.wanted);
      video.requestVideoFrameCallback(step);
    };
    video.requestVideoFrameCallback(step);
    video.onended = () => { if (this.active === take && this.playing) this.goOn(take.part + 1); };
    video.play().catch(() => this.pause());
    this.ahead();
  }

  async goOn(part) {
    if (part * this.part >= this.frames) {
      await this.seek(this.frames - 1);
      return;
    }
    this.exact = false;
    const late = setTimeout(() => this.waiting("making the next part of the preview …"), 200);
    try {
      const take = await this.take(part);
      if (!this.playing) return;
      take.video.currentTime = 0;
      this.exact = true;
      this.run(take);
    } catch (error) {
      this.pause();
      this.failed(error.message);
    } finally {
      clearTimeout(late);
      this.waiting("");
    }
  }

  pause() {
    if (!this.playing) return;
    this.playing = false;
    this.active?.video.pause();
    // The element may have gone a frame farther than was painted.
    if (this.frame >= 0) { this.exact = false; this.goTo(this.frame); }
    this.state();
  }

  toggle() { if (this.playing) this.pause(); else this.play(); }
}
