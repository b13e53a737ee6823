/**
 * The way into one memory: where values of the component model are read and written.
 *
 * Reading and writing never wait, so that what a port keeps meanwhile (views, lent handles) is one operation's alone.
 */

import type { StringEncoding } from "../../../wasm/component/component.ts";
import type { CoreFunction } from "./core-value.guest.ts";
import { type BorrowScope, GuestResource, type Handle, type HandleTable } from "./handles.guest.ts";
import type { ResourceType } from "./resource-type.guest.ts";
import { type StringCodec, toStringCodec } from "./strings.guest.ts";
import { trap } from "./trap.guest.ts";

/** What a port is made of. */
export interface PortParts {
  /** The number of the component instance, and its handles. */
  readonly owner: number;
  readonly handles: HandleTable;
  readonly encoding: StringEncoding;
  readonly memory: WebAssembly.Memory | undefined;
  readonly realloc: CoreFunction | undefined;
  /** Runs the destructor of a resource that a component defined. */
  destroy(type: ResourceType, rep: number): Promise<void>;
}

/** So much may one call read: lists may overlap, and a small memory could otherwise fill all of the process. */
const MAX_READ_BYTES = 128 * 1024 * 1024;

const NO_BYTES = new ArrayBuffer(0);

/** Values pass here. `begin` comes before each operation. */
export class Port {
  readonly handles: HandleTable;
  readonly strings: StringCodec;
  readonly owner: number;
  /** Valid until the component runs again. */
  view: DataView = new DataView(NO_BYTES);
  bytes: Uint8Array = new Uint8Array(NO_BYTES);
  /** The call on whose behalf borrow handles are made. */
  scope: BorrowScope | undefined;
  readonly #memory: WebAssembly.Memory | undefined;
  readonly #realloc: CoreFunction | undefined;
  readonly #destroy: PortParts["destroy"];
  #buffer: ArrayBuffer = NO_BYTES;
  #readBytes = 0;
  #lends: Handle[] | undefined;

  constructor(parts: PortParts) {
    this.owner = parts.owner;
    this.handles = parts.handles;
    this.strings = toStringCodec(parts.encoding);
    this.#memory = parts.memory;
    this.#realloc = parts.realloc;
    this.#destroy = parts.destroy;
  }

  /** Begins an operation: looks where the memory is now. */
  begin(): void {
    this.#readBytes = 0;
    this.#look();
  }

  #look(): void {
    const buffer = this.#memory?.buffer;
    if (buffer === undefined || buffer === this.#buffer) return;
    if (!(buffer instanceof ArrayBuffer)) trap("the memory of a component is shared");
    this.#buffer = buffer;
    this.view = new DataView(buffer);
    this.bytes = new Uint8Array(buffer);
  }

  /** Counts what is read beyond the fixed size of a type. */
  spend(bytes: number): void {
    this.#readBytes += bytes;
    if (this.#readBytes > MAX_READ_BYTES) trap(`a call passes more than ${MAX_READ_BYTES} bytes`);
  }

  /** Traps unless `size` bytes are there. */
  check(at: number, size: number, align: number): void {
    if (at % align !== 0) trap(`a pointer is not a multiple of ${align}`);
    if (at + size > this.bytes.byteLength) trap("a pointer leads out of the memory");
  }

  /** Asks the component for room. */
  allocate(size: number, align: number): number {
    if (this.#realloc === undefined) return trap("there is no function to allocate memory with");
    if (size > 0xffff_ffff) trap("a value is larger than a memory can be");
    const at = Number(this.#realloc(0, 0, align, size)) >>> 0;
    this.#look();
    this.check(at, size, align);
    return at;
  }

  /** The object behind a handle that is given away. */
  takeOwn(index: number, type: ResourceType): unknown {
    const { rep } = this.handles.removeOwn(index, type);
    return type.owner === undefined ? rep : this.#wrap(type, rep, true);
  }

  /** The object behind a handle that is lent until `takeLends` of this operation are given back. */
  lend(index: number, type: ResourceType): unknown {
    const handle = this.handles.get(index, type);
    if (handle.scope === undefined) {
      handle.lends += 1;
      this.#lends ??= [];
      this.#lends.push(handle);
    }
    return type.owner === undefined ? handle.rep : this.#wrap(type, handle.rep, false);
  }

  /** The handles that were lent since it was asked last. */
  takeLends(): readonly Handle[] | undefined {
    const lends = this.#lends;
    this.#lends = undefined;
    return lends;
  }

  /** A handle for an object that is now the component's. */
  addOwn(value: unknown, type: ResourceType): number {
    return this.handles.add(type, type.owner === undefined ? toObject(value) : toGuest(value).give(type));
  }

  /** A handle for an object that is lent to the component; what it defined itself it gets as it made it. */
  addBorrow(value: unknown, type: ResourceType): number {
    if (type.owner === undefined) return this.handles.add(type, toObject(value), this.#theScope());
    const rep = toGuest(value).borrow(type);
    return type.owner === this.owner ? rep : this.handles.add(type, rep, this.#theScope());
  }

  #theScope(): BorrowScope {
    return this.scope ?? trap("a result lends a resource");
  }

  #wrap(type: ResourceType, rep: unknown, isOwn: boolean): GuestResource {
    return new GuestResource(type, Number(rep), isOwn ? (given) => this.#destroy(type, given) : undefined);
  }
}

function toObject(value: unknown): object {
  if (typeof value !== "object" || value === null) throw new TypeError("A resource is an object");
  return value;
}

function toGuest(value: unknown): GuestResource {
  if (!(value instanceof GuestResource)) throw new TypeError("A resource of a component is what the component gave");
  return value;
}
