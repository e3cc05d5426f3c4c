import assert from "node:assert/strict";
import { test } from "node:test";

import { missingFeatures } from "../src/connection/browser_check.js";
import { ReconnectSchedule } from "../src/connection/reconnect.js";

/** @param {ReconnectSchedule} schedule */
const delays = (schedule) => Array.from({ length: 8 }, () => schedule.nextDelay_ms());

test("attempts follow ever slower, up to a limit", () => {
  const longest = [500, 1000, 2000, 4000, 8000, 15000, 15000, 15000];
  assert.deepEqual(
    delays(new ReconnectSchedule(() => 0.999999)).map((delay) => Math.round(delay / 10) * 10),
    longest,
  );
  assert.deepEqual(
    delays(new ReconnectSchedule(() => 0)),
    longest.map((delay) => delay / 2),
  );
});

test("after a good connection the first attempt follows soon again", () => {
  const schedule = new ReconnectSchedule(() => 0);
  delays(schedule);
  schedule.reset();
  assert.equal(schedule.nextDelay_ms(), 250);
});

test("what a browser lacks is named", () => {
  const scope = { Worker: 1, WebSocket: 1, createImageBitmap: 1, ResizeObserver: 1 };
  assert.deepEqual(missingFeatures(scope), ["DecompressionStream", "PointerEvent"]);
});
