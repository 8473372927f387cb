import { t } from "../words/index.ts";

interface NotLoadedProps {
  why: string;
  load: () => Promise<void>;
}

/** What a screen says instead of what could not be loaded. */
export function NotLoaded({ why, load }: NotLoadedProps) {
  return (
    <section class="trouble">
      <p class="message" role="alert">
        {why}
      </p>
      <div class="actions">
        <button class="primary" type="button" onClick={() => void load()}>
          {t("try_again")}
        </button>
      </div>
    </section>
  );
}
