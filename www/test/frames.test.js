import assert from "node:assert/strict";
import { test } from "node:test";

import { FrameDecoder } from "../src/decoders/decode_frame.js";
import { DecodeError } from "../src/errors.js";
import { FramePipeline } from "../src/workers/frame_pipeline.js";

/** @typedef {import("../src/protocol/messages.js").Frame} Frame */

/**
 * A frame of one pixel each from the named decoders.
 * @param {number} serial
 * @param {...string} codecs
 * @returns {Frame}
 */
function frame(serial, ...codecs) {
  const times = { changed_s: 0, captured_us: 0, damaged_us: 0, planned_us: 0, encoded_us: 0 };
  const rectangles = codecs.map((codec, x) => ({
    ...{ operation: 0, x, y: 0, width: 1, height: 1, quality: 100 },
    codec: CODECS.indexOf(codec),
    payload: new Uint8Array([serial]),
  }));
  return { type: "Frame", serial, width: 9, height: 1, ...times, rectangles };
}

const CODECS = ["quick", "slow", "broken", "wrong", "absent", "buggy", "late"];

/** A pipeline with decoders of every temper, and what comes out of it. */
function makePipeline() {
  /** @type {(() => void)[]} */
  const waiting = [];
  /** @type {string[]} */
  const log = [];
  const pixel = () => new Uint8ClampedArray(4);
  /** @type {[string, import("../src/decoders/registry.js").ImageDecoder["decode"]][]} */
  const decoders = [
    ["quick", pixel],
    ["slow", () => new Promise((resolve) => waiting.push(() => resolve(pixel())))],
    ["wrong", () => new Uint8ClampedArray(5)],
    ["late", () => Promise.reject(new TypeError("no such thing"))],
    [
      "buggy",
      () => {
        throw new TypeError("no such thing");
      },
    ],
    [
      "broken",
      () => {
        throw new DecodeError("broken", "is cut off");
      },
    ],
  ];
  const byName = new Map(decoders.map(([codec, decode]) => [codec, { codec, decode }]));
  const pipeline = new FramePipeline({
    decoder: new FrameDecoder(CODECS, byName),
    now_ms: () => 10,
    show: (frames) => {
      const shown = frames.map(({ frame, parts }) => `${frame.serial} (${parts.length})`);
      log.push(`show ${shown.join(", ")}`);
    },
    failed: () => {},
    reply: (answer) =>
      log.push(
        answer.type === "FrameShown"
          ? `shown ${answer.serial}, ${answer.queued} queued`
          : `failed ${answer.serial}: ${answer.codec} ${answer.reason}`,
      ),
  });
  /** Let the slow decoder end its oldest piece of work. */
  const finishOne = async () => {
    waiting.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { pipeline, log, finishOne };
}

test("a frame of synchronous decoders is shown before receive returns", () => {
  const { pipeline, log } = makePipeline();
  pipeline.receive(frame(1, "quick", "quick"), 5);
  assert.deepEqual(log, ["show 1 (2)"]);
  pipeline.presented(1, 12);
  assert.deepEqual(log.slice(1), ["shown 1, 0 queued"]);
});

test("a frame is shown only when all of it is decoded", async () => {
  const { pipeline, log, finishOne } = makePipeline();
  pipeline.receive(frame(1, "slow", "quick", "slow"), 5);
  await finishOne();
  assert.deepEqual(log, []);
  await finishOne();
  assert.deepEqual(log, ["show 1 (3)"]);
});

test("a quick frame waits for a slow one before it", async () => {
  const { pipeline, log, finishOne } = makePipeline();
  pipeline.receive(frame(1, "slow"), 5);
  pipeline.receive(frame(2, "quick"), 6);
  assert.deepEqual(log, []);
  await finishOne();
  assert.deepEqual(log, ["show 1 (1), 2 (1)"]);
  pipeline.presented(2, 21);
  assert.deepEqual(log.slice(1), ["shown 1, 1 queued", "shown 2, 0 queued"]);
});

for (const [codec, reason] of [
  ["broken", "is cut off"],
  ["wrong", "gave 5 bytes for 1x1"],
  ["absent", "has no decoder here"],
  ["buggy", "TypeError: no such thing"],
  ["late", "TypeError: no such thing"],
]) {
  test(`a frame whose ${codec} part fails is not shown at all`, async () => {
    const { pipeline, log, finishOne } = makePipeline();
    pipeline.receive(frame(1, "quick", "slow", codec), 5);
    await finishOne();
    assert.deepEqual(log, [`failed 1: ${codec} ${reason}`]);
    pipeline.receive(frame(2, "quick"), 6);
    assert.deepEqual(log.slice(1), ["show 2 (1)"]);
  });
}

test("answers come in the order of the frames", async () => {
  const { pipeline, log } = makePipeline();
  pipeline.receive(frame(1, "quick"), 5);
  pipeline.receive(frame(2, "broken"), 5);
  assert.deepEqual(log, ["show 1 (1)"]);
  pipeline.presented(1, 12);
  assert.deepEqual(log.slice(1), ["shown 1, 1 queued", "failed 2: broken is cut off"]);
});

test("an answer tells how long decoding and showing took", () => {
  const { pipeline } = makePipeline();
  /** @type {unknown[]} */
  const answers = [];
  pipeline.reply = (answer) => answers.push(answer);
  pipeline.receive(frame(1, "quick"), 7.5);
  pipeline.presented(1, 12.25);
  assert.deepEqual(answers, [
    { type: "FrameShown", serial: 1, decode_us: 2500, present_us: 2250, queued: 0 },
  ]);
});

test("pictures of a failed frame are closed", async () => {
  const { pipeline } = makePipeline();
  let closed = 0;
  const image = { width: 1, height: 1, close: () => (closed += 1) };
  const decode = () => /** @type {Promise<ImageBitmap>} */ (Promise.resolve(image));
  pipeline.decoder.decoders.set("slow", { codec: "slow", decode });
  pipeline.receive(frame(1, "slow", "broken"), 5);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(closed, 1);
});
