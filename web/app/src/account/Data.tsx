import { type components, answered } from "@todo-evolution/client";
import { useRef, useState } from "preact/hooks";
import type { Ask } from "./AppsScreen.tsx";
import { Part, Trouble, useWork } from "./Part.tsx";
import { api } from "../session/auth.ts";
import { become } from "../session/session.ts";
import { go } from "../router.ts";
import { t, tn } from "../words/index.ts";

type Format = "json" | "csv";
type Report = components["schemas"]["ImportReport"];

const SHOWN_LOSSES = 10;

export function Data({ ask }: { ask: Ask }) {
  const heading = useRef<HTMLHeadingElement>(null);
  const chooser = useRef<HTMLInputElement>(null);
  const { isBusy, trouble, run } = useWork();
  const [report, setReport] = useState<Report | null>(null);

  const save = (format: Format) =>
    run(async () => {
      const asked = api.client.GET("/api/account/export", { params: { query: { format } }, parseAs: "blob" });
      const file = URL.createObjectURL((await answered(asked)) as unknown as Blob);
      Object.assign(document.createElement("a"), { href: file, download: `todos.${format}` }).click();
      setTimeout(() => URL.revokeObjectURL(file), 60_000);
    });
  const take = () => {
    const file = chooser.current?.files?.[0];
    if (!file) return;
    setReport(null);
    void run(async () => {
      const type = file.name.endsWith(".csv") ? "text/csv" : "application/json";
      const options = { body: file as never, bodySerializer: (body: unknown) => body as Blob, headers: { "content-type": type } };
      setReport(await answered(api.client.POST("/api/account/import", options)));
    }).finally(() => {
      if (chooser.current) chooser.current.value = "";
    });
  };
  const remove = () =>
    ask({
      title: t("delete_account_title"),
      words: t("delete_account_words"),
      yes: t("delete_account"),
      act: async () => {
        await answered(api.client.DELETE("/api/account"));
        go("/", { instead: true });
        await become(null);
      },
      then: () => document.querySelector("input"),
    });
  return (
    <Part id="data-title" title={t("data")} words={t("data_words")} heading={heading}>
      <div class="actions">
        <button type="button" aria-disabled={isBusy} onClick={() => void save("json")}>
          {t("export_json")}
        </button>
        <button type="button" aria-disabled={isBusy} onClick={() => void save("csv")}>
          {t("export_csv")}
        </button>
        <button type="button" aria-disabled={isBusy} onClick={() => chooser.current?.click()}>
          {t("import")}
        </button>
        <input ref={chooser} type="file" accept=".json,.csv" hidden aria-label={t("import")} onChange={take} />
      </div>
      <Trouble words={trouble} />
      <p class="message good" role="status">
        {report && inBrief(report)}
      </p>
      {report && report.losses.length > 0 && <Losses report={report} />}
      <div class="actions end">
        <button class="danger" type="button" onClick={remove}>
          {t("delete_account")}
        </button>
      </div>
    </Part>
  );
}

function inBrief({ added, already_there, refused }: Report): string {
  const parts = [tn("imported", added), already_there > 0 && tn("already_there", already_there), refused > 0 && tn("refused_todos", refused)];
  return parts.filter(Boolean).join(" ");
}

function Losses({ report: { losses, losses_total: total } }: { report: Report }) {
  const shown = losses.slice(0, SHOWN_LOSSES);
  return (
    <div class="losses">
      <h3>{t("losses")}</h3>
      <ul>
        {shown.map(({ position, field, detail }) => (
          <li class="foreign">{t("loss", { position, detail: [field, detail].filter(Boolean).join(": ") })}</li>
        ))}
      </ul>
      {total > shown.length && <p>{t("more_losses", { count: total - shown.length })}</p>}
    </div>
  );
}
