/** Who is signed in here. */
import { signal } from "@preact/signals";
import { forgetPerson, keepPerson, keptPerson } from "../offline/storage.ts";
import { AuthTrouble, api, auth, got } from "./auth.ts";

export interface Person {
  id: string;
  name: string;
  email: string;
  twoFactorEnabled?: boolean | null | undefined;
}

/** Undefined until it is known, null when nobody is. */
export const person = signal<Person | null | undefined>(undefined);
/** Whether accounts are kept by this server at all. */
export const hasAccounts = signal(true);

/** Ask who is signed in. While the server is away, it is who was here last. */
export async function recognise(): Promise<void> {
  try {
    const session = await got<{ user: Person } | null>((options) => auth.getSession({ fetchOptions: options }));
    await become(session?.user ?? null);
  } catch (trouble) {
    if (!(trouble instanceof AuthTrouble)) throw trouble;
    if (trouble.status === 404) {
      hasAccounts.value = false;
      person.value = null;
    } else {
      person.value = (await keptPerson()) ?? null;
    }
  }
}

export async function become(next: Person | null): Promise<void> {
  api.token.forget();
  const kept = await keptPerson();
  // What one person kept here is nothing for the next.
  if (kept && kept.id !== next?.id) await forgetPerson();
  if (next) await keepPerson(next);
  person.value = next;
}

export async function signOut(): Promise<void> {
  await got((options) => auth.signOut({ fetchOptions: options }));
  await become(null);
}

// A page that comes back from the browser's memory may show somebody who has signed out since.
addEventListener("pageshow", (event) => event.persisted && void recognise());
