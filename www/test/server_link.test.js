import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { test } from "node:test";

import { ServerLink } from "../src/workers/server_link.js";
import { FakeServer } from "./network.js";

const WEBSOCKET = { name: "websocket", url: "https://one.example/ws" };
const WEBTRANSPORT = { name: "webtransport", url: "https://one.example/api/plugins/webtransport" };
const NO_PEERS = {
  hasPeers: false,
  openPeer: () => {
    throw new Error("not here");
  },
};

/**
 * @param {() => boolean} isTrue
 * @param {string} what
 */
async function until(isTrue, what) {
  for (let tries = 0; !isTrue(); tries += 1) {
    assert.ok(tries < 1500, `waiting for ${what}`);
    await pause(10);
  }
}

/**
 * A session over a websocket that has shown its first frame.
 * @param {import("node:test").TestContext} t
 * @param {FakeServer} server
 * @param {boolean} judgesPath
 */
async function join(t, server, judgesPath = false) {
  server.install(t);
  /** @type {import("../src/workers/thread_messages.js").Told[]} */
  const told = [];
  const order = {
    ...{ kind: /** @type {const} */ ("connect"), connection: 1, transport: WEBSOCKET },
    ...{ better: [WEBTRANSPORT], others: [WEBTRANSPORT], judgesPath, ticket: "", hasPeers: false, decoders: [] },
    hello: {
      ...{ type: /** @type {const} */ ("Hello"), protocol_version: 1, client_name: "" },
      ...{ features: ["resume"], viewport_width: 0, viewport_height: 0 },
      ...{ pixel_ratio_percent: 100, wants_resize: false },
    },
  };
  const link = new ServerLink(order, NO_PEERS, (each) => {
    told.push(each);
    if (each.kind !== "pictures") return;
    const { serial } = each.pictures[each.pictures.length - 1];
    link.presented({
      ...{ kind: "presented", connection: 1, serial, at_ms: 0, buffers: [], slowDrawing_ms: 0 },
    });
  });
  t.after(() => link.close());
  const carriers = () => told.flatMap((each) => (each.kind === "carried" ? [each.transport] : []));
  await until(() => carriers().length > 0, "the welcome");
  server.show();
  return { link, told, carriers };
}

/**
 * @param {ServerLink} link
 * @param {number} keysym
 */
const press = (link, keysym) =>
  link.send({ type: "KeyEvent", pressed: true, keysym, code: "", locks: 0 });

/** @param {number} count */
const firstKeys = (count) => Array.from({ length: count }, (_, place) => place);

test("keys that are typed while the session moves arrive exactly once", async (t) => {
  const server = new FakeServer();
  const { link, carriers } = await join(t, server);
  let typed = 0;
  const typing = setInterval(() => press(link, typed++), 1);
  t.after(() => clearInterval(typing));
  server.moving = () => {
    for (let i = 0; i < 50; i += 1) press(link, typed++); // the old connection swallows these
  };
  await until(() => carriers().at(-1) === "webtransport", "the move");
  await until(() => server.keys.length > 100, "the keys");
  clearInterval(typing);
  await until(() => server.keys.length >= typed, "all keys");
  assert.deepEqual(server.keys, firstKeys(typed));
  assert.equal(server.hellos, 1);
});

test("frames, acknowledgements and pointer motion take the new way", async (t) => {
  const server = new FakeServer();
  const { link, told, carriers } = await join(t, server);
  await until(() => carriers().at(-1) === "webtransport", "the move");
  const shown = () => told.flatMap((each) => (each.kind === "pictures" ? each.pictures : []));
  for (let i = 0; i < 3; i += 1) server.show();
  await until(() => shown().length === 4, "the frames");
  link.send({ type: "PointerMoved", x: 1, y: 2 });
  const heard = (/** @type {string} */ type) =>
    server.heard.filter((each) => each.name === "webtransport" && each.type === type).length;
  await until(() => heard("PointerMoved") === 2, "the motion, and once more for certain");
  await until(() => heard("FrameShown") >= 9, "the acknowledgements, each several times");
});

test("a transport that does not open is told, and the session stays where it is", async (t) => {
  const server = new FakeServer();
  server.blocked.add("webtransport");
  const { link, told, carriers } = await join(t, server);
  await until(() => told.some(({ kind }) => kind === "transport_failed"), "the failure");
  assert.deepEqual(carriers(), ["websocket"]);
  press(link, 0);
  await until(() => server.keys.length === 1, "the key");
});

