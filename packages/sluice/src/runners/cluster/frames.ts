/**
 * Frames between Node and Python: `u32 length of the header | u64 length of the body | header (JSON) | body`, little endian (node_process.py).
 */
const HEAD_BYTES = 12;
/** A body of fewer bytes is copied: that costs less than to write it apart. */
const COPIED_BYTES = 4096;

/** Writes one frame; large bodies are not copied. */
export function frameOf(header: object, parts: readonly Uint8Array[] = []): readonly Uint8Array[] {
  const text = Buffer.from(JSON.stringify(header));
  const head = Buffer.alloc(HEAD_BYTES);
  const bodyBytes = parts.reduce((sum, part) => sum + part.length, 0);
  head.writeUInt32LE(text.length, 0);
  head.writeBigUInt64LE(BigInt(bodyBytes), 4);
  if (bodyBytes < COPIED_BYTES) return [Buffer.concat([head, text, ...parts])];
  return [Buffer.concat([head, text]), ...parts.filter((part) => part.length > 0)];
}

/** Cuts a stream into frames. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- what the other side writes, which whoever opens the stream knows
export class FrameSplitter<Header> {
  #chunks: Buffer[] = [];
  #have = 0;
  #sizes: { readonly header: number; readonly content: number } | undefined;

  *take(chunk: Buffer): Generator<{ readonly header: Header; readonly content: Buffer }> {
    this.#chunks.push(chunk);
    this.#have += chunk.length;
    for (;;) {
      if (this.#sizes === undefined) {
        if (this.#have < HEAD_BYTES) return;
        const head = this.#bytes(HEAD_BYTES);
        this.#sizes = { header: head.readUInt32LE(0), content: Number(head.readBigUInt64LE(4)) };
      }
      const { header, content } = this.#sizes;
      if (this.#have < header + content) return;
      this.#sizes = undefined;
      const text = this.#bytes(header).toString("utf8");
      yield { header: JSON.parse(text) as Header, content: this.#bytes(content) }; // Python's own
    }
  }

  #bytes(length: number): Buffer {
    this.#have -= length;
    const first = this.#chunks[0];
    if (first !== undefined && first.length >= length) {
      if (first.length === length) this.#chunks.shift();
      else this.#chunks[0] = first.subarray(length);
      return first.subarray(0, length);
    }
    const all = Buffer.concat(this.#chunks, this.#have + length);
    this.#chunks = all.length > length ? [all.subarray(length)] : [];
    return all.subarray(0, length);
  }
}
