import { MessageDecoder, encodeMessage } from "../src/protocol/codec.js";
import { UnitReader, withLength } from "../src/transports/units.js";

/**
 * @typedef {import("../src/protocol/messages.js").ServerMessage} ServerMessage
 * @typedef {import("../src/protocol/messages.js").ClientMessage} ClientMessage
 * @typedef {(bytes: Uint8Array<ArrayBuffer>) => void} Send
 */

const TIMES = { changed_s: 1, captured_us: 0, damaged_us: 0, planned_us: 0, encoded_us: 0 };
const WELCOME = {
  ...{ type: /** @type {const} */ ("Welcome"), protocol_version: 1, server_version: "0" },
  ...{ viewer_id: 1, user_name: "", permissions: 7, desktop_name: "", codecs: [], features: [] },
  ...{ width: 9, height: 9, maximum_clipboard_bytes: 0 },
};

/** The server's end of a connection. */
class Peer {
  isDeaf = false;

  /**
   * @param {string} name  of the transport
   * @param {FakeServer} server
   * @param {{control: Send, frame: Send, close: () => void}} ways
   */
  constructor(name, server, ways) {
    this.name = name;
    this.server = server;
    this.ways = ways;
  }

  /** @param {...ServerMessage} messages */
  tell(...messages) {
    for (const message of messages) this.ways.control(encodeMessage(message));
  }

  /**
   * @param {Uint8Array<ArrayBuffer>} unit
   */
  take(unit) {
    if (this.isDeaf || this.server.isDown) return;
    for (const message of new MessageDecoder("client").receive(unit)) {
      this.server.take(/** @type {ClientMessage} */ (message), this);
    }
  }
}

/** One session of a server that keeps to the protocol, over whatever connections come. */
export class FakeServer {
  /** Keys in the order in which they came. @type {number[]} */
  keys = [];
  /** @type {{name: string, type: string}[]} */
  heard = [];
  received = 0;
  moves = 0;
  hellos = 0;
  serial = 0;
  isDown = false;
  /** For how long it keeps a question before it answers. */
  delay_ms = 0;
  /** Transports that do not open. @type {Set<string>} */
  blocked = new Set();
  /** @type {Peer | null} */
  current = null;
  /** Called before a session moves. @type {() => void} */
  moving = () => {};

  /**
   * @param {ClientMessage} message
   * @param {Peer} peer
   */
  take(message, peer) {
    if (message.type === "Hello") {
      this.hellos += 1;
      this.current = peer;
      peer.tell(WELCOME, { type: "ResumeOffer", token: "first", grace_s: 15 });
    } else if (message.type === "Attach") this.#move(peer);
    else if (peer === this.current) this.#hear(message, peer);
  }

  /** Send an empty frame. */
  show() {
    this.serial += 1;
    const { serial } = this;
    const frame = encodeMessage({
      ...{ type: "Frame", serial, width: 9, height: 9, rectangles: [], ...TIMES },
    });
    this.current?.ways.frame(frame);
  }

  /** @param {Peer} peer */
  #move(peer) {
    this.moving();
    const old = this.current;
    this.current = peer;
    this.moves += 1;
    peer.tell(
      { type: "Attached", received: this.received, next_serial: this.serial + 1 },
      { type: "ResumeOffer", token: `after move ${this.moves}`, grace_s: 15 },
    );
    old?.ways.close();
  }

  /**
   * @param {ClientMessage} message
   * @param {Peer} peer
   */
  #hear(message, peer) {
    this.heard.push({ name: peer.name, type: message.type });
    if (message.type === "KeyEvent") {
      this.received += 1;
      this.keys.push(message.keysym);
    } else if (message.type === "Ping") {
      setTimeout(() => peer.tell({ type: "Pong", token: message.token }), this.delay_ms);
    }
  }

  /**
   * Put browser interfaces in place whose other end is this server.
   * @param {import("node:test").TestContext} t
   */
  install(t) {
    const server = this;
    const values = {
      WebSocket: class extends FakeWebSocket {
        constructor() {
          super(server);
        }
      },
      WebTransport: class extends FakeWebTransport {
        constructor() {
          super(server);
        }
      },
      fetch: async () => Response.json({ url: "https://one.example/", certificate_hashes: [] }),
    };
    t.after(() => (server.isDown = true));
    for (const [name, value] of Object.entries(values)) {
      const before = Object.getOwnPropertyDescriptor(globalThis, name);
      Object.defineProperty(globalThis, name, { value, configurable: true });
      t.after(() => {
        if (before === undefined) Reflect.deleteProperty(globalThis, name);
        else Object.defineProperty(globalThis, name, before);
      });
    }
  }
}

