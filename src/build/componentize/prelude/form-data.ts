/**
 * Form data.
 *
 * @see https://xhr.spec.whatwg.org/#interface-formdata
 */

import { NebulaBlob, NebulaFile } from "./blob.ts";

/** What an entry holds. */
export type FormDataValue = string | NebulaFile;

/** `FormData`. */
export class NebulaFormData {
  #entries: [name: string, value: FormDataValue][] = [];

  append(name: string, value: unknown, filename?: string): void {
    this.#entries.push([String(name).toWellFormed(), toValue(value, filename)]);
  }

  set(name: string, value: unknown, filename?: string): void {
    const at = this.#entries.findIndex(([each]) => each === name);
    const entry: [string, FormDataValue] = [String(name).toWellFormed(), toValue(value, filename)];
    if (at < 0) this.#entries.push(entry);
    else this.#entries = this.#entries.flatMap((each, i) => (i === at ? [entry] : each[0] === name ? [] : [each]));
  }

  delete(name: string): void {
    this.#entries = this.#entries.filter(([each]) => each !== name);
  }

  get(name: string): FormDataValue | null {
    return this.#entries.find(([each]) => each === name)?.[1] ?? null;
  }

  getAll(name: string): FormDataValue[] {
    return this.#entries.filter(([each]) => each === name).map(([, value]) => value);
  }

  has(name: string): boolean {
    return this.#entries.some(([each]) => each === name);
  }

  forEach(callback: (value: FormDataValue, name: string, data: NebulaFormData) => void, self?: unknown): void {
    for (const [name, value] of this) Reflect.apply(callback, self, [value, name, this]);
  }

  *entries(): IterableIterator<[string, FormDataValue]> {
    for (const [name, value] of this.#entries) yield [name, value];
  }

  *keys(): IterableIterator<string> {
    for (const [name] of this.#entries) yield name;
  }

  *values(): IterableIterator<FormDataValue> {
    for (const [, value] of this.#entries) yield value;
  }

  [Symbol.iterator](): IterableIterator<[string, FormDataValue]> {
    return this.entries();
  }
}

function toValue(value: unknown, filename: string | undefined): FormDataValue {
  if (!(value instanceof NebulaBlob)) return String(value).toWellFormed();
  if (value instanceof NebulaFile && filename === undefined) return value;
  return new NebulaFile([value], filename ?? "blob", { type: value.type });
}
