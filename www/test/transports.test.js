import assert from "node:assert/strict";
import { test } from "node:test";

import { TransportMemory } from "../src/connection/transport_memory.js";
import { TransportPlan } from "../src/connection/transport_plan.js";
import { ProtocolError } from "../src/errors.js";
import { ChunkedFrames, PieceJoiner, piecesOf } from "../src/transports/chunks.js";
import { UnitReader, looseDatagram, withLength } from "../src/transports/units.js";

const MINUTE_MS = 60 * 1000;
const NO_NETWORK_NAME = "";

/** @param {...number} bytes */
const unit = (...bytes) => new Uint8Array(bytes);

/** @param {number} length */
const counted = (length) => Uint8Array.from({ length }, (_, place) => place % 251);

test("units come out of a stream as they went in, wherever it is cut", () => {
  const units = [unit(1, 2, 3), unit(), counted(1000), unit(9)];
  const stream = units.flatMap((each) => [...withLength(each)]);
  for (const step of [1, 2, 3, 5, 500, 5000]) {
    const reader = new UnitReader();
    const found = [];
    for (let place = 0; place < stream.length; place += step) {
      found.push(...reader.receive(Uint8Array.from(stream.slice(place, place + step))));
    }
    assert.deepEqual(found.map((each) => [...each]), units.map((each) => [...each]));
  }
});

test("a unit that is too long is refused before it is kept", () => {
  const reader = new UnitReader();
  assert.throws(() => [...reader.receive(unit(2, 0, 0, 0))], ProtocolError);
});

test("a loose message says its number and what was sent before it", () => {
  assert.deepEqual([...looseDatagram(258, 7, unit(42))], [0, 0, 1, 2, 0, 0, 0, 7, 42]);
});

test("long units travel in pieces", () => {
  for (const length of [0, 1, 16384, 16385, 70000]) {
    const joiner = new PieceJoiner();
    const pieces = piecesOf(counted(length));
    assert.equal(pieces.length, Math.max(Math.ceil(length / 16384), 1));
    const found = pieces.map((piece) => joiner.receive(piece));
    assert.deepEqual(found.slice(0, -1), Array(pieces.length - 1).fill(null));
    assert.deepEqual(found.at(-1), counted(length));
  }
});

/**
 * @param {number} serial
 * @param {number} index
 * @param {number} count
 * @param {...number} bytes
 */
const chunk = (serial, index, count, ...bytes) =>
  unit(0, 0, 0, serial, 0, index, 0, count, ...bytes);

test("a frame is whole once all its chunks have come, in any order and among others", () => {
  const frames = new ChunkedFrames();
  assert.equal(frames.receive(chunk(7, 2, 3, 5), 0), null);
  assert.deepEqual(frames.receive(chunk(9, 0, 1, 8, 8), 0), unit(8, 8));
  assert.equal(frames.receive(chunk(7, 0, 3, 1, 2), 0), null);
  assert.equal(frames.receive(chunk(7, 0, 3, 1, 2), 0), null); // twice
  assert.deepEqual(frames.receive(chunk(7, 1, 3, 3, 4), 0), unit(1, 2, 3, 4, 5));
});

test("chunks without sense are ignored", () => {
  const frames = new ChunkedFrames();
  for (const wrong of [unit(), unit(0, 0, 0, 1, 0, 0, 0), chunk(1, 1, 1, 2), chunk(1, 0, 0)]) {
    assert.equal(frames.receive(wrong, 0), null);
  }
  frames.receive(chunk(1, 0, 3, 1), 0);
  assert.equal(frames.receive(chunk(1, 1, 2, 1), 0), null); // another count than before
});

test("frames that lack chunks are kept for a while, and not too many of them", () => {
  const frames = new ChunkedFrames();
  for (let serial = 1; serial <= 65; serial += 1) frames.receive(chunk(serial, 0, 2, serial), 0);
  assert.equal(frames.receive(chunk(1, 1, 2, 0), 1), null); // the oldest gave way
  assert.deepEqual(frames.receive(chunk(65, 1, 2, 0), 1), unit(65, 0));
  frames.receive(chunk(200, 0, 2, 1), 10000);
  assert.equal(frames.receive(chunk(64, 1, 2, 0), 10001), null); // too old
});

/** A storage that forgets when the test ends. */
function makeStorage() {
  /** @type {Map<string, string>} */
  const kept = new Map();
  return {
    getItem: (/** @type {string} */ key) => kept.get(key) ?? null,
    setItem: (/** @type {string} */ key, /** @type {string} */ value) => void kept.set(key, value),
  };
}

