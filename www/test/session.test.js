import assert from "node:assert/strict";
import { test } from "node:test";

import { ControlRing } from "../src/workers/control_ring.js";
import { LooseMessages } from "../src/workers/loose_messages.js";
import { visibleRest } from "../src/workers/visible_rest.js";

/** @param {number} first */
const message = (first) => new Uint8Array([first]);

/** @param {Uint8Array[] | null} messages */
const firsts = (messages) => messages?.map(([first]) => first) ?? null;

test("what the server lacks is sent again, in order", () => {
  const ring = new ControlRing();
  assert.deepEqual(ring.after(0), []);
  for (const first of [1, 2, 3]) ring.note(message(first));
  assert.deepEqual(firsts(ring.after(0)), [1, 2, 3]);
  assert.deepEqual(firsts(ring.after(2)), [3]);
  assert.deepEqual(ring.after(3), []);
});

test("a server that lacks what is no longer kept, or has more than was sent, is not followed", () => {
  const ring = new ControlRing();
  for (let i = 0; i < 513; i += 1) ring.note(message(i));
  assert.equal(ring.after(0), null);
  assert.equal(ring.after(1)?.length, 512);
  assert.equal(ring.after(514), null);
});

test("large messages push older ones out", () => {
  const ring = new ControlRing();
  for (let i = 0; i < 20; i += 1) ring.note(new Uint8Array(4096));
  assert.equal(ring.after(3), null);
  assert.equal(ring.after(4)?.length, 16);
});

for (const { what, cover, rest } of [
  { what: "a hole in the middle leaves four", cover: [2, 2, 2, 2], rest: 32 },
  { what: "a corner leaves two", cover: [4, 4, 9, 9], rest: 32 },
  { what: "a half leaves one", cover: [0, 0, 3, 9], rest: 18 },
  { what: "all leaves none", cover: [-1, -1, 9, 9], rest: 0 },
]) {
  test(`of a rectangle, ${what}`, () => {
    const [x, y, width, height] = cover;
    const left = visibleRest({ x: 0, y: 0, width: 6, height: 6 }, [{ x, y, width, height }]);
    const area = left?.reduce((sum, each) => sum + each.width * each.height, 0);
    assert.equal(area, rest);
  });
}

test("a rectangle that nothing touches stays as it is", () => {
  const rectangle = { x: 0, y: 0, width: 6, height: 6 };
  assert.equal(visibleRest(rectangle, [{ x: 6, y: 0, width: 6, height: 6 }]), null);
  assert.equal(visibleRest(rectangle, []), null);
});

/** Loose messages, and what was sent: ~ loosely, ! surely. */
function makeLoose() {
  /** @type {string[]} */
  const log = [];
  const loose = new LooseMessages((surely) => log.push(`!${surely}`));
  const send = (/** @type {Uint8Array} */ unit) => void log.push(`~${unit}`);
  return { loose, log, send };
}

test("motion is sent loosely, and its end for certain", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { loose, log, send } = makeLoose();
  loose.motion(message(1), send);
  t.mock.timers.tick(50);
  loose.motion(message(2), send);
  t.mock.timers.tick(50);
  assert.deepEqual(log, ["~1", "~2"]);
  t.mock.timers.tick(50);
  assert.deepEqual(log, ["~1", "~2", "!2"]);
  t.mock.timers.tick(1000);
  assert.equal(log.length, 3);
});

test("motion that a button's place replaces is not repeated", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { loose, log, send } = makeLoose();
  loose.motion(message(1), send);
  loose.forgetMotion();
  t.mock.timers.tick(1000);
  assert.deepEqual(log, ["~1"]);
});

test("the next connection is told the newest place, unless a button told it", () => {
  const { loose, log } = makeLoose();
  loose.motion(message(1), null);
  loose.motion(message(2), null);
  assert.deepEqual(log, ["!1", "!2"]);
  loose.moved();
  assert.deepEqual(log, ["!1", "!2", "!2"]);
  loose.forgetMotion();
  loose.moved();
  assert.equal(log.length, 3);
});

test("each acknowledgement is said eight times, the last ones for certain", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { loose, log, send } = makeLoose();
  for (let i = 1; i <= 10; i += 1) loose.shown(message(i), send);
  assert.equal(log[0], "~1");
  assert.equal(log[1], "~1,2");
  assert.equal(log[9], "~3,4,5,6,7,8,9,10");
  t.mock.timers.tick(100);
  assert.deepEqual(log.slice(10), ["!3", "!4", "!5", "!6", "!7", "!8", "!9", "!10"]);
  loose.shown(message(11), send);
  t.mock.timers.tick(100);
  assert.deepEqual(log.slice(-2), ["~4,5,6,7,8,9,10,11", "!11"]);
  loose.shown(message(12), send);
  loose.moved();
  t.mock.timers.tick(100);
  assert.deepEqual(log.at(-1), "~5,6,7,8,9,10,11,12");
});
