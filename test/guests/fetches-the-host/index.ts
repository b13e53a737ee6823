import { guest, tryAll } from "../kit.ts";

/** `TRAP` is a port of this machine that listens; whatever reaches it is counted. */
export default guest((_request, env) => {
  const port = env.TRAP;
  const targets = [
    `http://127.0.0.1:${port}/`,
    `http://localhost:${port}/`,
    `http://localhost.:${port}/`,
    `http://[::1]:${port}/`,
    `http://[::ffff:127.0.0.1]:${port}/`,
    `http://0.0.0.0:${port}/`,
    `http://0:${port}/`,
    `http://127.1:${port}/`,
    `http://2130706433:${port}/`,
    `http://0x7f.1:${port}/`,
    `http://0177.0.0.1:${port}/`,
    `http://user:pass@127.0.0.1:${port}/`,
    `http://a.localhost:${port}/`,
    "http://169.254.169.254/latest/meta-data/",
    "http://[fd00:ec2::254]/",
    "http://metadata.google.internal/",
    "http://127.0.0.1:8787/",
    "http://127.0.0.1:8788/",
    "http://127.0.0.1:22/",
    "http://10.0.0.1/",
    "https://example.com/",
    "file:///etc/passwd",
    "ftp://127.0.0.1/",
    "ws://127.0.0.1/",
    "unix:/var/run/docker.sock",
    "gopher://127.0.0.1/",
  ];
  return tryAll(Object.fromEntries(targets.map((url) => [url, async () => (await fetch(url)).status])));
});
