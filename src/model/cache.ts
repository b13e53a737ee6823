/**
 * The Cache API: what a function's side and the host's agree on.
 *
 *     GET    URL    the request's headers                                     the response, or 504 and `MISS`
 *     PUT    URL    the response's headers, and its status in one of its own  204, or 413 when it is not kept
 *     DELETE URL                                                              200, or 404 when there was nothing
 */

/** The binding that every function has for it: no binding of a configuration has such a name. */
export const CACHE_BINDING = "nebula-cache";
/** The header with the cache's name, escaped as in a URL; absent for the default one. */
export const CACHE_NAME = "nebula-cache-name";
/** The header with the status of the response to be kept. */
export const CACHED_STATUS = "nebula-cached-status";
/** The header that stands where the request, that the response answers, came with authorization. */
export const CACHE_AUTHORIZED = "nebula-cache-authorized";
/** The header by which an answer tells `HIT` from `MISS`. */
export const CACHE_HIT = "cf-cache-status";
