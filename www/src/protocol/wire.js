import { ProtocolError } from "../errors.js";

const UTF8_READER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const UTF8_WRITER = new TextEncoder();

/** Walks through one payload; every method throws ProtocolError when it ends too early. */
export class PayloadReader {
  /** @param {Uint8Array<ArrayBuffer>} payload  one message's payload; is only read */
  constructor(payload) {
    this.payload = payload;
    this.view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
    this.offset = 0;
  }

  /** Bytes not read yet. */
  get remaining() {
    return this.payload.byteLength - this.offset;
  }

  /**
   * Step over the next bytes.
   * @param {number} length
   * @returns {number}  where they start
   */
  advance(length) {
    if (length > this.remaining) {
      throw new ProtocolError(`it ends ${length - this.remaining} bytes too early`);
    }
    const start = this.offset;
    this.offset += length;
    return start;
  }

  /**
   * Read the next bytes without copying them.
   * @param {number} length
   */
  take(length) {
    const start = this.advance(length);
    return this.payload.subarray(start, start + length);
  }
}

/** Collects one message; grows as it is written. */
export class PayloadWriter {
  constructor() {
    this.bytes = new Uint8Array(64);
    this.view = new DataView(this.bytes.buffer);
    this.length = 0;
  }

  /**
   * Make room for the next bytes.
   * @param {number} length
   * @returns {number}  where they start
   */
  advance(length) {
    const start = this.length;
    this.length += length;
    if (this.length > this.bytes.length) {
      const larger = new Uint8Array(Math.max(this.length, this.bytes.length * 2));
      larger.set(this.bytes);
      this.bytes = larger;
      this.view = new DataView(larger.buffer);
    }
    return start;
  }

  /** @param {Uint8Array} data */
  put(data) {
    const start = this.advance(data.length);
    this.bytes.set(data, start);
  }
}

/**
 * A type of the protocol page: how one value is read and written.
 * @template T
 * @typedef {object} FieldType
 * @property {string} name  its name there
 * @property {(reader: PayloadReader) => T} read  throws ProtocolError when it is malformed
 * @property {(writer: PayloadWriter, value: T) => void} write  throws RangeError when it does not fit
 */

/**
 * @param {number} value
 * @param {number} least
 * @param {number} most
 * @param {string} name
 */
function checkInteger(value, least, most, name) {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new RangeError(`${value} does not fit ${name}`);
}

/** @type {FieldType<number>} */
export const u8 = {
  name: "u8",
  read: (reader) => reader.view.getUint8(reader.advance(1)),
  write: (writer, value) => {
    checkInteger(value, 0, 0xff, "u8");
    const start = writer.advance(1);
    writer.view.setUint8(start, value);
  },
};

/** @type {FieldType<number>} */
export const u16 = {
  name: "u16",
  read: (reader) => reader.view.getUint16(reader.advance(2)),
  write: (writer, value) => {
    checkInteger(value, 0, 0xffff, "u16");
    const start = writer.advance(2);
    writer.view.setUint16(start, value);
  },
};

/** @type {FieldType<number>} */
export const u32 = {
  name: "u32",
  read: (reader) => reader.view.getUint32(reader.advance(4)),
  write: (writer, value) => {
    checkInteger(value, 0, 0xffffffff, "u32");
    const start = writer.advance(4);
    writer.view.setUint32(start, value);
  },
};

/** @type {FieldType<number>} */
export const i16 = {
  name: "i16",
  read: (reader) => reader.view.getInt16(reader.advance(2)),
  write: (writer, value) => {
    checkInteger(value, -0x8000, 0x7fff, "i16");
    const start = writer.advance(2);
    writer.view.setInt16(start, value);
  },
};

/** @type {FieldType<number>} */
export const f64 = {
  name: "f64",
  read: (reader) => {
    const value = reader.view.getFloat64(reader.advance(8));
    if (!Number.isFinite(value)) throw new ProtocolError(`an f64 is ${value}`);
    return value;
  },
  write: (writer, value) => {
    const start = writer.advance(8);
    writer.view.setFloat64(start, value);
  },
};

/** @type {FieldType<boolean>} */
export const bool = {
  name: "bool",
  read: (reader) => {
    const value = u8.read(reader);
    if (value > 1) throw new ProtocolError(`a bool is ${value}`);
    return value === 1;
  },
  write: (writer, value) => u8.write(writer, value ? 1 : 0),
};

/**
 * @param {string} name
 * @param {FieldType<number>} count
 * @returns {FieldType<string>}
 */
function textType(name, count) {
  return {
    name,
    read: (reader) => {
      const raw = reader.take(count.read(reader));
      if (raw.includes(0)) throw new ProtocolError("a text holds NUL");
      try {
        return UTF8_READER.decode(raw);
      } catch {
        throw new ProtocolError("a text is not UTF-8");
      }
    },
    write: (writer, value) => {
      const raw = UTF8_WRITER.encode(value);
      if (raw.includes(0)) throw new RangeError("a text holds NUL");
      count.write(writer, raw.length);
      writer.put(raw);
    },
  };
}

export const text8 = textType("text8", u8);
export const text16 = textType("text16", u16);

/** Bytes; when read, a view of the payload, not a copy. @type {FieldType<Uint8Array<ArrayBuffer>>} */
export const blob32 = {
  name: "blob32",
  read: (reader) => reader.take(u32.read(reader)),
  write: (writer, value) => {
    u32.write(writer, value.length);
    writer.put(value);
  },
};

/**
 * @template T
 * @param {FieldType<number>} count
 * @param {FieldType<T>} item
 * @returns {FieldType<T[]>}
 */
export function listOf(count, item) {
  return {
    name: `list${count.name.slice(1)}<${item.name}>`,
    read: (reader) => {
      const items = [];
      for (let left = count.read(reader); left > 0; left -= 1) items.push(item.read(reader));
      return items;
    },
    write: (writer, value) => {
      count.write(writer, value.length);
      for (const each of value) item.write(writer, each);
    },
  };
}

/**
 * Fields in their order; the value is an object.
 * @param {[string, FieldType<any>][]} fields
 * @returns {FieldType<any>}
 */
export function record(fields) {
  return {
    name: `(${fields.map(([name, type]) => `${type.name} ${name}`).join("; ")})`,
    read: (reader) => {
      /** @type {Record<string, unknown>} */
      const value = {};
      for (const [name, type] of fields) value[name] = type.read(reader);
      return value;
    },
    write: (writer, value) => {
      for (const [name, type] of fields) type.write(writer, value[name]);
    },
  };
}

/**
 * Cut a text so that it fits a text field; never inside a character.
 * @param {string} text
 * @param {number} maximumBytes  of its UTF-8
 */
export function clipText(text, maximumBytes) {
  const clean = text.replaceAll("\0", "");
  return clean.slice(0, UTF8_WRITER.encodeInto(clean, new Uint8Array(maximumBytes)).read);
}
