/** What an app may be allowed, in plain words, in the order in which it matters. */
export const SCOPES = {
  "todo:read": "See your todos",
  "todo:write": "Add, change and delete your todos",
  offline_access: "Stay connected until you disconnect it",
  openid: "Recognise your account",
  profile: "See your name",
  email: "See your e-mail address",
};

/** Sort scopes as above; those without words come last, under their own names. */
export function inWords(scopes) {
  const order = Object.keys(SCOPES);
  const place = (scope) => (order.includes(scope) ? order.indexOf(scope) : order.length);
  return [...new Set(scopes)]
    .sort((a, b) => place(a) - place(b))
    .map((scope) => ({ scope, words: SCOPES[scope] ?? `Use “${scope}”` }));
}
