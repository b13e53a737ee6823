/**
 * What every response carries: a strict content security policy, and a way to ask "has it changed?".
 */

import type { MiddlewareHandler } from "hono";
import { etag } from "hono/etag";
import { secureHeaders } from "hono/secure-headers";

const SELF = ["'self'"];

/** Nothing is loaded from elsewhere, nothing is inline, nobody frames the site. `public/_headers` says the same. */
export const protect: MiddlewareHandler = secureHeaders({
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    imgSrc: SELF,
    styleSrc: SELF,
    scriptSrc: SELF,
    formAction: SELF,
    baseUri: ["'none'"],
    frameAncestors: ["'none'"],
  },
  referrerPolicy: "strict-origin-when-cross-origin",
  strictTransportSecurity: false, // whoever ends TLS decides that
  xFrameOptions: "DENY",
});

const addEtag = etag();

/** Gives 200s an ETag and answers 304 when the visitor has them already; no other status can be "not modified". */
export const revalidate: MiddlewareHandler = async (c, next) => {
  await next();
  if (c.res.status === 200) await addEtag(c, async () => {});
};
