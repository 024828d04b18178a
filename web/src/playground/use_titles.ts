import { useEffect, useState } from "react";

import type { Api } from "../api";
import type { Feed } from "../types";

// Titles of the posts on the page; they come after it, and a page without them is shown as it is.
export function useTitles(api: Api, feed: Feed | null): Map<string, string> {
  const [titles, setTitles] = useState(new Map<string, string>());
  useEffect(() => {
    if (!feed?.items.length) return;
    let gone = false;
    api.titles(feed.items).then(
      (found) => !gone && setTitles((was) => new Map([...[...was].slice(-500), ...Object.entries(found)])),
      () => undefined,
    );
    return () => {
      gone = true;
    };
  }, [api, feed]);
  return titles;
}
