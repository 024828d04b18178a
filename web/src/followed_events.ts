// The newest messages of the server, kept up to date by its live events.
import { useEffect, useState } from "react";

import type { Api } from "./api";
import type { EventRow } from "./types";

const comeBackMs = 1500;

export interface Followed {
  rows: EventRow[] | null; // newest first; null before the first word of the server
  error: string;
}

// Those that came now before those that were there. A sequence that begins anew is another process's.
export function withNewest(known: EventRow[], came: EventRow[], max: number): EventRow[] {
  const [first] = came;
  if (!first) return known;
  const anew = known[0] !== undefined && first.sequence <= known[0].sequence;
  return [...came].reverse().concat(anew ? [] : known).slice(0, max);
}

export function useFollowedEvents(api: Api, kind: "all" | "refused", max: number): Followed {
  const [followed, setFollowed] = useState<Followed>({ rows: null, error: "" });
  useEffect(() => {
    const leaving = new AbortController();
    let known: EventRow[] = [];
    setFollowed({ rows: null, error: "" });
    const take = (came: EventRow[]) => {
      known = withNewest(known, came, max);
      setFollowed({ rows: known, error: "" });
    };
    const follow = async () => {
      while (!leaving.signal.aborted) {
        try {
          await api.follow(kind, known[0]?.sequence ?? 0, take, leaving.signal);
        } catch (reason) {
          if (!leaving.signal.aborted) setFollowed({ rows: known.length ? known : null, error: (reason as Error).message });
        }
        await new Promise((resolve) => setTimeout(resolve, comeBackMs));
      }
    };
    void follow();
    return () => leaving.abort();
  }, [api, kind, max]);
  return followed;
}
