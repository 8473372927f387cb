/** What Better Auth refuses, in words for the person. */
import { AuthTrouble } from "./auth.ts";
import { t, tn } from "../words/index.ts";

export function wordsFor(trouble: AuthTrouble): string {
  switch (trouble.code) {
    case "INVALID_EMAIL_OR_PASSWORD":
      return t("wrong_password");
    case "EMAIL_PASSWORD_SIGN_UP_DISABLED":
      return t("no_new_accounts");
    case "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL":
      return t("email_taken");
    case "PASSWORD_TOO_SHORT":
      return t("password_short");
    case "INVALID_PASSWORD":
      return t("password_wrong");
    case "INVALID_CODE":
    case "INVALID_BACKUP_CODE":
      return t("code_wrong");
    case "PASSKEY":
      return t("passkey_failed");
    case "TOO_MANY":
      return tn("too_many", trouble.waitSeconds);
    case "LEADS_ELSEWHERE":
      return t("leads_elsewhere");
    case "UNREACHABLE":
      return t("unreachable");
    default:
      return trouble.status === 404 ? t("accounts_elsewhere") : t("went_wrong", { reason: trouble.message || trouble.code });
  }
}
