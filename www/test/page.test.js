import assert from "node:assert/strict";
import { test } from "node:test";

import { clientOptions, parseSettings } from "../page/settings.js";
import { describe } from "../page/statistics.js";
import { CodecMemory } from "../src/connection/codec_memory.js";
import { NO_WISHES, hasWishes, pictureSettings } from "../src/connection/picture_wishes.js";
import { Meter } from "../src/stats/meter.js";
import { RecentLeast } from "../src/stats/recent_least.js";

test("settings that make no sense are the defaults", () => {
  const defaults = parseSettings(null);
  for (const stored of ["", "null", "[]", "{", '{"scale": "huge", "devicePixels": 1}', '"text"']) {
    assert.deepEqual(parseSettings(stored), defaults);
  }
});

test("wishes about the picture are told apart from the page's own settings", () => {
  const { picture, scale } = clientOptions(parseSettings('{"video": "off", "quality": "best"}'));
  assert.deepEqual(picture, { ...NO_WISHES, video: "off" });
  assert.equal(scale, "resize");
  assert.equal("picture" in clientOptions({ scale: "fit" }), false);
  assert.deepEqual(clientOptions({ exactAtRest: false }), { picture: { exactAtRest: false } });
});

test("wishes become what the protocol says", () => {
  assert.equal(hasWishes({ ...NO_WISHES }), false);
  const wishes = { ...NO_WISHES, frameRate: /** @type {const} */ ("30"), exactAtRest: false };
  assert.equal(hasWishes(wishes), true);
  assert.deepEqual(pictureSettings(wishes), {
    type: "PictureSettings",
    max_frame_rate: 30,
    min_quality: 255,
    max_quality: 255,
    video: 0,
    exact_at_rest: false,
  });
});

test("settings survive being stored", () => {
  const chosen = {
    ...parseSettings(null),
    scale: /** @type {const} */ ("fit"),
    devicePixels: true,
  };
  assert.deepEqual(parseSettings(JSON.stringify(chosen)), chosen);
});

const SERVER_TIMES = {
  changed_s: 50,
  captured_us: 1000,
  damaged_us: 1500,
  planned_us: 1700,
  encoded_us: 4700,
};

/**
 * @param {number} at_ms
 * @param {string} codec
 * @param {number} bytes
 */
const shown = (at_ms, codec, bytes) => ({
  at_ms,
  received_ms: at_ms - 5,
  decoded_ms: at_ms - 2,
  server: { ...SERVER_TIMES, changed_s: at_ms / 1000 },
  parts: [{ codec, bytes, width: 10, height: 10 }],
});

test("the meter counts the last two seconds only", () => {
  const meter = new Meter();
  for (let at_ms = 0; at_ms < 4000; at_ms += 100) meter.frameShown(shown(at_ms, "jpeg", 1000));
  const figures = meter.read(3999);
  assert.equal(figures.frames_per_s, 10);
  assert.equal(figures.bits_per_s, 80000);
  assert.equal(meter.read(99999).frames_per_s, 0);
});

test("codecs are told by their share of the bytes and of the area", () => {
  const meter = new Meter();
  meter.frameShown(shown(1, "qoi", 250));
  meter.frameShown(shown(2, "jpeg", 750));
  meter.frameShown(shown(2, "copy", 4));
  meter.frameShown(shown(2, "copy", 4));
  const figures = meter.read(3);
  assert.deepEqual(figures.codecs, [
    { codec: "jpeg", share: 0.75, areaShare: 0.25 },
    { codec: "qoi", share: 0.25, areaShare: 0.25 },
  ]);
  assert.equal(figures.copies, 1);
  assert.equal(figures.copiedShare, 0.5);
});

test("the stages of a frame add up to its latency", () => {
  const meter = new Meter();
  meter.pathMeasured({ round_trip_ms: 8, loss: null }, 0);
  meter.frameShown(shown(500, "jpeg", 10));
  for (const late_ms of [0, 20, 0]) {
    const frame = shown(1000, "jpeg", 10);
    frame.server.changed_s = (1000 - late_ms) / 1000;
    meter.frameShown(frame);
  }
  const { stages, latency } = meter.read(1001);
  /** @param {"p50_ms" | "p95_ms"} which */
  const of = (which) => Object.fromEntries(stages.map((each) => [each.stage, each[which]]));
  const rounded = Object.entries(of("p50_ms")).map(([stage, ms]) => [stage, +ms.toFixed(6)]);
  assert.deepEqual(rounded, [
    ["capture", 1],
    ["damage", 0.5],
    ["plan", 0.2],
    ["encode", 3],
    ["network", 4],
    ["decode", 3],
    ["present", 2],
  ]);
  assert.equal(of("p95_ms").network.toFixed(6), "24.000000");
  assert.equal(latency?.p50_ms.toFixed(6), "13.700000");
  assert.equal(latency?.p95_ms.toFixed(6), "33.700000");
});

