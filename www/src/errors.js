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
