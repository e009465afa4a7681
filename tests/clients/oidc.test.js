// The sign-in service, judged by the vendor's own client.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import {
  CreateTokenCommand,
  RegisterClientCommand,
  SSOOIDCClient,
  StartDeviceAuthorizationCommand,
} from "@aws-sdk/client-sso-oidc";
import { startSimulator } from "./simulator.js";

const DEVICE = "urn:ietf:params:oauth:grant-type:device_code";
let sim;
let oidc;

const clientFor = (region) => new SSOOIDCClient({ region, endpoint: `${sim.base}/oidc/${region}`, maxAttempts: 1 });
const register = (more = {}) =>
  oidc.send(new RegisterClientCommand({ clientName: "check", clientType: "public", ...more }));
const creds = ({ clientId, clientSecret }) => ({ clientId, clientSecret });
const start = (client, startUrl = "https://view.awsapps.com/start") =>
  oidc.send(new StartDeviceAuthorizationCommand({ ...creds(client), startUrl }));
const token = (client, more, via = oidc) => via.send(new CreateTokenCommand({ ...creds(client), ...more }));
const refresh = (client, refreshToken, via) => token(client, { grantType: "refresh_token", refreshToken }, via);

async function rejects(promise, name, status, error) {
  await assert.rejects(promise, (problem) => {
    assert.equal(problem.name, name);
    assert.equal(problem.$metadata.httpStatusCode, status);
    assert.equal(problem.error, error);
    assert.ok(problem.error_description);
    assert.ok(problem.$metadata.requestId);
    return true;
  });
}

before(async () => {
  sim = await startSimulator();
  oidc = clientFor("us-east-1");
});
after(async () => assert.equal(await sim.stop(), 0));

test("registration", async () => {
  const client = await register({ scopes: ["codewhisperer:completions"] });
  assert.ok(client.clientId && client.clientSecret);
  assert.equal(client.clientSecretExpiresAt - client.clientIdIssuedAt, 90 * 24 * 3600);
});

test("device sign-in, then refresh", async () => {
  const client = await register();
  const device = await start(client);
  assert.ok(device.verificationUriComplete.includes(device.userCode));
  assert.equal(device.expiresIn, 600);
  const poll = () => token(client, { grantType: DEVICE, deviceCode: device.deviceCode });
  await rejects(poll(), "AuthorizationPendingException", 400, "authorization_pending");
  await rejects(poll(), "SlowDownException", 400, "slow_down");
  await sim.control("POST", "/device/approve", { userCode: device.userCode });
  await sim.control("POST", "/clock/advance", { seconds: 10 });
  const tokens = await poll();
  assert.match(tokens.accessToken, /^aoaAAAAAG.{190,}$/);
  assert.match(tokens.refreshToken, /^aorAAAAAG.{190,}$/);
  assert.equal(tokens.tokenType, "Bearer");
  assert.equal(tokens.expiresIn, 3600);
  const next = await refresh(client, tokens.refreshToken);
  assert.notEqual(next.refreshToken, tokens.refreshToken);
  await rejects(refresh(client, tokens.refreshToken), "InvalidGrantException", 400, "invalid_grant");
});

test("a second sign-in with the same registration ends the first", async () => {
  const first = await sim.account({ kind: "builder_id" });
  const second = await sim.account({ kind: "builder_id", clientId: first.clientId });
  await rejects(refresh(first, first.refreshToken), "InvalidGrantException", 400, "invalid_grant");
  assert.ok((await refresh(second, second.refreshToken)).accessToken);
});

test("denied and expired device codes", async () => {
  const client = await register();
  const denied = await start(client);
  await sim.control("POST", "/device/deny", { userCode: denied.userCode });
  await rejects(token(client, { grantType: DEVICE, deviceCode: denied.deviceCode }), "AccessDeniedException", 400,
    "access_denied");
  const expired = await start(client);
  await sim.control("POST", "/clock/advance", { seconds: 601 });
  await rejects(token(client, { grantType: DEVICE, deviceCode: expired.deviceCode }), "ExpiredTokenException", 400,
    "expired_token");
});

test("authorization code with PKCE", async () => {
  const redirectUri = "http://127.0.0.1:49153/oauth/callback";
  const client = await register({
    grantTypes: ["authorization_code", "refresh_token"],
    redirectUris: ["http://127.0.0.1/oauth/callback"],
    issuerUrl: "https://view.awsapps.com/start",
    scopes: ["codewhisperer:completions", "codewhisperer:analysis"],
  });
  const codeVerifier = randomBytes(32).toString("base64url");
  const query = new URLSearchParams({
    response_type: "code",
    client_id: client.clientId,
    redirect_uri: redirectUri,
    scopes: "codewhisperer:completions,codewhisperer:analysis",
    state: "here",
    code_challenge: createHash("sha256").update(codeVerifier).digest("base64url"),
    code_challenge_method: "S256",
  });
  const browser = await fetch(`${sim.base}/oidc/us-east-1/authorize?${query}`, { redirect: "manual" });
  const back = new URL(browser.headers.get("location"));
  assert.equal(back.searchParams.get("state"), "here");
  const exchange = { grantType: "authorization_code", code: back.searchParams.get("code"), codeVerifier, redirectUri };
  assert.ok((await token(client, exchange)).refreshToken);
  await rejects(token(client, exchange), "InvalidGrantException", 400, "invalid_grant");
});

test("every other refusal the client models", async () => {
  const client = await register();
  await rejects(register({ clientType: "confidential" }), "InvalidClientMetadataException", 400,
    "invalid_client_metadata");
  await rejects(register({ scopes: ["a b"] }), "InvalidScopeException", 400, "invalid_scope");
  await rejects(register({ redirectUris: ["nowhere"] }), "InvalidRedirectUriException", 400, "invalid_redirect_uri");
  await rejects(register({ grantTypes: ["password"] }), "UnsupportedGrantTypeException", 400, "unsupported_grant_type");
  await rejects(start(client, "https://example.com/start"), "InvalidRequestException", 400, "invalid_request");
  await rejects(refresh({ ...client, clientSecret: "wrong" }, "x"), "InvalidClientException", 401, "invalid_client");
  await rejects(refresh(client, "x", clientFor("eu-west-1")), "InvalidRequestRegionException", 400, "invalid_request");
  const narrow = await register({ grantTypes: ["refresh_token"] });
  await rejects(start(narrow), "UnauthorizedClientException", 400, "unauthorized_client");
  await sim.fault({
    target: "oidc.token", status: 500, headers: { "content-type": "application/json" },
    body: { __type: "InternalServerException", error: "server_error", error_description: "broken" },
  });
  await rejects(refresh(client, "x"), "InternalServerException", 500, "server_error");
});
