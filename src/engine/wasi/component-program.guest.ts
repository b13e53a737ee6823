/**
 * A component of WASI 0.2, linked anew for every request.
 *
 *     exports wasi:http/incoming-handler   asked through that
 *     exports wasi:cli/run                 a program with standard input and output, as one of preview 1
 */

import type { Body } from "../../model/exchange.ts";
import { decodeComponent } from "../../wasm/component/decode.ts";
import { joinCode, splitCode } from "./code-pieces.guest.ts";
import { type ComponentInstance, compileComponent, type LinkedComponent } from "./component/linker.guest.ts";
import { type CompileOptions, type CoreInstance, CoreModule } from "./core-module.guest.ts";
import { explainTrap, FULL, ProgramFailure } from "./failures.guest.ts";
import { type InvocationIo, invokeProgram, type ProgramInstance, type ProgramSettings } from "./invocation.guest.ts";
import { keepState } from "./keep-state.guest.ts";
import { LogLines } from "./log-lines.guest.ts";
import { CliExit } from "./preview2/cli.guest.ts";
import { HandlerFailure, handleRequest } from "./preview2/handle-request.guest.ts";
import { HttpError } from "./preview2/http-error-code.guest.ts";
import { createPreview2, type Preview2 } from "./preview2/preview2.guest.ts";
import { runCommand } from "./preview2/run-command.guest.ts";
import type { AskedHead, Program, ProgramAnswer, ProgramCall } from "./program.guest.ts";
import { createHttpHost } from "./reach-http.guest.ts";
import { Stopwatch } from "./stopwatch.guest.ts";
import { emptySource, NULL_SINK } from "./streams.guest.ts";

const HANDLER = "wasi:http/incoming-handler";
const COMMAND = "wasi:cli/run";
/** The variable that JavaScript in Wasm reads its `env` from. */
const ENV_VARIABLE = "NEBULA_ENV";
/** And what of it is asked. */
const TARGET_VARIABLE = "NEBULA_TARGET";

/** What is the same for all requests to a component. */
export interface ComponentSettings extends ProgramSettings {
  /** The bindings of the function, for JavaScript in Wasm. */
  readonly envJson: string;
}

/** For linking, which asks only what functions there are. */
const NO_IO = { args: [], env: {}, stdin: emptySource(), stdout: NULL_SINK, stderr: NULL_SINK, preopens: [] };

/** Makes the program. Throws a WasmError, V8's CompileError, or a ProgramFailure. */
export function createComponentProgram(
  settings: ComponentSettings,
  bytes: Uint8Array,
  options: CompileOptions,
): { program: Program; isFromCode: boolean } {
  const program = new ComponentProgram(settings, bytes, options);
  return { program, isFromCode: program.isFromCode };
}

/** An instance of a component, with all its core instances. */
interface Linked {
  readonly instance: ComponentInstance;
  release(): void;
  memory(): MemoryUse;
}

class ComponentProgram implements Program {
  readonly #settings: ComponentSettings;
  /** By number; one that is never instantiated is not there. */
  readonly #cores: (CoreModule | undefined)[] = [];
  readonly #linked: LinkedComponent;
  readonly #isHandler: boolean;

