import { useEffect, useRef } from "preact/hooks";
import type { Place } from "../session/app_place.ts";
import { follow } from "../session/leave.ts";
import { t } from "../words/index.ts";

interface LeavingProps {
  isAllowed: boolean;
  place: Place;
  address: string;
  redirectUri: string;
}

/** The decision is on its way. An app on this device may have to be opened by hand, and the page stays. */
export function Leaving({ isAllowed, place, address, redirectUri }: LeavingProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  const title = t(isAllowed ? "allowed" : "denied");
  useEffect(() => void (document.title = `${title} · ${t("product")}`));
  useEffect(() => heading.current?.focus(), []);
  return (
    <main class="narrow">
      <h1 ref={heading} tabIndex={-1}>
        {title}
      </h1>
      <p class="lead" role="status">
        {t("going_back")}
      </p>
      {place.kind === "device" && (
        <>
          <p class="lead">{t("open_app_words")}</p>
          <div class="actions">
            <button class="primary" type="button" onClick={() => follow(address, redirectUri)}>
              {t("open_app")}
            </button>
          </div>
        </>
      )}
    </main>
  );
}
