/**
 * The resource `fields` of `wasi:http/types`: headers and trailers.
 *
 * Names keep their case and their order. What is forbidden to set is what concerns one connection only, and `host`,
 * which is the authority's business.
 *
 * @see https://github.com/WebAssembly/wasi-http/blob/v0.2.0/wit/types.wit
 */

import type { HeaderList } from "../../../model/exchange.ts";
import type { HostFunctions } from "../component/host-function.guest.ts";
import { isFieldValue, isToken, parseContentLength } from "./http-syntax.guest.ts";
import { err, method, OK, ok, type Result, trap, type Variant } from "./result.guest.ts";

/** The variant `header-error`. */
export type HeaderError = Variant<"invalid-syntax" | "forbidden" | "immutable">;

/** The connection's own fields: never sent by a guest, never shown to one. */
const HOP_BY_HOP = new Set(
  "connection keep-alive proxy-authenticate proxy-authorization proxy-connection transfer-encoding upgrade http2-settings".split(
    " ",
  ),
);
const HOST = "host";

/** All names and values of one resource; a guest that goes beyond is ended, since `header-error` has no word for it. */
const MAX_BYTES = 128 * 1024;
/** What one field counts besides its characters, so that empty ones count too. */
const FIELD_OVERHEAD_BYTES = 32;

const INVALID = err<HeaderError>({ tag: "invalid-syntax", val: undefined });
const FORBIDDEN = err<HeaderError>({ tag: "forbidden", val: undefined });
const IMMUTABLE = err<HeaderError>({ tag: "immutable", val: undefined });

interface Field {
  readonly name: string;
  /** The name in lower case. */
  readonly key: string;
  /** One character for each byte. */
  readonly value: string;
}

/** The resource `fields`, also called `headers` and `trailers`. */
export class Fields {
  #fields: Field[] = [];
  #sizeBytes = 0;
  #isMutable = true;

  /** Fields that a guest can read only. The connection's own ones are left out. */
  static fromList(list: HeaderList): Fields {
    const fields = new Fields();
    for (let i = 0; i + 1 < list.length; i += 2) {
      const name = list[i] ?? "";
      const key = name.toLowerCase();
      if (!HOP_BY_HOP.has(key)) fields.#fields.push({ name, key, value: list[i + 1] ?? "" });
    }
    return fields.freeze();
  }

  /** `[static]fields.from-list`. */
  static fromEntries(entries: readonly (readonly [string, Uint8Array])[]): Result<Fields, HeaderError> {
    const fields = new Fields();
    for (const [name, value] of entries) {
      const result = fields.append(name, value);
      if (result.tag === "err") return result;
    }
    return ok(fields);
  }

  /** From now on it can be read only. */
  freeze(): Fields {
    this.#isMutable = false;
    return this;
  }

  /** Names in lower case, values one character a byte, without what may not be sent. */
  toList(): string[] {
    const list: string[] = [];
    for (const { key, value } of this.#fields) {
      if (!HOP_BY_HOP.has(key) && key !== HOST) list.push(key, value);
    }
    return list;
  }

  /** The value of `content-length`: undefined without one, null when it is not one number. */
  contentLength(): bigint | null | undefined {
    const values = this.#fields.filter(({ key }) => key === "content-length").map(({ value }) => value);
    const [first] = values;
    if (first === undefined) return undefined;
    return values.every((value) => value === first) ? (parseContentLength(first) ?? null) : null;
  }

  get(name: string): Uint8Array[] {
    const key = name.toLowerCase();
    return this.#fields.filter((field) => field.key === key).map((field) => toBytes(field.value));
  }

  has(name: string): boolean {
    const key = name.toLowerCase();
    return this.#fields.some((field) => field.key === key);
  }

  set(name: string, values: readonly Uint8Array[]): Result<undefined, HeaderError> {
    const refusal = this.#refuse(name);
    if (refusal !== undefined) return refusal;
    const key = name.toLowerCase();
    if (!values.every((value) => isValue(key, value))) return INVALID;
    const at = this.#fields.findIndex((field) => field.key === key);
    this.#remove(key);
    const fields = values.map((value) => ({ name, key, value: toText(value) }));
    for (const field of fields) this.#count(field);
    this.#fields.splice(at < 0 ? this.#fields.length : at, 0, ...fields);
    return OK;
  }

  delete(name: string): Result<undefined, HeaderError> {
    const refusal = this.#refuse(name);
    if (refusal !== undefined) return refusal;
    this.#remove(name.toLowerCase());
    return OK;
  }

  append(name: string, value: Uint8Array): Result<undefined, HeaderError> {
    const refusal = this.#refuse(name);
    if (refusal !== undefined) return refusal;
    const key = name.toLowerCase();
    if (!isValue(key, value)) return INVALID;
    const first = this.#fields.find((field) => field.key === key);
    const field = { name: first?.name ?? name, key, value: toText(value) };
    this.#count(field);
    this.#fields.push(field);
    return OK;
  }

  entries(): [string, Uint8Array][] {
    return this.#fields.map(({ name, value }) => [name, toBytes(value)]);
  }

  /** A copy that can be changed. */
  clone(): Fields {
    const copy = new Fields();
    for (const field of this.#fields) {
      copy.#count(field);
      copy.#fields.push(field);
    }
    return copy;
  }

  #refuse(name: string): Result<undefined, HeaderError> | undefined {
    if (!isToken(name)) return INVALID;
    const key = name.toLowerCase();
    if (HOP_BY_HOP.has(key) || key === HOST) return FORBIDDEN;
    return this.#isMutable ? undefined : IMMUTABLE;
  }

  #remove(key: string): void {
    for (const field of this.#fields) if (field.key === key) this.#sizeBytes -= toSize(field);
    this.#fields = this.#fields.filter((field) => field.key !== key);
  }

  #count(field: Field): void {
    this.#sizeBytes += toSize(field);
    if (this.#sizeBytes > MAX_BYTES) trap(`fields: more than ${MAX_BYTES} bytes`);
  }
}

function toSize({ name, value }: Field): number {
  return name.length + value.length + FIELD_OVERHEAD_BYTES;
}

function isValue(key: string, value: Uint8Array): boolean {
  if (key === "content-length") return parseContentLength(toText(value)) !== undefined;
  return isFieldValue(value);
}

function toBytes(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}

function toText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

/** The functions of the resource. */
export const FIELDS: HostFunctions = {
  "[constructor]fields": () => new Fields(),
  "[static]fields.from-list": (entries: readonly (readonly [string, Uint8Array])[]) => Fields.fromEntries(entries),
  "[method]fields.get": method(Fields, (self, name: string) => self.get(name)),
  "[method]fields.has": method(Fields, (self, name: string) => self.has(name)),
  "[method]fields.set": method(Fields, (self, name: string, values: readonly Uint8Array[]) => self.set(name, values)),
  "[method]fields.delete": method(Fields, (self, name: string) => self.delete(name)),
  "[method]fields.append": method(Fields, (self, name: string, value: Uint8Array) => self.append(name, value)),
  "[method]fields.entries": method(Fields, (self) => self.entries()),
  "[method]fields.clone": method(Fields, (self) => self.clone()),
};
