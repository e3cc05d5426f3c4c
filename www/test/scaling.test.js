import assert from "node:assert/strict";
import { test } from "node:test";

import { layOut, naturalScale, toFramebuffer, wantedSize } from "../src/display/scaling.js";

/**
 * @param {Partial<Parameters<typeof layOut>[0]>} given
 */
const laidOut = (given) =>
  layOut({
    framebuffer: { width: 1920, height: 1080 },
    viewport: { width: 1920, height: 1080 },
    ratio: 1,
    mode: "resize",
    usesDevicePixels: false,
    ...given,
  });

test("a desktop as large as the window is shown pixel by pixel", () => {
  const whole = { left: 0, top: 0, width: 1920, height: 1080, isPixelated: true };
  assert.deepEqual(laidOut({}), whole);
});

test("natural size is always a whole number of device pixels", () => {
  const scales = [0.5, 0.9, 1, 1.25, 1.5, 1.99, 2, 2.625, 3].map((ratio) =>
    naturalScale(ratio, false),
  );
  assert.deepEqual(scales, [1, 1, 1, 1, 1, 2, 2, 2, 3]);
  assert.equal(naturalScale(3, true), 1);
});

test("the wanted size fills the window at natural size", () => {
  const viewport = { width: 2881, height: 1801 };
  assert.deepEqual(wantedSize(viewport, naturalScale(2, false)), { width: 1440, height: 900 });
  assert.deepEqual(wantedSize(viewport, naturalScale(2, true)), viewport);
});

test("the wanted size stays within limits", () => {
  assert.deepEqual(wantedSize({ width: 10, height: 99999 }, 1), { width: 64, height: 16384 });
});

test("on a fine screen each desktop pixel is a square of device pixels", () => {
  const layout = laidOut({
    framebuffer: { width: 1440, height: 900 },
    viewport: { width: 2880, height: 1800 },
    ratio: 2,
  });
  assert.deepEqual(layout, { left: 0, top: 0, width: 1440, height: 900, isPixelated: true });
});

test("a smaller desktop lies in the middle, on whole device pixels", () => {
  const layout = laidOut({ framebuffer: { width: 1023, height: 767 }, ratio: 1.5 });
  assert.equal((layout.left * 1.5) % 1, 0);
  assert.equal((layout.top * 1.5) % 1, 0);
  assert.equal(layout.width * 1.5, 1023);
  assert.equal(layout.isPixelated, true);
});

test("a larger desktop is scaled down into the window", () => {
  const layout = laidOut({ framebuffer: { width: 3840, height: 1080 } });
  assert.deepEqual(layout, { left: 0, top: 270, width: 1920, height: 540, isPixelated: false });
});

test("fit fills the window, and is sharp when that takes whole pixels", () => {
  const framebuffer = { width: 640, height: 360 };
  assert.deepEqual(laidOut({ framebuffer, mode: "fit" }).isPixelated, true);
  const uneven = laidOut({ framebuffer: { width: 1000, height: 360 }, mode: "fit" });
  assert.deepEqual([uneven.width, uneven.isPixelated], [1920, false]);
});

test("natural size is kept when the window is smaller", () => {
  const layout = laidOut({ viewport: { width: 800, height: 600 }, mode: "native" });
  assert.deepEqual([layout.left, layout.top, layout.width], [0, 0, 1920]);
});

test("every point of the picture is a desktop pixel, also just outside", () => {
  const box = { left: 100, top: 50, width: 960, height: 540 };
  const framebuffer = { width: 1920, height: 1080 };
  /**
   * @param {number} x
   * @param {number} y
   */
  const pixel = (x, y) => Object.values(toFramebuffer({ x, y }, box, framebuffer));
  assert.deepEqual(pixel(100, 50), [0, 0]);
  assert.deepEqual(pixel(580, 320), [960, 540]);
  assert.deepEqual(pixel(1059.9, 589.9), [1919, 1079]);
  assert.deepEqual(pixel(0, 5000), [0, 1079]);
});
