import { useEffect, useRef, useState } from "preact/hooks";
import { CopyLine } from "./CopyLine.tsx";
import { Part, Trouble, useWork } from "./Part.tsx";
import { PasswordField } from "./PasswordField.tsx";
import { QrCode } from "./QrCode.tsx";
import { announce } from "../design/announcer.ts";
import { auth, got } from "../session/auth.ts";
import { person, recognise } from "../session/session.ts";
import { t } from "../words/index.ts";

interface Beginning {
  totpURI: string;
  backupCodes: string[];
}

export function TwoFactor() {
  const isOn = Boolean(person.value?.twoFactorEnabled);
  const heading = useRef<HTMLHeadingElement>(null);
  const [begun, setBegun] = useState<Beginning | null>(null);
  const finish = async (words: string) => {
    setBegun(null);
    await recognise();
    announce(words);
    heading.current?.focus();
  };
  return (
    <Part id="two-factor-title" title={t("two_factor")} words={isOn ? t("two_factor_is_on") : t("two_factor_words")} heading={heading}>
      {begun ? (
        <Confirm begun={begun} finish={() => finish(t("two_factor_turned_on"))} />
      ) : (
        <WithPassword isOn={isOn} begin={setBegun} finish={() => finish(t("two_factor_turned_off"))} />
      )}
    </Part>
  );
}

function WithPassword({ isOn, begin, finish }: { isOn: boolean; begin: (begun: Beginning) => void; finish: () => Promise<void> }) {
  const { isBusy, trouble, run } = useWork();
  const go = (event: Event) => {
    event.preventDefault();
    const password = String(new FormData(event.currentTarget as HTMLFormElement).get("two-factor-password"));
    void run(async () => {
      if (isOn) {
        await got((options) => auth.twoFactor.disable({ password, fetchOptions: options }));
        await finish();
      } else {
        begin(await got<Beginning>((options) => auth.$fetch("/two-factor/enable", { method: "POST", body: { password }, ...options })));
      }
    });
  };
  return (
    <form class="form" onSubmit={go}>
      <PasswordField id="two-factor-password" label={t("password_now")} autocomplete="current-password" />
      <div class="actions">
        <button class={isOn ? "danger" : "primary"} aria-disabled={isBusy}>
          {isOn ? t("turn_off") : t("turn_on")}
        </button>
      </div>
      <Trouble words={trouble} />
    </form>
  );
}

function Confirm({ begun: { totpURI, backupCodes }, finish }: { begun: Beginning; finish: () => Promise<void> }) {
  const { isBusy, trouble, run } = useWork();
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => title.current?.focus(), []);
  const secret = new URL(totpURI).searchParams.get("secret") ?? "";
  const confirm = (event: Event) => {
    event.preventDefault();
    const code = String(new FormData(event.currentTarget as HTMLFormElement).get("code")).replace(/\s/g, "");
    void run(async () => {
      await got((options) => auth.twoFactor.verifyTotp({ code, fetchOptions: options }));
      await finish();
    });
  };
  return (
    <form class="form" onSubmit={confirm}>
      <h3 ref={title} tabIndex={-1}>
        {t("scan")}
      </h3>
      <QrCode text={totpURI} label={t("qr_code")} />
      <CopyLine text={secret} label={t("copy_secret")} id="totp-secret" />
      <h3>{t("backup_codes")}</h3>
      <p class="hint">{t("backup_codes_words")}</p>
      <CopyLine text={backupCodes.join(" ")} label={t("copy_codes")} id="backup-codes" />
      <div class="field">
        <label for="totp-code">{t("code")}</label>
        <input id="totp-code" name="code" inputMode="numeric" autocomplete="one-time-code" required maxLength={8} />
      </div>
      <div class="actions">
        <button class="primary" aria-disabled={isBusy}>
          {t("confirm")}
        </button>
      </div>
      <Trouble words={trouble} />
    </form>
  );
}
