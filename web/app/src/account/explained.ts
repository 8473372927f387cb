/** What was refused, in words for the person. */
import { Refusal, Unreachable } from "@todo-evolution/client";
import { AuthTrouble } from "../session/auth.ts";
import { wordsFor } from "../session/trouble.ts";
import { t } from "../words/index.ts";

export function explained(reason: unknown): string {
  if (reason instanceof AuthTrouble) return wordsFor(reason);
  if (reason instanceof Unreachable) return t("unreachable");
  if (reason instanceof Refusal) {
    return reason.code === "reauthentication_required" ? t("sign_in_again_first") : t("went_wrong", { reason: reason.message });
  }
  throw reason;
}
