/** With these the server reaches the browser, or it does not; the answer brings the rest. */
const GATHERING_LIMIT_MS = 1500;
const ANSWER_LIMIT_MS = 8000;

/** What is lost of a frame is sent again for so long: cheaper than a new frame of the same place. */
const FRAME_LIFETIME_MS = 1000;

/** Label and reliability of each data channel. @type {[string, RTCDataChannelInit][]} */
const CHANNELS = [
  ["control", { ordered: true }],
  ["frames", { ordered: false, maxPacketLifeTime: FRAME_LIFETIME_MS }],
  ["bulk", { ordered: true }],
  ["loose", { ordered: false, maxRetransmits: 0 }],
];

/** Does this browser have peer connections? They may be switched off. */
export function hasPeers() {
  return "RTCPeerConnection" in globalThis;
}

/** Peer connections for the worker, which cannot make them: it gets their data channels. */
export class Peers {
  /** @type {Map<number, RTCPeerConnection | null>} */
  #open = new Map();

  /**
   * @param {object} outlets
   * @param {(id: number, channels: Record<string, RTCDataChannel>) => void} outlets.made
   * @param {(id: number, reason: string) => void} outlets.failed  may come later as well
   */
  constructor({ made, failed }) {
    this.made = made;
    this.failed = failed;
  }

  /**
   * @param {number} id
   * @param {string} url  that tells of STUN and TURN servers, and below it takes offers
   */
  async open(id, url) {
    this.#open.set(id, null);
    try {
      const { ice_servers: iceServers = [] } = await ask(url, {});
      if (!this.#open.has(id)) return;
      const peer = new RTCPeerConnection({ iceServers });
      this.#open.set(id, peer);
      peer.onconnectionstatechange = () => {
        if (peer.connectionState === "failed") this.#fail(id, "no way through the network");
      };
      // Channels can be handed on in the task that made them, and never later.
      this.made(
        id,
        Object.fromEntries(
          CHANNELS.map(([label, options]) => [label, peer.createDataChannel(label, options)]),
        ),
      );
      await peer.setLocalDescription(await peer.createOffer());
      await gathered(peer);
      const sdp = peer.localDescription?.sdp;
      const answer = await ask(`${url}/offer`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ sdp }),
      });
      if (this.#open.has(id)) await peer.setRemoteDescription({ type: "answer", sdp: answer.sdp });
    } catch (error) {
      this.#fail(id, error instanceof Error ? error.message : String(error));
    }
  }

  /** @param {number} id */
  close(id) {
    this.#open.get(id)?.close();
    this.#open.delete(id);
  }

  closeAll() {
    for (const id of [...this.#open.keys()]) this.close(id);
  }

  /**
   * @param {number} id
   * @param {string} reason
   */
  #fail(id, reason) {
    if (!this.#open.has(id)) return;
    this.close(id);
    this.failed(id, reason);
  }
}

/**
 * @param {string} url
 * @param {RequestInit} request
 */
async function ask(url, request) {
  const signal = AbortSignal.timeout(ANSWER_LIMIT_MS);
  const response = await fetch(url, { cache: "no-store", signal, ...request });
  const answer = await response.json().catch(() => null);
  if (response.ok && answer !== null) return answer;
  const told = answer?.error;
  throw new Error(typeof told === "string" ? told : `the server has none (HTTP ${response.status})`);
}

/** @param {RTCPeerConnection} peer */
function gathered(peer) {
  if (peer.iceGatheringState === "complete") return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, GATHERING_LIMIT_MS);
    peer.onicegatheringstatechange = () => {
      if (peer.iceGatheringState !== "complete") return;
      clearTimeout(timer);
      resolve(undefined);
    };
  });
}
