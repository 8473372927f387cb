/**
 * What the pages ask of the server. The session is a cookie that no script can read, and the access token it
 * buys stays in this module's memory: a page that is closed leaves nothing behind.
 */

const LONGEST_MILLISECONDS = 30_000;

/** Something the server did not do, in words for the person; `wait` are the seconds until it may be asked again. */
export class Refusal extends Error {
  constructor(message, { status = 0, code = "", wait = 0 } = {}) {
    super(message);
    Object.assign(this, { status, code, wait });
  }
}

/** Ask Better Auth: with a body it is a POST. */
export function call(path, body) {
  return answered(`/api/auth/${path}`, { method: body ? "POST" : "GET", body });
}

/** Ask the API, as the person who is signed in. */
export async function api(method, path, body) {
  const ask = async () =>
    answered(path, { method, body, headers: { authorization: `Bearer ${await accessToken()}` } });
  try {
    return await ask();
  } catch (refusal) {
    if (refusal.status !== 401) throw refusal;
    token = null;
    return ask();
  }
}

/** Milliseconds from issue to expiry: measured from arrival, so that a wrong clock here does no harm. */
export function lifetime(jwt) {
  const payload = jwt.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
  const { iat, exp } = JSON.parse(atob(payload));
  return (exp - iat) * 1000;
}

let token = null;
let coming = null;

async function accessToken() {
  if (token && performance.now() < token.renewAt) return token.jwt;
  coming ??= call("token").finally(() => (coming = null));
  const { token: jwt } = await coming;
  token = { jwt, renewAt: performance.now() + 0.8 * lifetime(jwt) };
  return jwt;
}

async function answered(url, { method, body, headers }) {
  const request = {
    method,
    headers: { ...headers, ...(body && { "content-type": "application/json" }) },
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(LONGEST_MILLISECONDS),
  };
  const answer = await fetch(url, request).catch(() => {
    throw new Refusal("The server cannot be reached. Try again in a moment.");
  });
  const data = await answer.json().catch(() => null);
  if (!answer.ok) throw refusalOf(answer, data);
  return data;
}

function refusalOf(answer, data) {
  const { status } = answer;
  const code = data?.error_code ?? data?.code ?? data?.error ?? "";
  if (status !== 429) {
    const message = data?.detail ?? data?.message ?? `The server could not answer (HTTP ${status}). Try again in a moment.`;
    return new Refusal(message, { status, code });
  }
  const seconds = answer.headers.get("retry-after") ?? answer.headers.get("x-retry-after");
  const wait = Number(seconds) > 0 ? Number(seconds) : 60;
  return new Refusal(`Too many attempts. Wait ${wait} ${wait === 1 ? "second" : "seconds"}, then try again.`, { status, code, wait });
}