test("a first picture of a desktop that changed long ago tells no latency", () => {
  const meter = new Meter();
  for (const begin of [() => meter.connected(), () => meter.moved()]) {
    begin();
    const first = shown(1000, "jpeg", 10);
    first.server.changed_s = 0.1;
    for (let part = 0; part < 2; part += 1) meter.frameShown(first);
    assert.equal(meter.read(1001).latency, null);
    assert.deepEqual(meter.read(1001).stages, []);
  }
  meter.frameShown(shown(2000, "jpeg", 10));
  const { latency, frames_per_s } = meter.read(2001);
  assert.ok(latency !== null && latency.p95_ms < 15);
  assert.equal(frames_per_s, 2.5);
});

test("the least is that of the last minutes only", () => {
  const least = new RecentLeast();
  assert.equal(least.value, 0);
  least.note(5, 0);
  least.note(9, 61000);
  assert.equal(least.value, 5);
  least.note(9, 122001);
  assert.equal(least.value, 9);
});

test("statistics are told in words, also before there is anything to tell", () => {
  const meter = new Meter();
  const picture = { width: 1920, height: 1080 };
  const transports = [
    { name: "webtransport", isUsed: false, reason: "the UDP port does not answer" },
    { name: "webrtc", isUsed: false, reason: "" },
    { name: "websocket", isUsed: true, reason: "" },
  ];
  const before = new Map(describe({ ...meter.read(0), picture, transports: [] }, ""));
  assert.equal(before.get("Round trip"), "–");
  assert.equal(before.has("Viewers"), false);
  meter.pathMeasured({ round_trip_ms: 12.34, loss: 0.0213 }, 0);
  meter.frameLost();
  meter.frameFailed();
  const server = { frames_per_s: 1, bytes_per_s: 1, round_trip_ms: 1, encode_ms: 2.5 };
  meter.serverTold({ type: "ViewerStatistics", ...server, skipped_frames: 3, viewers: 2 });
  meter.frameShown(shown(1, "jpeg", 100));
  meter.frameShown(shown(2, "copy", 4));
  const after = new Map(describe({ ...meter.read(3), picture, transports }, "websocket"));
  assert.equal(after.get("Picture"), "1920 × 1080");
  assert.equal(after.get("Round trip"), "12.3 ms");
  assert.equal(after.get("– encoding"), "3.0 / 3.0 ms");
  assert.equal(after.get("Failed frames"), "1");
  assert.equal(after.get("Lost packets"), "2.1 %");
  assert.equal(after.get("Lost frames"), "1");
  assert.equal(after.get("Connection"), "websocket");
  assert.equal(after.get("– not webtransport"), "the UDP port does not answer");
  assert.equal(after.has("– not webrtc"), false);
  const codecs = after.get("Codecs, of data / of area");
  assert.equal(codecs, "jpeg 100 % / 50 %, 0.5 copies a second / 50 %");
});

/** Storage that forgets nothing. */
function makeStorage() {
  /** @type {Map<string, string>} */
  const stored = new Map();
  return {
    getItem: (/** @type {string} */ key) => stored.get(key) ?? null,
    setItem: (/** @type {string} */ key, /** @type {string} */ value) => void stored.set(key, value),
  };
}

const DAY_MS = 24 * 3600 * 1000;

test("a codec that fails three times in a minute is left out for a day, on that server", () => {
  const storage = makeStorage();
  const memory = new CodecMemory("https://a", storage, 1000);
  assert.deepEqual(
    [1000, 2000, 3000, 4000].map((at_ms) => memory.failed("h264", at_ms)),
    [false, false, true, false],
  );
  assert.ok(memory.isLeftOut("h264"));
  assert.ok(!memory.isLeftOut("jpeg"));
  assert.ok(new CodecMemory("https://a", storage, 5000).isLeftOut("h264"));
  assert.ok(!new CodecMemory("https://b", storage, 5000).isLeftOut("h264"));
  assert.ok(!new CodecMemory("https://a", storage, 3001 + DAY_MS).isLeftOut("h264"));
});

test("failures far apart are forgiven, and nonsense in the storage is no memory", () => {
  const memory = new CodecMemory("https://a", null, 0);
  const failed = [0, 61000, 122000, 183000].map((at_ms) => memory.failed("h264", at_ms));
  assert.deepEqual(failed, [false, false, false, false]);
  for (const stored of ["", "null", "[]", "{", '{"https://a": 5}', '{"https://a": {"h264": "x"}}']) {
    const storage = { getItem: () => stored, setItem: () => {} };
    assert.ok(!new CodecMemory("https://a", storage, 0).isLeftOut("h264"));
  }
});
