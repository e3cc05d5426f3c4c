import { ClientError, LoginRequiredError, RefusedError } from "../errors.js";
import { missingFeatures } from "./browser_check.js";
import { findStorage } from "./browser_storage.js";
import { Peers, hasPeers } from "./peers.js";
import { ReconnectSchedule } from "./reconnect.js";
import { fetchServerInfo } from "./server_info.js";
import { fetchTicket } from "./ticket.js";
import { TransportMemory } from "./transport_memory.js";
import { TransportPlan } from "./transport_plan.js";

/**
 * @typedef {import("../workers/thread_messages.js").FromWorker} FromWorker
 * @typedef {import("../workers/thread_messages.js").Told} Told
 * @typedef {import("../workers/thread_messages.js").Closed} Closed
 * @typedef {import("../workers/thread_messages.js").HelloWithoutCodecs} HelloWithoutCodecs
 * @typedef {import("../workers/thread_messages.js").OpenPeer} OpenPeer
 * @typedef {import("../workers/thread_messages.js").ClosePeer} ClosePeer
 * @typedef {import("../workers/thread_messages.js").PathJudged} PathJudged
 * @typedef {import("../workers/thread_messages.js").TransportFailed} TransportFailed
 */

/**
 * What the worker tells and the client takes.
 * @typedef {Exclude<Told, Closed | OpenPeer | ClosePeer | PathJudged | TransportFailed>} ToldToClient
 */

/**
 * idle: not asked to connect; waiting: trying again at `retryAt_ms`; login: somebody must sign in;
 * ended: `connect` alone brings it back.
 * @typedef {"idle" | "connecting" | "connected" | "waiting" | "login" | "ended"} StateName
 */

/**
 * @typedef {object} ConnectionState
 * @property {StateName} name
 * @property {string} reason  why it is so, for the person; empty when there is nothing to say
 * @property {number} retryAt_ms  by the clock of Date.now; 0 unless waiting
 */

/** A connection that held this long was a good one. */
const GOOD_AFTER_MS = 5000;
/** How often to look whether a transport that failed is worth another try. */
const RECONSIDER_MS = 60000;

/** Keeps one connection up: asks the server, starts the worker, comes back when it breaks off. */
export class Supervisor {
  /** @type {Worker | null} */
  #worker = null;
  #schedule = new ReconnectSchedule();
  #connection = 0;
  #timer = 0;
  #connectedAt_ms = 0;
  #plan;
  #peers;
  #reconsidering = 0;
  /** @type {ConnectionState} */
  #state = { name: "idle", reason: "", retryAt_ms: 0 };

