/** Something that the person must know, in words for them: what happened, and what to do. */
export class ClientError extends Error {
  /**
   * @param {string} message  what happened, as a sentence
   * @param {string=} remedy  what to do about it, as a sentence
   */
  constructor(message, remedy = "") {
    super(remedy ? `${message} ${remedy}` : message);
    this.name = new.target.name;
    this.remedy = remedy;
  }
}

/** The server wants a login first. */
export class LoginRequiredError extends ClientError {}

/** Coming back would not help: the server or the browser cannot do it at all. */
export class RefusedError extends ClientError {}

/** The peer broke the protocol; its connection ends. */
export class ProtocolError extends Error {
  /** @param {string} reason  what is wrong, in a few words */
  constructor(reason) {
    super(reason);
    this.name = "ProtocolError";
  }
}

/** A payload that cannot be shown: it is damaged, or its size is not the one announced. */
export class DecodeError extends Error {
  /**
   * @param {string} codec  name of the codec, as on the wire
   * @param {string} reason  what is wrong, in a few words
   */
  constructor(codec, reason) {
    super(`${codec}: ${reason}`);
    this.name = "DecodeError";
    this.codec = codec;
    this.reason = reason;
  }
}

/** A packet of a stream that lost its decoder: no fault of the codec, a key frame mends it. */
export class StreamInterruptedError extends DecodeError {}
