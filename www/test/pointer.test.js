import assert from "node:assert/strict";
import { test } from "node:test";

import { ButtonTracker } from "../src/input/buttons.js";
import { TouchGestures } from "../src/input/touch.js";
import { WheelCounter } from "../src/input/wheel.js";

const place = { x: 5, y: 6 };

test("buttons of the browser become buttons of X11", () => {
  for (const [bit, button] of [
    [1, 1],
    [4, 2],
    [2, 3],
    [8, 8],
    [16, 9],
  ]) {
    const tracker = new ButtonTracker();
    assert.deepEqual(tracker.update(bit, place), [
      { type: "PointerButton", button, pressed: true, ...place },
    ]);
    assert.deepEqual(tracker.update(0, place), [
      { type: "PointerButton", button, pressed: false, ...place },
    ]);
  }
});

test("a button whose event was lost is told with the next one", () => {
  const tracker = new ButtonTracker();
  tracker.update(1, place);
  const told = tracker.update(2, place).map(({ button, pressed }) => [button, pressed]);
  assert.deepEqual(told, [
    [1, false],
    [3, true],
  ]);
  assert.deepEqual(tracker.update(2, place), []);
});

/**
 * @param {number} deltaY
 * @param {number} deltaMode
 * @param {number=} wheelDeltaY
 */
const wheel = (deltaY, deltaMode, wheelDeltaY) => ({ deltaX: 0, deltaY, deltaMode, wheelDeltaY });

test("one notch is 120 in every unit of the browser", () => {
  const turned = { dx: 0, dy: 120 };
  assert.deepEqual(new WheelCounter().turn(wheel(100, 0)), turned);
  assert.deepEqual(new WheelCounter().turn(wheel(3, 1)), turned);
  assert.deepEqual(new WheelCounter().turn(wheel(1, 2)), turned);
});

test("a wheel with notches is counted by its notches, however far the browser scrolls", () => {
  assert.deepEqual(new WheelCounter().turn(wheel(53, 0, -120)), { dx: 0, dy: 120 });
  assert.deepEqual(new WheelCounter().turn(wheel(-106, 0, 240)), { dx: 0, dy: -240 });
});

test("small turns of a touch pad add up without loss", () => {
  const counter = new WheelCounter();
  let sum = 0;
  for (let turn = 0; turn < 1000; turn += 1) sum += counter.turn(wheel(0.3, 0))?.dy ?? 0;
  assert.ok(Math.abs(sum - 360) <= 1, `${sum}`);
});

test("both axes turn, and an absurd turn stays within the wire's numbers", () => {
  const { dx, dy } = new WheelCounter().turn({ deltaX: 50, deltaY: 1e9, deltaMode: 0 }) ?? {};
  assert.deepEqual([dx, dy], [60, 32767]);
});

/**
 * @param {number} x
 * @param {number} y
 */
const point = (x, y) => ({ x, y, cssX: x, cssY: y });

/** @param {import("../src/input/touch.js").PointerMessage[]} messages */
const brief = (messages) =>
  messages.map((message) => {
    if (message.type === "PointerButton") return `${message.pressed ? "+" : "-"}${message.button}`;
    return message.type === "PointerMoved" ? `${message.x},${message.y}` : `wheel ${message.dy}`;
  });

test("a tap clicks where it began", () => {
  const touch = new TouchGestures();
  assert.deepEqual(brief(touch.down(1, point(10, 10), 0)), ["10,10"]);
  assert.deepEqual(brief(touch.move(1, point(12, 11))), []);
  assert.deepEqual(brief(touch.up(1, point(12, 11))), ["+1", "-1"]);
});

test("a finger that moves drags with the left button", () => {
  const touch = new TouchGestures();
  touch.down(1, point(10, 10), 0);
  assert.deepEqual(brief(touch.move(1, point(30, 10))), ["+1", "30,10"]);
  assert.deepEqual(brief(touch.move(1, point(40, 10))), ["40,10"]);
  assert.deepEqual(brief(touch.up(1, point(40, 10))), ["-1"]);
});

test("a finger that rests presses the right button until it is lifted", () => {
  const touch = new TouchGestures();
  touch.down(1, point(10, 10), 0);
  assert.deepEqual(brief(touch.waited(100)), []);
  assert.deepEqual(brief(touch.waited(TouchGestures.longPress_ms)), ["+3"]);
  assert.deepEqual(brief(touch.up(1, point(10, 10))), ["-3"]);
});

test("taps of two and three fingers are the right and the middle button", () => {
  for (const [fingers, button] of [
    [2, 3],
    [3, 2],
  ]) {
    const touch = new TouchGestures();
    for (let id = 0; id < fingers; id += 1) touch.down(id, point(id, 0), 0);
    const told = [];
    for (let id = 0; id < fingers; id += 1) told.push(...touch.up(id, point(id, 0)));
    assert.deepEqual(brief(told), [`+${button}`, `-${button}`]);
  }
});

test("two fingers scroll, the picture follows them, and no button is pressed", () => {
  const touch = new TouchGestures();
  touch.down(1, point(10, 10), 0);
  touch.down(2, point(50, 10), 0);
  assert.deepEqual(brief(touch.move(1, point(10, 40))), ["wheel -60"]);
  assert.deepEqual(brief(touch.move(2, point(50, 40))), ["wheel -60"]);
  assert.deepEqual([...touch.up(1, point(10, 40)), ...touch.up(2, point(50, 40))], []);
});

test("a touch that the browser takes away lets go of the button", () => {
  const touch = new TouchGestures();
  touch.down(1, point(10, 10), 0);
  touch.move(1, point(30, 10));
  assert.deepEqual(brief(touch.cancel(1)), ["-1"]);
  assert.deepEqual(touch.up(1, point(30, 10)), []);
});