test("from a transport that falls silent the session goes back, with all keys", async (t) => {
  const server = new FakeServer();
  const { link, told, carriers } = await join(t, server);
  await until(() => carriers().at(-1) === "webtransport", "the move");
  server.blocked.add("webtransport");
  if (server.current !== null) server.current.isDeaf = true;
  for (const key of firstKeys(5)) press(link, key);
  await until(() => carriers().at(-1) === "websocket", "the way back");
  await until(() => server.keys.length === 5, "the keys");
  assert.deepEqual(server.keys, firstKeys(5));
  assert.ok(!told.some(({ kind }) => kind === "closed"));
});

test("a session that is cut off goes on, and tries the better transport again", async (t) => {
  const server = new FakeServer();
  const { link, carriers } = await join(t, server);
  await until(() => carriers().at(-1) === "webtransport", "the move");
  server.current?.ways.close();
  press(link, 0);
  await until(() => carriers().length === 3, "the way back");
  await until(() => carriers().at(-1) === "webtransport", "the second move");
  assert.deepEqual(server.keys, [0]);
  assert.equal(server.hellos, 1);
});

test("a session without any way is told as lost, and resumed when there is one", async (t) => {
  const server = new FakeServer();
  const { link, told, carriers } = await join(t, server);
  await until(() => carriers().at(-1) === "webtransport", "the move");
  server.blocked.add("websocket");
  server.blocked.add("webtransport");
  server.current?.ways.close();
  await until(() => told.some(({ kind }) => kind === "closed"), "the end");
  assert.ok(link.isSuspended);
  server.blocked.clear();
  await link.resume(WEBSOCKET, () => assert.fail("refused"));
  assert.deepEqual(told.filter(({ kind }) => kind === "carried").at(-1), {
    ...{ kind: "carried", transport: "websocket", isResumed: true },
  });
  assert.equal(server.hellos, 1);
});

test("near the server the session stays with the websocket", async (t) => {
  const server = new FakeServer();
  const { told, carriers } = await join(t, server, true);
  await until(() => told.filter(({ kind }) => kind === "round_trip").length > 8, "answers");
  assert.deepEqual(carriers(), ["websocket"]);
  assert.deepEqual(told.filter(({ kind }) => kind === "path_judged"), [
    { kind: "path_judged", isGood: true },
  ]);
});

test("far from the server it moves without waiting for trouble", async (t) => {
  const server = new FakeServer();
  server.delay_ms = 30;
  const { told, carriers } = await join(t, server, true);
  await until(() => carriers().at(-1) === "webtransport", "the move");
  const answers = told.slice(0, told.findIndex(({ kind }) => kind === "path_judged"));
  assert.ok(answers.filter(({ kind }) => kind === "round_trip").length <= 4);
});

test("near a server that falls silent for a while it moves once it is heard again", async (t) => {
  const server = new FakeServer();
  const { told, carriers } = await join(t, server, true);
  await until(() => told.some(({ kind }) => kind === "path_judged"), "the judgement");
  server.isDown = true;
  await new Promise((resolve) => setTimeout(resolve, 2500));
  server.isDown = false;
  await until(() => carriers().at(-1) === "webtransport", "the move");
  assert.ok(!told.some(({ kind }) => kind === "closed"));
});

test("where the websocket does not open any more a broken session goes on over another way", async (t) => {
  const server = new FakeServer();
  const { link, told, carriers } = await join(t, server, true);
  await until(() => told.some(({ kind }) => kind === "path_judged"), "the judgement");
  server.blocked.add("websocket");
  server.current?.ways.close();
  press(link, 0);
  await until(() => carriers().at(-1) === "webtransport", "the move");
  assert.deepEqual(server.keys, [0]);
  assert.ok(!told.some(({ kind }) => kind === "closed"));
});

test("after a change of the network a dead connection is replaced within a second", async (t) => {
  const server = new FakeServer();
  const { link, carriers } = await join(t, server, true);
  await until(() => carriers().length === 1, "the session");
  if (server.current !== null) server.current.isDeaf = true;
  const changed_ms = performance.now();
  link.networkChanged();
  await until(() => carriers().length === 2, "the way back");
  assert.ok(performance.now() - changed_ms < 1000);
});
