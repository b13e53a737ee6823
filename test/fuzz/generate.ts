/**
 * Programs by chance: valid by construction, with calls of preview 1 that make no sense, loops, traps and recursion.
 */

import { findPreview1Type } from "../../src/wasm/preview1.ts";
import { concatBytes, toName, toU32 } from "../../src/wasm/writer.ts";
import type { Chance } from "../support/random.ts";
import { toExport, toModule } from "../support/wasm-bytes.ts";

type ValueType = "i32" | "i64";

interface FunctionType {
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
}

/** What preview 1 has, except what waits for long. */
const CALLS = [
  "args_get args_sizes_get environ_get environ_sizes_get clock_res_get clock_time_get random_get sched_yield",
  "fd_advise fd_allocate fd_close fd_datasync fd_fdstat_get fd_fdstat_set_flags fd_fdstat_set_rights fd_filestat_get",
  "fd_filestat_set_size fd_filestat_set_times fd_pread fd_prestat_get fd_prestat_dir_name fd_pwrite fd_read fd_readdir",
  "fd_renumber fd_seek fd_sync fd_tell fd_write path_create_directory path_filestat_get path_filestat_set_times",
  "path_link path_open path_readlink path_remove_directory path_rename path_symlink path_unlink_file",
  "proc_exit proc_exit proc_exit proc_exit fd_write fd_write path_open path_open proc_raise sock_accept sock_recv sock_send sock_shutdown",
].flatMap((line) => line.split(" "));

const CODE: Readonly<Record<ValueType, number>> = { i32: 0x7f, i64: 0x7e };
/** Binary operators with operands and result of one type; `div` and `rem` among them may trap. */
const BINARY: Readonly<Record<ValueType, readonly [number, number]>> = { i32: [0x6a, 0x78], i64: [0x7c, 0x8a] };
const INTERESTING = [
  0, 1, 2, 3, 4, 7, 8, 16, 64, 255, 256, 1_000, 65_535, 65_536, 131_071, 0x7fff_ffff, -1, -2, -65_536,
];

/** One module. The same chance gives the same bytes. */
export function generateProgram(chance: Chance): Uint8Array {
  return new Generator(chance).generate();
}

