import { SUBPROTOCOL } from "../protocol/messages.js";

export const name = "websocket";

/** Bulk data waits while this much is still on its way, so that input never queues behind it. */
const BULK_BACKLOG_BYTES = 32 * 1024;
const BULK_RETRY_MS = 4;
/** Close code of our own: anything but 1000 and 1001 says that the session is not over. */
const GOING_ON_ELSEWHERE = 4000;

export const isSupported = () => true;

/**
 * Open a WebSocket; all lanes share it, bulk messages give way to the others.
 * @type {import("./open.js").OpenTransport}
 */
export function open(url, { opened, received, closed }) {
  const address = new URL(url);
  address.protocol = address.protocol.replace("http", "ws");
  const socket = new WebSocket(address, [SUBPROTOCOL]);
  socket.binaryType = "arraybuffer";
  /** @type {Uint8Array<ArrayBuffer>[]} */
  const bulk = [];
  let bulkTimer = 0;

  const sendBulk = () => {
    bulkTimer = 0;
    while (bulk.length > 0 && socket.bufferedAmount < BULK_BACKLOG_BYTES) {
      socket.send(/** @type {Uint8Array<ArrayBuffer>} */ (bulk.shift()));
    }
    if (bulk.length > 0 && socket.readyState === WebSocket.OPEN) {
      bulkTimer = Number(setTimeout(sendBulk, BULK_RETRY_MS));
    }
  };

  socket.onopen = opened;
  socket.onmessage = ({ data }) => {
    if (data instanceof ArrayBuffer) received(new Uint8Array(data), "all");
    else socket.close(1003, "only binary messages");
  };
  socket.onclose = ({ reason }) => {
    clearTimeout(bulkTimer);
    closed(reason);
  };
  return {
    send(lane, message) {
      if (socket.readyState !== WebSocket.OPEN) return;
      if (lane === "bulk") bulk.push(message);
      else socket.send(message);
      if (bulk.length > 0 && bulkTimer === 0) sendBulk();
    },
    sendLoose: null,
    isUnordered: false,
    losesFrames: false,
    get hasBulk() {
      return bulk.length > 0;
    },
    readLoss: async () => null,
    close: (mayResume) => socket.close(mayResume ? GOING_ON_ELSEWHERE : 1000),
  };
}
