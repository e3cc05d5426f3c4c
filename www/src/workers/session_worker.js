import { ServerLink } from "./server_link.js";

const scope = /** @type {import("./thread_messages.js").WorkerScope} */ (
  /** @type {unknown} */ (globalThis)
);

/** @type {ServerLink | null} */
let link = null;

scope.onmessage = ({ data }) => {
  if (data.kind === "send") link?.send(data.message);
  else if (data.kind === "presented") {
    if (data.connection === link?.connection) link.presented(data);
  } else {
    link?.close();
    link = null;
    if (data.kind === "connect") {
      const { connection } = data;
      link = new ServerLink(data, (told, transfer = []) => {
        scope.postMessage({ connection, told }, transfer);
      });
    }
  }
};
