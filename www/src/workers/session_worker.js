import { ServerLink } from "./server_link.js";
import { WorkerPage } from "./worker_page.js";

const scope = /** @type {import("./thread_messages.js").WorkerScope} */ (
  /** @type {unknown} */ (globalThis)
);

/** @type {ServerLink | null} */
let link = null;
/** Attempt of the page that answers belong to. */
let connection = 0;

/**
 * @param {import("./thread_messages.js").Told} told
 * @param {Transferable[]} transfer
 */
function tell(told, transfer = []) {
  scope.postMessage({ connection, told }, transfer);
}

const page = new WorkerPage(tell);

/** @param {import("./thread_messages.js").Connect} order */
function connect(order) {
  connection = order.connection;
  page.hasPeers = order.hasPeers;
  const begin = () => {
    link?.close();
    link = new ServerLink(order, page, tell);
  };
  if (link?.isSuspended) link.resume(order.transport, begin);
  else begin();
}

scope.onmessage = ({ data }) => {
  if (data.kind === "send") link?.send(data.message);
  else if (data.kind === "presented") {
    if (data.connection === connection) link?.presented(data);
  } else if (data.kind === "connect") connect(data);
  else if (data.kind === "upgrade") link?.upgrade(data.better);
  else if (data.kind === "network_changed") link?.networkChanged();
  else if (data.kind === "peer_made") page.made(data.id, data.channels);
  else if (data.kind === "peer_failed") page.failed(data.id, data.reason);
  else if (data.mayResume) link?.suspend();
  else {
    link?.close();
    link = null;
  }
};
