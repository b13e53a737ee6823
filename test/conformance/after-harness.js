// Collects what the harness finds out; what is there when the time is up counts too.
const wptTests = [];
const wptTell = (status, message) => wpt.done.resolve({ status, message, tests: wptTests });
add_result_callback(({ name, status, message }) => wptTests.push({ name, status, message }));
add_completion_callback((_tests, { status, message }) => wptTell(status, message));
wpt.setTimeout.call(undefined, () => wptTell(2, "out of time"), wpt.timeoutMs);
// idlharness asks for the kind of scope by these names; the harness itself must not see them.
for (const name of ["WorkerGlobalScope", "DedicatedWorkerGlobalScope"]) {
  globalThis[name] = { [Symbol.hasInstance]: (value) => value === globalThis };
}
