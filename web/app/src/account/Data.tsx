import { answered } from "@todo-evolution/client";
import { useRef, useState } from "preact/hooks";
import type { Ask } from "./AppsScreen.tsx";
import { Part, Trouble, useWork } from "./Part.tsx";
import { api } from "../session/auth.ts";
import { become } from "../session/session.ts";
import { go } from "../router.ts";
import { t, tn } from "../words/index.ts";

type Format = "json" | "csv";

export function Data({ ask }: { ask: Ask }) {
  const heading = useRef<HTMLHeadingElement>(null);
  const chooser = useRef<HTMLInputElement>(null);
  const { isBusy, trouble, run } = useWork();
  const [news, setNews] = useState("");

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
    void run(async () => {
      const type = file.name.endsWith(".csv") ? "text/csv" : "application/json";
      const options = { body: file as never, bodySerializer: (body: unknown) => body as Blob, headers: { "content-type": type } };
      const { added } = await answered(api.client.POST("/api/account/import", options));
      setNews(tn("imported", added));
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
        {news}
      </p>
      <div class="actions end">
        <button class="danger" type="button" onClick={remove}>
          {t("delete_account")}
        </button>
      </div>
    </Part>
  );
}