  constructor(settings: ComponentSettings, bytes: Uint8Array, options: CompileOptions) {
    this.#settings = settings;
    const codes = options.code === undefined ? [] : splitCode(options.code);
    this.#linked = compileComponent(decodeComponent(bytes), {
      host: createPreview2({ ...settings, ...NO_IO }).imports,
      compileModule: (core, number) => {
        const module = new CoreModule(core, { ...options, code: codes[number] });
        this.#cores[number] = module;
        return module.module;
      },
    });
    this.#isHandler = this.#linked.has(HANDLER, "handle");
    if (!this.#isHandler && !this.#linked.has(COMMAND, "run")) {
      throw new ProgramFailure("refused", `it exports neither "${HANDLER}" nor "${COMMAND}"`);
    }
  }

  /** Whether machine code of before was good, for all modules that had any. */
  get isFromCode(): boolean {
    return this.#cores.some((core) => core?.isFromCode);
  }

  async answer(head: AskedHead, call: ProgramCall): Promise<ProgramAnswer> {
    if (this.#isHandler) return await this.#handle(head, call);
    return await invokeProgram({ ...this.#settings, make: (io, of) => this.#makeCommand(io, of) }, head, call);
  }

  get grownToBytes(): number | undefined {
    const grown = this.#cores.flatMap((core) => core?.grownToBytes ?? []);
    return grown.length === 0 ? undefined : Math.max(...grown);
  }

  serialize(): Uint8Array | undefined {
    return joinCode(Array.from(this.#cores, (core) => core?.serialize() ?? new Uint8Array()));
  }

  [Symbol.dispose](): void {
    for (const core of this.#cores) core?.[Symbol.dispose]();
  }

  async #handle(head: AskedHead, call: ProgramCall): Promise<ProgramAnswer> {
    const watch = new Stopwatch();
    const { name, settings, vars, logBytes, clock, random, files, envJson } = this.#settings;
    const log = new LogLines(call.log, logBytes);
    const preview2 = createPreview2({
      args: [name, ...settings.args],
      env: { ...vars, [ENV_VARIABLE]: envJson, [TARGET_VARIABLE]: JSON.stringify(head.target ?? {}) },
      stdin: emptySource(),
      stdout: log,
      stderr: log,
      preopens: files.open(),
      clock,
      random,
      http: createHttpHost(call),
    });
    const linked = this.#link(preview2, watch);
    const startMs = watch.busyMs;
    const { method, url, headers } = head;
    // First the trailers: a body that is taken may be over before they are asked for.
    const { trailers, signal } = call;
    const request = { method, url, headers, body: call.takeBody(), trailers, signal };
    const handling = watch.run(() => handleRequest(linked.instance, request, preview2));
    const over = handling.settled
      .then((failure) => this.#keep(failure, call))
      .finally(() => {
        log.flush();
        linked.release();
      });
    call.hold(over);
    try {
      const answer = await handling.answer;
      const body = files.state === undefined ? answer.body : await endWith(over, answer.body);
      return {
        ...answer,
        body,
        head: { ...answer.head, startMs, busyMs: watch.busyMs },
        explain: (thrown) => readThrown(log.thrown, linked.memory()) ?? explain(thrown, linked.memory()),
      };
    } catch (thrown) {
      throw explain(thrown, linked.memory());
    }
  }

  /** The directory that outlives the request stays as it was when that fails, also when it fails after its answer. */
  async #keep(failure: unknown, call: ProgramCall): Promise<void> {
    const { state } = this.#settings.files;
    try {
      if (failure !== undefined) throw failure;
      await keepState(state, call);
    } catch (thrown) {
      state?.revert();
      throw thrown;
    }
  }

  #makeCommand(io: InvocationIo, call: ProgramCall): ProgramInstance {
    const preview2 = createPreview2({ ...io, http: createHttpHost(call) });
    const linked = this.#link(preview2, io.watch);
    return {
      run: ({ signal }) => runCommand(linked.instance, preview2, { signal }),
      memory: linked.memory,
      release: linked.release,
    };
  }

  #link(preview2: Preview2, watch: Stopwatch): Linked {
    const made: { readonly core: CoreModule; readonly instance: CoreInstance }[] = [];
    const instance = this.#linked.instantiate(preview2.imports, {
      instantiate: (_module, number, imports) => {
        const core = this.#cores[number];
        if (core === undefined) throw new ProgramFailure("refused", "one of its modules is missing");
        const one = { core, instance: core.instantiate(imports) };
        made.push(one);
        return one.instance.instance;
      },
      wait: (promise) => watch.wait(promise),
    });
    return {
      instance,
      release: () => {
        instance[Symbol.dispose]();
        for (const each of made) each.core.release(each.instance);
      },
      memory: () => {
        const memories = made.flatMap(({ core, instance: { memory } }) =>
          memory === undefined ? [] : [{ bytes: memory.buffer.byteLength, limitBytes: core.memoryLimitBytes }],
        );
        return memories.toSorted((a, b) => b.bytes - a.bytes)[0];
      },
    };
  }
}

/** The body, with its end when the work is over, and its failure. One that is whole already comes after that. */
async function endWith(work: Promise<void>, body: Body): Promise<Body> {
  if (body instanceof ReadableStream) return body.pipeThrough(new TransformStream({ flush: () => work }));
  await work;
  return body;
}

/** The largest memory of an instance, and what it may grow to. */
type MemoryUse = { readonly bytes: number; readonly limitBytes: number } | undefined;

/** What the handler failed with, in the words that the host knows. */
function explain(thrown: unknown, memory: MemoryUse): unknown {
  if (thrown instanceof HttpError) return new ProgramFailure("badAnswer", `its body was broken off: ${thrown.message}`);
  if (!(thrown instanceof HandlerFailure)) return explainTrap(thrown, memory);
  if (thrown.kind === "failed" && thrown.cause instanceof CliExit) {
    return new ProgramFailure("exited", String(thrown.cause.code));
  }
  if (thrown.kind === "failed") return explainTrap(thrown.cause, memory);
  if (thrown.kind === "no-response") return new ProgramFailure("badAnswer", "its handler set no response");
  if (thrown.kind !== "error") return thrown;
  const text = thrown.code?.tag === "internal-error" ? thrown.code.val : undefined;
  return readThrown(text, memory) ?? new ProgramFailure("badAnswer", thrown.message);
}

const OUT_OF_MEMORY = "its JavaScript used up the memory that it may have";
/** Where even the words for it find no place, QuickJS throws null. */
const WORDLESS = "null";

/** What JavaScript in Wasm says that it threw, as JSON text. */
function readThrown(text: string | undefined, memory: MemoryUse): Error | undefined {
  if (!text?.startsWith("{")) return undefined;
  try {
    const { name, message, stack, thrown } = fromGuest(JSON.parse(text));
    const isFull = memory !== undefined && memory.bytes > FULL * memory.limitBytes;
    const isMemory = name === "InternalError" && message === "out of memory";
    if (isMemory || (isFull && message === WORDLESS)) return new ProgramFailure("outOfMemory", OUT_OF_MEMORY);
    const whole = typeof thrown === "string" ? { thrown } : {};
    return Object.assign(new Error(String(message)), { name: String(name), stack: String(stack), ...whole });
  } catch {
    // because any component may answer with a text that begins like that
    return undefined;
  }
}

type Said = Readonly<Partial<Record<"name" | "message" | "stack" | "thrown", unknown>>>;

function fromGuest(value: unknown): Said {
  return value as Said;
}
