/**
 * What hostile guests share. `/alive` is answered in good order, so that a test can ask whether the instance still
 * works; everything else misbehaves. Runs inside the guest.
 */

type Fetch = (request: Request, env: Record<string, any>, ctx: any) => unknown;

const { Response: OwnResponse, URL: OwnUrl } = globalThis;

export const guest = (misbehave: Fetch) => ({
  fetch: (request: Request, env: Record<string, any>, ctx: any): unknown =>
    new OwnUrl(request.url).pathname === "/alive" ? new OwnResponse("alive") : misbehave(request, env, ctx),
});

/** Tries ways out. An attempt that gives anything true has found one; to throw or to give nothing is to be refused. */
export async function tryAll(attempts: Record<string, () => unknown>): Promise<Response> {
  const escaped: Record<string, string> = {};
  for (const [name, attempt] of Object.entries(attempts)) {
    try {
      const found = await attempt();
      if (found) escaped[name] = String(found).slice(0, 300);
    } catch {
      // refused
    }
  }
  return OwnResponse.json({ escaped });
}

/** Whether a value is Node's real process object: it can do what no guest may. */
export const isProcess = (value: any): boolean =>
  typeof value === "object" &&
  value !== null &&
  (typeof value.binding === "function" || typeof value.reallyExit === "function" || typeof value.kill === "function");