class Generator {
  readonly #chance: Chance;
  readonly #imports: FunctionType[] = [];
  readonly #functions: FunctionType[] = [];
  readonly #types: Uint8Array[] = [];
  #hasTable = false;
  /** Of the function that is being made. */
  #results: readonly ValueType[] = [];

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  generate(): Uint8Array {
    const chance = this.#chance;
    const imports = Array.from({ length: 1 + chance(10) }, () => this.#import(chance.pick(CALLS)));
    this.#functions.push({ params: [], results: [] });
    for (let left = chance(5); left > 0; left--) {
      this.#functions.push({ params: chance.pick([[], ["i32"], ["i64", "i32"]]), results: chance.pick([[], ["i32"]]) });
    }
    this.#hasTable = chance.once(2);
    const functions = this.#functions.map((type) => toU32(this.#type(type)));
    const code = this.#functions.map((type) => this.#body(type));
    const first = this.#imports.length;
    const start = chance.once(20) ? { start: first } : {};
    const entry = chance.once(10) ? "handle" : "_start";
    return toModule({
      types: this.#types,
      imports,
      functions,
      ...(this.#hasTable && { tables: [[0x70, 0, chance(20)]] }),
      memories: [
        chance.pick([
          [0, 0],
          [0, 1],
          [0, 2],
          [1, 1, 3],
        ]),
      ],
      // Fuel: so that most loops end.
      globals: [[0x7f, 1, 0x41, ...toS32(chance.once(150) ? 0x7fff_ffff : 2_000), 0x0b]],
      exports: [toExport("memory", 2, 0), toExport(entry, 0, first)],
      ...start,
      code,
      data: Array.from({ length: chance(3) }, () => this.#data()),
    });
  }

  #import(name: string): Uint8Array {
    const { params, results } = findPreview1Type(name) ?? { params: [], results: [] };
    const type = { params: params.map(toValueType), results: results.map(toValueType) };
    this.#imports.push(type);
    return concatBytes([toName("wasi_snapshot_preview1"), toName(name), Uint8Array.of(0), toU32(this.#type(type))]);
  }

  #type({ params, results }: FunctionType): number {
    const list = (types: readonly ValueType[]) => [types.length, ...types.map((type) => CODE[type])];
    this.#types.push(Uint8Array.from([0x60, ...list(params), ...list(results)]));
    return this.#types.length - 1;
  }

  #data(): Uint8Array {
    const length = this.#chance(40);
    const content = Array.from({ length }, () => this.#chance(256));
    return Uint8Array.from([
      0,
      0x41,
      ...toS32(this.#chance.pick([0, 8, 64, 1_000, 65_530, 65_536])),
      0x0b,
      length,
      ...content,
    ]);
  }

  /** Two locals of each type come after the parameters. */
  #body({ params, results }: FunctionType): Uint8Array {
    this.#results = results;
    const locals = [...params, "i32", "i32", "i64", "i64"] as const;
    const code = [...this.#block(locals, 4), ...results.flatMap((type) => this.#value(type, locals, 3))];
    return Uint8Array.from([2, 2, CODE.i32, 2, CODE.i64, ...code, 0x0b]);
  }

  #block(locals: readonly ValueType[], depth: number): number[] {
    return Array.from({ length: this.#chance(6) }, () => this.#statement(locals, depth)).flat();
  }

  #statement(locals: readonly ValueType[], depth: number): number[] {
    const chance = this.#chance;
    const value = (type: ValueType) => this.#value(type, locals, depth);
    switch (depth === 0 ? chance(3) : chance(12)) {
      case 0:
        return [...value("i32"), 0x21, this.#local(locals, "i32")];
      case 1:
        return [...value("i64"), 0x21, this.#local(locals, "i64")];
      case 2:
        return [...this.#address(locals, depth), ...value("i32"), 0x36, 2, 0];
      case 3:
        return [
          ...value("i32"),
          0x04,
          0x40,
          ...this.#block(locals, depth - 1),
          0x05,
          ...this.#block(locals, depth - 1),
          0x0b,
        ];
      case 4:
        return this.#loop(locals, depth);
      case 5:
        return [...value("i32"), 0x40, 0, 0x1a];
      case 6:
        return chance.once(20) ? [0x00] : [];
      case 7:
        return chance.once(4) && this.#hasTable ? this.#callIndirect(locals, depth) : [];
      case 8:
        return this.#fill(locals, depth);
      default:
        return this.#call(locals, depth);
    }
  }

  /** Each round costs fuel; without any left the function returns. */
  #loop(locals: readonly ValueType[], depth: number): number[] {
    const burn = [0x23, 0, 0x41, 1, 0x6b, 0x24, 0, 0x23, 0, 0x41, 0, 0x4c];
    const leave = this.#chance.once(8)
      ? [0x00]
      : [...this.#results.flatMap((type) => [type === "i32" ? 0x41 : 0x42, 0]), 0x0f];
    const guard = [...burn, 0x04, 0x40, ...leave, 0x0b];
    const again = [...this.#value("i32", locals, depth - 1), 0x0d, 0];
    return [0x03, 0x40, ...guard, ...this.#block(locals, depth - 1), ...again, 0x0b];
  }

  #call(locals: readonly ValueType[], depth: number): number[] {
    const all = [...this.#imports, ...this.#functions];
    const index = this.#chance(all.length);
    const { params, results } = all[index] ?? { params: [], results: [] };
    const args = params.flatMap((type) => this.#value(type, locals, depth - 1));
    return [...args, 0x10, ...toU32(index), ...results.map(() => 0x1a)];
  }

  /** With type 0, which may or may not be that of what is there: most entries are empty. */
  #callIndirect(locals: readonly ValueType[], depth: number): number[] {
    const type = this.#imports[0] ?? this.#functions[0] ?? { params: [], results: [] };
    const args = type.params.flatMap((each) => this.#value(each, locals, depth - 1));
    return [...args, ...this.#value("i32", locals, 0), 0x11, 0, 0, ...type.results.map(() => 0x1a)];
  }

  #fill(locals: readonly ValueType[], depth: number): number[] {
    const values = [1, 2, 3].flatMap(() => this.#value("i32", locals, depth - 1));
    return this.#chance.once(2) ? [...values, 0xfc, 0x0b, 0] : [...values, 0xfc, 0x0a, 0, 0];
  }

  #value(type: ValueType, locals: readonly ValueType[], depth: number): number[] {
    const chance = this.#chance;
    const of = (inner: ValueType) => this.#value(inner, locals, depth - 1);
    const choice = depth <= 0 ? chance(2) : chance(6);
    if (choice === 0) return [0x20, this.#local(locals, type)];
    if (choice === 1)
      return [type === "i32" ? 0x41 : 0x42, ...toS32(chance.once(3) ? chance(2_000) : chance.pick(INTERESTING))];
    if (choice === 2) return [...this.#address(locals, depth - 1), type === "i32" ? 0x28 : 0x29, 0, 0];
    if (choice === 3) return type === "i32" ? [...of("i64"), 0xa7] : [...of("i32"), 0xac];
    if (choice === 4 && type === "i32") return [...of("i32"), 0x45];
    const [low, high] = BINARY[type];
    return [...of(type), ...of(type), this.#operator(low, high)];
  }

  /** Those that divide trap too often to be as frequent as others. */
  #operator(low: number, high: number): number {
    const code = low + this.#chance(high - low + 1);
    const divides = code >= low + 3 && code <= low + 6;
    return divides && !this.#chance.once(10) ? low : code;
  }

  /** Most are inside of the first page. */
  #address(locals: readonly ValueType[], depth: number): number[] {
    const anywhere = this.#value("i32", locals, depth - 1);
    return this.#chance.once(12) ? anywhere : [...anywhere, 0x41, ...toS32(65_520), 0x71];
  }

  #local(locals: readonly ValueType[], type: ValueType): number {
    const of = locals.flatMap((each, index) => (each === type ? [index] : []));
    return this.#chance.pick(of);
  }
}

function toValueType(type: string): ValueType {
  return type === "i64" ? "i64" : "i32";
}

/** A signed LEB128 number. */
function toS32(value: number): number[] {
  const low = value & 0x7f;
  const rest = value >> 7;
  const isDone = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
  return isDone ? [low] : [low | 0x80, ...toS32(rest)];
}
