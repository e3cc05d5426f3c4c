"""A page that draws a `VideoFrame` slowly, as browsers without a GPU do, and counts."""

from __future__ import annotations

SLOW_DRAWING = """
const { drawImage, putImageData } = CanvasRenderingContext2D.prototype;
globalThis.drawn = { frames: 0, pixels: 0 };
CanvasRenderingContext2D.prototype.drawImage = function (image, ...rest) {
  drawImage.call(this, image, ...rest);
  if (!(image instanceof VideoFrame)) return;
  drawn.frames += 1;
  const end = performance.now() + 30;
  while (performance.now() < end);
};
CanvasRenderingContext2D.prototype.putImageData = function (...all) {
  drawn.pixels += 1;
  putImageData.apply(this, all);
};
"""
