/**
 * Every way in which Nebula can fail: one table, one class.
 *
 * A row's `fault` says who must act, and the status, the log level, what a caller may read and the exit code
 * of the CLI follow from it. `docs/errors.md` has one heading per code; a test holds the two together.
 */

/** Who must act on a failure: the HTTP client, the owner of the function, or we. */
export type Fault = "caller" | "owner" | "host";

/** One row per code. */
export const ERROR_TABLE = {
  NEBULA_REQUEST_INVALID: { status: 400, fault: "caller" },
  NEBULA_UNAUTHORIZED: { status: 401, fault: "caller" },
  NEBULA_ROUTE_NOT_FOUND: { status: 404, fault: "caller" },
  NEBULA_FUNCTION_NOT_FOUND: { status: 404, fault: "caller" },
  NEBULA_REQUEST_TIMEOUT: { status: 408, fault: "caller" },
  NEBULA_BODY_TOO_LARGE: { status: 413, fault: "caller" },
  NEBULA_URL_TOO_LONG: { status: 414, fault: "caller" },
  NEBULA_HEADERS_TOO_LARGE: { status: 431, fault: "caller" },
  NEBULA_CLIENT_GONE: { status: 499, fault: "caller" },
  NEBULA_USAGE: { status: 400, fault: "caller" },

  NEBULA_CONFIG_INVALID: { status: 422, fault: "owner" },
  NEBULA_BUILD_FAILED: { status: 422, fault: "owner" },
  NEBULA_ARTIFACT_INVALID: { status: 422, fault: "owner" },
  NEBULA_MIGRATION_FAILED: { status: 422, fault: "owner" },
  NEBULA_SQL_FAILED: { status: 422, fault: "owner" },
  NEBULA_BACKUP_INVALID: { status: 422, fault: "owner" },
  NEBULA_PREPARE_FAILED: { status: 422, fault: "owner" },
  NEBULA_START_FAILED: { status: 500, fault: "owner" },
  NEBULA_GUEST_THREW: { status: 500, fault: "owner" },
  NEBULA_GUEST_TRAPPED: { status: 500, fault: "owner" },
  NEBULA_EXIT_CODE: { status: 500, fault: "owner" },
  NEBULA_GUEST_EXITED: { status: 500, fault: "owner" },
  NEBULA_PROTOCOL_BROKEN: { status: 500, fault: "owner" },
  NEBULA_RESPONSE_INVALID: { status: 500, fault: "owner" },
  NEBULA_RESPONSE_TOO_LARGE: { status: 500, fault: "owner" },
  NEBULA_CPU_LIMIT: { status: 503, fault: "owner" },
  NEBULA_MEMORY_LIMIT: { status: 503, fault: "owner" },
  NEBULA_WALL_LIMIT: { status: 504, fault: "owner" },
  NEBULA_SUBREQUEST_LIMIT: { status: 500, fault: "owner" },
  NEBULA_OUTBOUND_DENIED: { status: 500, fault: "owner" },
  NEBULA_OUTBOUND_FAILED: { status: 502, fault: "owner" },
  NEBULA_STORAGE_TIMEOUT: { status: 504, fault: "owner" },

  NEBULA_OVERLOADED: { status: 503, fault: "host" },
  NEBULA_DRAINING: { status: 503, fault: "host" },
  NEBULA_LISTEN_FAILED: { status: 500, fault: "host" },
  NEBULA_STATE_FAILED: { status: 500, fault: "host" },
  NEBULA_STORAGE_ENDED: { status: 503, fault: "host" },
  NEBULA_NODE_UNREACHABLE: { status: 503, fault: "host" },
  NEBULA_INTERNAL: { status: 500, fault: "host" },
} as const satisfies Record<string, { status: number; fault: Fault }>;

/** The name of a row. */
export type ErrorCode = keyof typeof ERROR_TABLE;

/** One problem in a file the owner wrote. `line` and `column` count from 1. */
export interface Diagnostic {
  readonly severity: "error" | "warning";
  readonly message: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly hint?: string;
}

/** What an error may have besides its code and its message. */
export interface NebulaErrorOptions {
  /** What the reader can do next, one sentence. */
  readonly hint?: string | undefined;
  /** Names and sizes that help to find the place; never secrets, bodies or header values. */
  readonly details?: Readonly<Record<string, string | number | boolean>>;
  /** All problems at once, where files of the owner are at fault. */
  readonly diagnostics?: readonly Diagnostic[];
  readonly cause?: unknown;
}

/** A failure with a row in the table. Compare `code`, never `instanceof`. */
export class NebulaError extends Error {
  override readonly name = "NebulaError";
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, string | number | boolean>>;
  readonly diagnostics: readonly Diagnostic[];

  constructor(code: ErrorCode, message: string, options: NebulaErrorOptions = {}) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.hint = options.hint;
    this.details = options.details ?? {};
    this.diagnostics = options.diagnostics ?? [];
  }

  get status(): number {
    return ERROR_TABLE[this.code].status;
  }

  get fault(): Fault {
    return ERROR_TABLE[this.code].fault;
  }
}

/** Turns any thrown value into a NebulaError; what has no row of its own becomes NEBULA_INTERNAL with its cause. */
export function toNebulaError(thrown: unknown): NebulaError {
  if (thrown instanceof NebulaError) return thrown;
  return new NebulaError("NEBULA_INTERNAL", "Internal error", { cause: thrown });
}

/** What anything that was thrown says of itself, for people. */
export function describeThrown(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** What a failure becomes where it is told again. */
export interface Retelling {
  readonly code: ErrorCode;
  /** The words of before, in the words of now. */
  toMessage(message: string): string;
  /** Beside those that it has. */
  readonly details?: NebulaErrorOptions["details"];
}

/** A failure in other words: its details and its hint stay, and it is the cause. */
export function retell(thrown: unknown, { code, toMessage, details }: Retelling): NebulaError {
  const { message, hint, details: known } = toNebulaError(thrown);
  return new NebulaError(code, toMessage(message), { hint, details: { ...known, ...details }, cause: thrown });
}
