import assert from "node:assert/strict";
import { test } from "node:test";

import { ENOUGH_ANSWERS, PathJudge } from "../src/workers/path_judge.js";

/**
 * What it says after answers that took so long, one a second.
 * @param {...number} roundTrips_ms
 */
function judged(...roundTrips_ms) {
  const judge = new PathJudge();
  roundTrips_ms.forEach((each, second) => judge.note(each, second * 1000));
  return judge.isGood;
}

/**
 * @param {number} roundTrip_ms
 * @param {number} times
 */
const often = (roundTrip_ms, times) => Array(times).fill(roundTrip_ms);

test("one quick answer is enough to know that the server is near", () => {
  assert.equal(judged(), null);
  assert.equal(judged(90, 30, 2), true);
  assert.equal(judged(2, ...often(12, 50)), true); // busy
});

test("a server that never answers quickly is far", () => {
  assert.equal(judged(...often(80, 2)), null);
  assert.equal(judged(...often(80, 3)), false);
  assert.equal(judged(...often(11, ENOUGH_ANSWERS - 1)), null);
  assert.equal(judged(...often(11, ENOUGH_ANSWERS)), false);
});

test("a way that has become long is noticed", () => {
  assert.equal(judged(1, ...often(40, 59)), true);
  assert.equal(judged(1, ...often(40, 130)), false);
});

test("answers that are held up now and then are trouble, single ones are not", () => {
  assert.equal(judged(2, 210, 2, 90, 2), true);
  assert.equal(judged(2, 210, 2, 90, 2, 210), false);
  assert.equal(judged(2, 210, ...often(2, 30), 210, ...often(2, 30), 210), true);
});

test("after a silence the way is bad, whatever comes later", () => {
  const judge = new PathJudge();
  judge.note(1, 0);
  judge.silent();
  judge.note(1, 1000);
  assert.equal(judge.isGood, false);
});