test("a transport that failed is left out for a while, longer each time, until it works", () => {
  const storage = makeStorage();
  const memory = new TransportMemory("https://one.example", storage);
  const until = (/** @type {number} */ now_ms) =>
    memory.failure("webtransport", NO_NETWORK_NAME, now_ms)?.until_ms;
  assert.equal(until(0), undefined);
  memory.failed("webtransport", NO_NETWORK_NAME, "no answer", 0);
  assert.equal(until(1), 5 * MINUTE_MS);
  assert.equal(until(5 * MINUTE_MS), undefined);
  memory.failed("webtransport", NO_NETWORK_NAME, "no answer", 5 * MINUTE_MS);
  assert.equal(until(6 * MINUTE_MS), 15 * MINUTE_MS);
  for (let i = 0; i < 30; i += 1) memory.failed("webtransport", NO_NETWORK_NAME, "", 0);
  assert.equal(until(1), 24 * 60 * MINUTE_MS);
  memory.worked("webtransport", NO_NETWORK_NAME);
  assert.equal(until(1), undefined);
});

test("what failed is known to the next page, of this server and from this network alone", () => {
  const storage = makeStorage();
  new TransportMemory("https://one.example", storage).failed("webrtc", "wifi", "no way", 0);
  const again = new TransportMemory("https://one.example", storage);
  assert.equal(again.failure("webrtc", "wifi", 1)?.reason, "no way");
  assert.equal(again.failure("webrtc", "cellular", 1), null);
  assert.equal(again.failure("webtransport", "wifi", 1), null);
  assert.equal(new TransportMemory("https://two.example", storage).failure("webrtc", "wifi", 1), null);
});

test("storage that is switched off or holds nonsense does no harm", () => {
  const off = new TransportMemory("https://one.example", null);
  off.failed("webrtc", NO_NETWORK_NAME, "", 0);
  assert.equal(off.failure("webrtc", NO_NETWORK_NAME, 1), null);
  const storage = makeStorage();
  storage.setItem("kasmcore-failed-transports", '{"https://one.example": {"": {"webrtc": 5}}}');
  const odd = new TransportMemory("https://one.example", storage);
  assert.equal(odd.failure("webrtc", NO_NETWORK_NAME, 1), null);
});

const BASE = new URL("https://one.example/desk/");
const ALL = ["webtransport", "webrtc", "websocket"].map((name) => ({ name, path: `ways/${name}` }));

function makePlan() {
  return new TransportPlan(new TransportMemory(BASE.origin, makeStorage()), true);
}

/** As if this were a browser that has it. @param {import("node:test").TestContext} t */
function giveWebTransport(t) {
  Object.defineProperty(globalThis, "WebTransport", { value: class {}, configurable: true });
  t.after(() => Reflect.deleteProperty(globalThis, "WebTransport"));
}

/** @param {{name: string}[] | undefined} transports */
const names = (transports) => transports?.map(({ name }) => name);

test("it joins by websocket, and goes on over what the operator put before it", (t) => {
  const plan = makePlan();
  const made = plan.make([{ name: "carrier_pigeon", path: "" }, ...ALL], BASE, 0);
  assert.deepEqual(made?.join, { name: "websocket", url: `${BASE}ways/websocket` });
  assert.equal(made?.needsTicket, false);
  assert.deepEqual(names(made?.better), ["webrtc"]); // Node has no WebTransport
  assert.deepEqual(plan.describe()[0], {
    ...{ name: "webtransport", isUsed: false },
    reason: "this browser does not have it",
  });
  giveWebTransport(t);
  assert.deepEqual(names(plan.make(ALL, BASE, 0)?.better), ["webtransport", "webrtc"]);
  assert.deepEqual(plan.make([...ALL].reverse(), BASE, 0)?.better, []);
  assert.equal(plan.make([], BASE, 0), null);
});

test("what failed is told, and tried again later", (t) => {
  giveWebTransport(t);
  const plan = makePlan();
  plan.make(ALL, BASE, 0);
  plan.failed("webtransport", "the UDP port does not answer", 0);
  plan.carried("webrtc");
  assert.deepEqual(plan.describe(), [
    { name: "webtransport", isUsed: false, reason: "the UDP port does not answer" },
    { name: "webrtc", isUsed: true, reason: "" },
    { name: "websocket", isUsed: false, reason: "" },
  ]);
  assert.deepEqual(plan.better("webrtc", MINUTE_MS), []);
  assert.deepEqual(names(plan.better("webrtc", 5 * MINUTE_MS)), ["webtransport"]);
  const later = new TransportPlan(plan.memory, true);
  assert.deepEqual(names(later.make(ALL, BASE, MINUTE_MS)?.better), ["webrtc"]);
  assert.equal(later.describe()[0].reason, "the UDP port does not answer (some time ago)");
});

test("without a websocket, or when it does not open, it joins by ticket", () => {
  const plan = makePlan();
  const withoutFloor = plan.make(ALL.slice(0, 2), BASE, 0);
  assert.equal(withoutFloor?.join.name, "webrtc");
  assert.equal(withoutFloor?.needsTicket, true);
  plan.unreachable();
  assert.equal(plan.make(ALL, BASE, 0)?.join.name, "webrtc");
  plan.carried("webrtc");
  assert.equal(plan.make(ALL, BASE, 0)?.join.name, "websocket");
});
