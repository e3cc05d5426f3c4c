import assert from "node:assert/strict";
import { test } from "node:test";

import { parseSettings } from "../page/settings.js";
import { describe } from "../page/statistics.js";
import { Meter } from "../src/stats/meter.js";

test("settings that make no sense are the defaults", () => {
  const defaults = parseSettings(null);
  for (const stored of ["", "null", "[]", "{", '{"scale": "huge", "devicePixels": 1}', '"text"']) {
    assert.deepEqual(parseSettings(stored), defaults);
  }
});

test("settings survive being stored", () => {
  const chosen = {
    ...parseSettings(null),
    scale: /** @type {const} */ ("fit"),
    devicePixels: true,
  };
  assert.deepEqual(parseSettings(JSON.stringify(chosen)), chosen);
});

/**
 * @param {number} at_ms
 * @param {string} codec
 * @param {number} bytes
 */
const shown = (at_ms, codec, bytes) => ({
  at_ms,
  decode_ms: at_ms / 1000,
  present_ms: 1,
  parts: [{ codec, bytes }],
});

test("the meter counts the last two seconds only", () => {
  const meter = new Meter();
  for (let at_ms = 0; at_ms < 4000; at_ms += 100) meter.frameShown(shown(at_ms, "jpeg", 1000));
  const figures = meter.read(3999);
  assert.equal(figures.frames_per_s, 10);
  assert.equal(figures.bits_per_s, 80000);
  assert.equal(meter.read(99999).frames_per_s, 0);
});

test("codecs are told by their share of the bytes", () => {
  const meter = new Meter();
  meter.frameShown(shown(1, "qoi", 250));
  meter.frameShown(shown(2, "jpeg", 750));
  assert.deepEqual(meter.read(3).codecs, [
    { codec: "jpeg", share: 0.75 },
    { codec: "qoi", share: 0.25 },
  ]);
});

test("statistics are told in words, also before there is anything to tell", () => {
  const meter = new Meter();
  const picture = { width: 1920, height: 1080 };
  const before = new Map(describe({ ...meter.read(0), picture }, ""));
  assert.equal(before.get("Round trip"), "–");
  assert.equal(before.has("Viewers"), false);
  meter.roundTrip(12.34);
  meter.frameFailed();
  const server = { frames_per_s: 1, bytes_per_s: 1, round_trip_ms: 1, encode_ms: 2.5 };
  meter.serverTold({ type: "ViewerStatistics", ...server, skipped_frames: 3, viewers: 2 });
  const after = new Map(describe({ ...meter.read(0), picture }, "websocket"));
  assert.equal(after.get("Picture"), "1920 × 1080");
  assert.equal(after.get("Round trip"), "12.3 ms");
  assert.equal(after.get("Encoding (server)"), "2.5 ms");
  assert.equal(after.get("Failed frames"), "1");
});