  /**
   * @param {object} wiring
   * @param {URL} wiring.base  the server's root
   * @param {() => HelloWithoutCodecs} wiring.makeHello  asked at each connection
   * @param {(codec: string) => boolean} wiring.isLeftOut  true: this codec is not offered
   * @param {(told: ToldToClient) => void} wiring.receive
   * @param {(state: ConnectionState) => void} wiring.stateChanged
   * @param {(info: import("./server_info.js").ServerInfo) => void} wiring.informed
   */
  constructor({ base, makeHello, isLeftOut, receive, stateChanged, informed }) {
    this.base = base;
    this.makeHello = makeHello;
    this.isLeftOut = isLeftOut;
    this.receive = receive;
    this.stateChanged = stateChanged;
    this.informed = informed;
    this.#plan = new TransportPlan(new TransportMemory(base.origin, findStorage()), hasPeers());
    this.#peers = new Peers({
      made: (id, channels) =>
        this.#tell({ kind: "peer_made", id, channels }, Object.values(channels)),
      failed: (id, reason) => this.#tell({ kind: "peer_failed", id, reason }),
    });
    this.#reconsidering = Number(setInterval(() => this.reconsider(), RECONSIDER_MS));
  }

  /** Name of the transport in use; empty before the first connection. */
  get transport() {
    return this.#plan.used;
  }

  /** Which transport is used, and why the others are not. */
  get transports() {
    return this.#plan.describe();
  }

  /** Try a better transport again if its time has come. */
  reconsider() {
    if (this.#state.name !== "connected") return;
    const better = this.#plan.better(this.#plan.used, Date.now());
    if (better.length > 0) this.#tell({ kind: "upgrade", better });
  }

  /** The browser's network is another one: see at once whether the connection has survived. */
  networkChanged() {
    this.#tell({ kind: "network_changed" });
    this.reconsider();
  }

  get state() {
    return this.#state;
  }

  /** Connect now, whatever is going on; also "try again now". */
  connect() {
    this.#stop();
    const missing = missingFeatures(globalThis);
    if (missing.length > 0) {
      const lacks = `This browser is too old for this desktop: it lacks ${missing.join(", ")}.`;
      this.#enter("ended", `${lacks} Use a current Chromium, Firefox or Safari.`);
      return;
    }
    this.#enter("connecting");
    this.#attempt(this.#connection);
  }

  /** End the connection and stay away. */
  disconnect() {
    this.#stop(false);
    this.#enter("idle");
  }

  /** @param {import("../protocol/messages.js").ClientMessage} message */
  send(message) {
    if (this.#state.name === "connected") this.#tell({ kind: "send", message });
  }

  /** @param {import("../workers/thread_messages.js").Shown} shown */
  presented(shown) {
    const message = { kind: /** @type {const} */ ("presented"), connection: this.#connection };
    this.#tell({ ...message, ...shown }, shown.buffers);
  }

  /** Release the worker; the supervisor cannot be used afterwards. */
  dispose() {
    this.#stop(false);
    clearInterval(this.#reconsidering);
    this.#dropWorker();
  }

  #dropWorker() {
    this.#worker?.terminate();
    this.#worker = null;
    this.#peers.closeAll();
  }

  /** @param {boolean} mayResume  the next attempt may go on with the session */
  #stop(mayResume = true) {
    clearTimeout(this.#timer);
    this.#connection += 1;
    this.#tell({ kind: "disconnect", mayResume });
  }

  /** @param {number} connection  the attempt is void once another one has begun */
  async #attempt(connection) {
    try {
      this.#startWorker();
      const info = await fetchServerInfo(this.base);
      if (connection !== this.#connection) return;
      this.informed(info);
      const order = await this.#order(info);
      if (connection === this.#connection) this.#tell(order);
    } catch (error) {
      if (connection !== this.#connection) return;
      if (!(error instanceof ClientError)) throw error;
      if (error instanceof LoginRequiredError) this.#enter("login", error.message);
      else if (error instanceof RefusedError) this.#enter("ended", error.message);
      else this.#wait(error.message);
    }
  }

  #startWorker() {
    if (this.#worker !== null) return;
    const url = new URL("../workers/session_worker.js", import.meta.url);
    try {
      this.#worker = new Worker(url, { type: "module", name: "kasmcore session" });
    } catch {
      const rule = "The page must lie on the same origin as the client that it loads.";
      throw new RefusedError(`The browser does not start the client's worker ${url.href}.`, rule);
    }
    this.#worker.onmessage = ({ data }) => this.#receive(data);
    this.#worker.onerror = ({ message = "" }) => {
      this.#stop();
      this.#dropWorker();
      this.#enter(
        "ended",
        `The client broke down (${message || "it did not load"}). Reload the page.`,
      );
    };
  }

  /**
   * @param {import("./server_info.js").ServerInfo} info
   * @returns {Promise<import("../workers/thread_messages.js").Connect>}
   */
  async #order(info) {
    const connection = this.#connection;
    const mayUpgrade = info.upgrade !== "never";
    const plan = this.#plan.make(info.transports, this.base, Date.now(), mayUpgrade);
    if (plan === null) {
      throw new RefusedError("The server offers no way to connect that this client knows.");
    }
    return {
      kind: "connect",
      connection,
      transport: plan.join,
      others: plan.others,
      better: plan.better,
      judgesPath: info.upgrade !== "always",
      ticket: plan.needsTicket ? await fetchTicket(this.base) : "",
      hasPeers: hasPeers(),
      decoders: Object.entries(info.decoders)
        .filter(([codec]) => !this.isLeftOut(codec))
        .map(([codec, url]) => ({
          codec,
          url: url === null ? null : new URL(url, this.base).href,
        })),
      hello: this.makeHello(),
    };
  }

  /**
   * @param {import("../workers/thread_messages.js").ToWorker} message
   * @param {Transferable[]} transfer
   */
  #tell(message, transfer = []) {
    this.#worker?.postMessage(message, transfer);
  }

  /** @param {FromWorker} message */
  #receive({ connection, told }) {
    if (told.kind === "close_peer") this.#peers.close(told.id);
    if (connection !== this.#connection || told.kind === "close_peer") return;
    if (told.kind === "closed") this.#closed(told);
    else if (told.kind === "open_peer") this.#peers.open(told.id, told.url);
    else if (told.kind === "path_judged") this.#plan.judged(told.isGood);
    else if (told.kind === "transport_failed") {
      this.#plan.failed(told.transport, told.reason, Date.now());
    } else {
      if (told.kind === "carried") this.#plan.carried(told.transport);
      const isResumed = told.kind === "carried" && told.isResumed;
      const isWelcome = told.kind === "message" && told.message.type === "Welcome";
      if (isResumed || isWelcome) {
        this.#connectedAt_ms = Date.now();
        this.#enter("connected");
      }
      this.receive(told);
    }
  }

  /** @param {Closed} closed */
  #closed({ cause, reason }) {
    const wasGood = Date.now() - this.#connectedAt_ms > GOOD_AFTER_MS;
    if (this.#state.name === "connected" && wasGood) this.#schedule.reset();
    if (cause === "unreachable") this.#plan.unreachable();
    if (cause === "refused") this.#enter("ended", reason || "The server ended the connection.");
    else if (cause === "protocol") {
      this.#enter(
        "ended",
        `Client and server do not understand each other (${reason}). Reload the page.`,
      );
    } else this.#wait(describe(cause, reason));
  }

  /** @param {string} reason */
  #wait(reason) {
    const delay_ms = this.#schedule.nextDelay_ms();
    this.#enter("waiting", reason, Date.now() + delay_ms);
    this.#timer = Number(setTimeout(() => this.connect(), delay_ms));
  }

  /**
   * @param {StateName} name
   * @param {string} reason
   * @param {number} retryAt_ms
   */
  #enter(name, reason = "", retryAt_ms = 0) {
    this.#state = { name, reason, retryAt_ms };
    this.stateChanged(this.#state);
  }
}

/**
 * @param {Closed["cause"]} cause
 * @param {string} reason
 */
function describe(cause, reason) {
  if (cause === "farewell" && reason) return reason;
  const why = reason ? ` (${reason})` : "";
  if (cause === "unreachable") {
    return `The server's connection for pictures does not open${why}. A proxy in between must let WebSockets through.`;
  }
  return `The connection broke off${why}.`;
}