class FakeWebSocket {
  static OPEN = 1;
  readyState = 0;
  bufferedAmount = 0;
  /** @type {() => void} */
  onopen = () => {};
  /** @type {(event: {data: ArrayBuffer}) => void} */
  onmessage = () => {};
  /** @type {(event: {reason: string}) => void} */
  onclose = () => {};

  /** @param {FakeServer} server */
  constructor(server) {
    const control = (/** @type {Uint8Array<ArrayBuffer>} */ bytes) => {
      const data = bytes.slice().buffer;
      setImmediate(() => this.readyState === 1 && !server.isDown && this.onmessage({ data }));
    };
    this.peer = new Peer("websocket", server, { control, frame: control, close: () => this.#end() });
    setImmediate(() => {
      if (server.blocked.has("websocket")) this.#end();
      else if (!server.isDown && this.readyState === 0) {
        this.readyState = 1;
        this.onopen();
      }
    });
  }

  /** @param {Uint8Array<ArrayBuffer>} bytes */
  send(bytes) {
    setImmediate(() => this.peer.take(bytes));
  }

  close() {
    this.#end();
  }

  #end() {
    if (this.readyState === 3) return;
    this.readyState = 3;
    setImmediate(() => this.onclose({ reason: "" }));
  }
}

class FakeWebTransport {
  /** @type {() => void} */
  #close = () => {};
  closed = new Promise((resolve) => (this.#close = () => resolve({ closeCode: 0 })));
  #toClient = new TransformStream();
  #streams = new TransformStream();
  #control = this.#toClient.writable.getWriter();
  #frames = this.#streams.writable.getWriter();
  incomingUnidirectionalStreams = this.#streams.readable;

  /** @param {FakeServer} server */
  constructor(server) {
    const isBlocked = server.isDown || server.blocked.has("webtransport");
    this.ready = isBlocked ? new Promise(() => {}) : Promise.resolve();
    const put = (/** @type {WritableStreamDefaultWriter<unknown>} */ writer, /** @type {unknown} */ value) => {
      if (!server.isDown && !this.peer.isDeaf) writer.write(value).catch(() => {});
    };
    this.peer = new Peer("webtransport", server, {
      control: (bytes) => put(this.#control, withLength(bytes)),
      frame: (bytes) => {
        const order = encodeMessage({
          ...{ type: "FrameOrder", serial: server.serial, after_all: false, after: [] },
        });
        put(this.#frames, new Blob([new Uint8Array([1]), order, bytes]).stream());
      },
      close: () => this.close(),
    });
    this.datagrams = {
      writable: new WritableStream({ write: (bytes) => this.peer.take(bytes.slice(8)) }),
    };
  }

  async createBidirectionalStream() {
    const units = new UnitReader();
    const write = (/** @type {Uint8Array<ArrayBuffer>} */ bytes) => {
      for (const unit of units.receive(bytes)) this.peer.take(unit);
    };
    return { readable: this.#toClient.readable, writable: new WritableStream({ write }) };
  }

  close() {
    this.#close();
    this.#control.close().catch(() => {});
    this.#frames.close().catch(() => {});
  }
}
