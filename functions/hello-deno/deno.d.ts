/** The part of Deno's API that this function uses; on Deno itself the real types take its place. */
declare const Deno: {
  serve(handler: (request: Request) => Response | Promise<Response>): unknown;
  readonly env: { get(name: string): string | undefined };
};
