"""What a test asks the page of a clip whose frames show their number (`counted_clips`)."""

from chromium_page import ChromiumPage
from counted_clips import READ_NUMBER

STATE = "(document.documentElement?.dataset ?? {})"
COUNTER = "document.getElementById('counter').textContent"
PAINTED = """(() => {
  const canvas = document.getElementById("overlay");
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let count = 0;
  for (let k = 3; k < data.length; k += 4) count += data[k] > 0;
  return count;
})()"""
"""Gives the pixels that the layers have drawn."""


def settle(page: ChromiumPage, frame: int) -> None:
    """Wait until a frame and its layers are shown, and its part has been decoded.

    The number that is drawn into the picture must be that of the counter.
    """
    page.wait_for(f"{STATE}.frame === '{frame}' && {STATE}.layers === '{frame}'")
    page.wait_for("document.getElementById('waiting').hidden")
    assert page.evaluate(READ_NUMBER) == frame
    assert page.evaluate(COUNTER).startswith(f"frame {frame} of ")
