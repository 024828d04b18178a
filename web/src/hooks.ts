import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";

export interface Polled<T> {
  value: T | null;
  error: string;
  // What is shown is no longer how things are: the last answer failed, or is older than three periods.
  stale: boolean;
  answeredAt: number | null; // performance.now() of the last good answer
  refresh: () => void;
}

const stalePeriods = 3;

// Asks again and again while the page is looked at.
export function usePolled<T>(ask: () => Promise<T>, periodMs: number): Polled<T> {
  const [value, setValue] = useState<T | null>(null);
  const [error, setError] = useState("");
  const [answeredAt, setAnsweredAt] = useState<number | null>(null);
  const [late, setLate] = useState(false);
  const asking = useRef(ask);
  asking.current = ask;
  const refresh = useCallback(() => {
    asking.current().then(
      (answer) => {
        setValue(answer);
        setError("");
        setAnsweredAt(performance.now());
        setLate(false);
      },
      (reason: Error) => setError(reason.message),
    );
  }, []);
  useEffect(() => {
    refresh();
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") refresh();
    }, periodMs);
    return () => clearInterval(timer);
  }, [refresh, periodMs]);
  useEffect(() => {
    if (answeredAt === null) return;
    const timer = setTimeout(() => setLate(true), Math.max(stalePeriods * periodMs, 5000));
    return () => clearTimeout(timer);
  }, [answeredAt, periodMs]);
  return { value, error, stale: error !== "" || late, answeredAt, refresh };
}

export function useMedia(query: string): boolean {
  const [matches, setMatches] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const change = () => setMatches(list.matches);
    change();
    list.addEventListener("change", change);
    return () => list.removeEventListener("change", change);
  }, [query]);
  return matches;
}

const moveMs = 420;

// Lets the children of a list glide from where they were to where they are (first, last, invert, play). Children carry data-id.
export function useGlide(list: React.RefObject<HTMLElement | null>, key: unknown): void {
  const places = useRef(new Map<string, number>());
  useLayoutEffect(() => {
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const next = new Map<string, number>();
    for (const child of list.current?.children ?? []) {
      const element = child as HTMLElement;
      const id = element.dataset.id ?? "";
      next.set(id, element.offsetTop);
      const was = places.current.get(id);
      if (calm || !element.animate || places.current.size === 0) continue;
      if (was === undefined) {
        element.animate([{ opacity: 0, transform: "scale(.97)" }, { opacity: 1, transform: "none" }], { duration: moveMs, easing: "ease-out" });
      } else if (was !== element.offsetTop) {
        element.animate([{ transform: `translateY(${was - element.offsetTop}px)` }, { transform: "none" }], {
          duration: moveMs,
          easing: "cubic-bezier(.2,.8,.2,1)",
        });
      }
    }
    places.current = next;
  }, [list, key]);
}

export type Theme = "light" | "dark" | "auto";

export function useTheme(): [Theme, () => void] {
  const [theme, setTheme] = useState<Theme>(() => (localStorage.getItem("feedmill.theme") as Theme | null) ?? "auto");
  useEffect(() => {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    localStorage.setItem("feedmill.theme", theme);
  }, [theme]);
  const toggle = useCallback(() => {
    setTheme((now) => {
      const dark = now === "dark" || (now === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
      return dark ? "light" : "dark";
    });
  }, []);
  return [theme, toggle];
}

// The page in the address: /console/<page>.
export function usePage(): [string, (page: string) => void] {
  const read = () => location.pathname.replace(/^\/console\/?/, "").replace(/\/$/, "");
  const [page, setPage] = useState(read);
  useEffect(() => {
    const back = () => setPage(read());
    addEventListener("popstate", back);
    return () => removeEventListener("popstate", back);
  }, []);
  const go = useCallback((next: string) => {
    history.pushState(null, "", `/console/${next}`);
    setPage(next);
  }, []);
  return [page, go];
}
