/** An access token in memory, renewed before it runs out. */
export class AccessToken {
  #fetchToken: () => Promise<string>;
  #held: { jwt: string; renewAt: number } | null = null;
  #coming: Promise<string> | null = null;

  constructor(fetchToken: () => Promise<string>) {
    this.#fetchToken = fetchToken;
  }

  /** Give a token that is good for a while; fetched once however many ask. */
  get(): Promise<string> {
    if (this.#held && performance.now() < this.#held.renewAt) return Promise.resolve(this.#held.jwt);
    this.#coming ??= this.#fetch().finally(() => (this.#coming = null));
    return this.#coming;
  }

  /** Fetch a new one next time: the session is another, or the server refused this one. */
  forget(): void {
    this.#held = null;
  }

  async #fetch(): Promise<string> {
    const jwt = await this.#fetchToken();
    // Measured from arrival, so that a wrong clock here does no harm.
    this.#held = { jwt, renewAt: performance.now() + 0.8 * lifetimeMilliseconds(jwt) };
    return jwt;
  }
}

function lifetimeMilliseconds(jwt: string): number {
  const payload = (jwt.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
  const { iat, exp } = JSON.parse(atob(payload)) as { iat: number; exp: number };
  return (exp - iat) * 1000;
}
