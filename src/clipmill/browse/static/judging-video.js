// The page of judging plays the chosen clip: without sound, over and over, in the place of its still.
// A clip comes in parts (see clip-player.js), one after the other. That of the next clip is loaded
// while the chosen one plays. Space pauses. Who asks for less motion gets stills until space.
"use strict";
(() => {
  const LATE = 150;             // ms a clip stays chosen before it is asked for: keys may run ahead
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const list = document.querySelector(".judge-list");
  const length = Number(list.dataset.part);
  const cards = [...list.querySelectorAll("[data-clip]")];
  const videos = new Map();     // by card
  let current = null;
  let late = 0;

  const partsOf = (card) => Math.ceil(Number(card.dataset.frames) / length);
  const addressOf = (card, part) => `/clip/${card.dataset.clip}/part/${part}.mp4`;

  const tell = async (card, video) => {
    const note = card.querySelector(".judge-unplayed");
    forget(card);
    try {
      const answer = await fetch(video.src);
      note.textContent = answer.ok ? "this browser cannot play the clip" : `not played: ${(await answer.text()).slice(0, 300)}`;
    } catch { note.textContent = "the server does not answer"; }
  };

  const videoOf = (card) => {
    if (videos.has(card)) return videos.get(card);
    const video = document.createElement("video");
    const parts = partsOf(card);
    let part = 0;
    Object.assign(video, { muted: true, playsInline: true, preload: "auto", loop: parts === 1, src: addressOf(card, 0) });
    video.poster = card.querySelector("img").src;
    video.setAttribute("aria-label", "The clip, without sound. Space plays and pauses.");
    video.addEventListener("ended", () => {
      part = (part + 1) % parts;
      video.src = addressOf(card, part);
      if (card === current) video.play().catch(() => {});
    });
    video.addEventListener("playing", () => {
      card.querySelector(".judge-picture").toggleAttribute("data-still", false);
      if (parts > 1) fetch(addressOf(card, (part + 1) % parts)).catch(() => {});
      const next = cards[cards.indexOf(card) + 1];
      if (next && card === current) videoOf(next);
    });
    video.addEventListener("pause", () => {
      if (!video.ended) card.querySelector(".judge-picture").toggleAttribute("data-still", true);
    });
    video.addEventListener("error", () => tell(card, video));
    video.addEventListener("click", () => toggle(card));
    videos.set(card, video);
    card.querySelector(".judge-picture").append(video);
    return video;
  };

  const forget = (card) => {
    const video = videos.get(card);
    if (!video) return;
    videos.delete(card);
    video.remove();
  };

  const play = (card) => videoOf(card).play().catch(() => {});
  const toggle = (card) => {
    const video = videoOf(card);
    if (video.paused) play(card); else video.pause();
  };

  document.addEventListener("chosen", ({ target }) => {
    if (!cards.includes(target) || target === current) return;
    if (current) videos.get(current)?.pause();
    current = target;
    clearTimeout(late);
    const near = cards.slice(Math.max(0, cards.indexOf(target) - 1), cards.indexOf(target) + 2);
    for (const card of videos.keys()) if (!near.includes(card)) forget(card);
    if (!calm) late = setTimeout(() => play(target), videos.has(target) ? 0 : LATE);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== " " || event.ctrlKey || event.metaKey || event.altKey || !current) return;
    if (event.target.closest?.("textarea, select, input, button, a")) return;
    event.preventDefault();
    toggle(current);
  });
})();
