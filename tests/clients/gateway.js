// Starts kiro-sim and omnirouted on free ports, with one account signed in, for one test file.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startSimulator } from "./simulator.js";

export const MODEL = "kiro/dev/claude-sonnet-4.5";
// The smallest PNG: one transparent point.
export const PNG =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

export async function until(condition, what, seconds = 20) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export async function startGateway() {
  const program = process.env.OMNIROUTED;
  const plugins = process.env.OMNI_PLUGINS;
  if (!program || !plugins) throw new Error("OMNIROUTED and OMNI_PLUGINS must name the program and its plugins");
  const sim = await startSimulator();
  const work = mkdtempSync(join(tmpdir(), "omni-clients-"));
  mkdirSync(join(work, "data"), { mode: 0o700 });
  const ready = join(work, "ready.json");
  const settings = ["server.port=0", `data.dir=${work}/data`, `plugins.dir=${plugins}`, `log.file=${work}/log`];
  for (const [name, path] of Object.entries({
    oidc: "oidc/{region}", social: "auth-desktop", runtime: "runtime/{region}", management: "management/{region}",
    legacy: "legacy/{region}",
  })) settings.push(`plugins.kiro.endpoint.${name}=${sim.base}/${path}`);
  const child = spawn(program, [`--ready-file=${ready}`, ...settings.flatMap((text) => ["--set", text])],
    { stdio: ["ignore", "ignore", "inherit"] });
  await until(() => existsSync(ready) || child.exitCode !== null, "omnirouted to be ready", 60);
  if (child.exitCode !== null) throw new Error(`omnirouted ended with ${child.exitCode}`);
  const base = `http://127.0.0.1:${JSON.parse(readFileSync(ready, "utf8")).port}`;
  const call = async (method, path, body) => {
    const answer = await fetch(base + path,
      { method, headers: { "content-type": "application/json" }, body: body && JSON.stringify(body) });
    const json = await answer.json();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(json)}`);
    return json;
  };
  const account = await sim.account({ kind: "social", email: "dev@example.com" });
  const imported = await call("POST", "/api/oauth/kiro/import", { refreshToken: account.refreshToken });
  await call("PATCH", `/api/providers/${imported.connection.id}`, { name: "dev" });
  // Which models an account has is learnt in the background; until then any name may be asked for.
  await until(async () => (await call("GET", "/v1/models")).data.some((m) => m.id.startsWith("kiro/dev/")), "the account's models");
  return {
    base,
    sim,
    call,
    // The bodies of the chats that reached the provider.
    async chats() {
      const { requests } = await sim.control("GET", "/requests").then((r) => (Array.isArray(r) ? { requests: r } : r));
      return requests.map((r) => (typeof r.body === "string" ? tryParse(r.body) : r.body))
        .filter((body) => body?.conversationState);
    },
    async stop() {
      child.kill("SIGTERM");
      const [code] = child.exitCode === null ? await once(child, "exit") : [child.exitCode];
      await sim.stop();
      rmSync(work, { recursive: true, force: true });
      return code;
    },
  };
}

function tryParse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
