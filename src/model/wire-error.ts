/**
 * Errors as plain data: what crosses from a guest to the host.
 *
 * Posted as they are, errors lose class, name and code on the way, and a guest's may have hostile getters.
 */

/** A failure as text. */
export interface WireError {
  readonly name: string;
  readonly message: string;
  /** As V8 wrote it, positions in the bundle. */
  readonly stack?: string;
  /** What kind of failure it was, as the host says it; see OutboundReason. */
  readonly reason?: string;
  /** All of what a method threw, as text of a clone; see CallFailure. */
  readonly thrown?: string;
}

const TEXT_LIMIT = 8_192;

/** Turns anything a guest can throw into plain data. Never throws, whatever the getters do. */
export function toWireError(thrown: unknown): WireError {
  try {
    if (!(thrown instanceof Error)) return { name: "Error", message: cut(String(thrown)) };
    const { name, message, stack } = thrown;
    const reason = "reason" in thrown ? thrown.reason : undefined;
    const whole = "thrown" in thrown ? thrown.thrown : undefined;
    return {
      name: cut(String(name)),
      message: cut(String(message)),
      ...(typeof stack === "string" && { stack: cut(stack) }),
      ...(typeof reason === "string" && { reason: cut(reason) }),
      // because half of it is nothing
      ...(typeof whole === "string" && whole.length <= TEXT_LIMIT && { thrown: whole }),
    };
  } catch {
    // because a guest may throw an object whose getters, or whose toString, throw
    return { name: "Error", message: "(a value that cannot be printed)" };
  }
}

/** Reads a WireError out of what a guest sent; whatever is not as it should be becomes an empty text. */
export function fromWireError(value: unknown): WireError {
  const error: Record<string, unknown> = typeof value === "object" && value !== null ? { ...value } : {};
  const text = (key: string) => (typeof error[key] === "string" ? cut(error[key]) : undefined);
  const stack = text("stack");
  const reason = text("reason");
  return {
    name: text("name") ?? "Error",
    message: text("message") ?? "",
    ...(stack !== undefined && { stack }),
    ...(reason !== undefined && { reason }),
    ...(typeof error.thrown === "string" && error.thrown.length <= TEXT_LIMIT && { thrown: error.thrown }),
  };
}

function cut(text: string): string {
  return text.length > TEXT_LIMIT ? `${text.slice(0, TEXT_LIMIT)}…` : text;
}
