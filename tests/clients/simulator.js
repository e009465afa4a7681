// Starts kiro-sim on a free port for one test file.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export async function startSimulator(...options) {
  const program = process.env.KIRO_SIM;
  if (!program) throw new Error("KIRO_SIM must name the kiro-sim program");
  const child = spawn(program, ["--port=0", "--fast", ...options], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(createInterface({ input: child.stdout }), "line");
  const { http } = JSON.parse(line);
  const control = async (method, path, body) => {
    const answer = await fetch(`${http}/__control${path}`, { method, body: body && JSON.stringify(body) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  };
  return {
    base: http,
    control,
    account: (spec) => control("POST", "/accounts", spec),
    turn: (spec) => control("POST", "/turns", spec),
    fault: (spec) => control("POST", "/faults", spec),
    async stop() {
      child.kill("SIGTERM");
      const [code] = await once(child, "exit");
      return code;
    },
  };
}
