// Line icons, 20 x 20, drawn in the text's colour.
const paths = {
  eye: "M4 10s2.4-4.5 6-4.5S16 10 16 10s-2.4 4.5-6 4.5S4 10 4 10Zm6 1.8a1.8 1.8 0 1 0 0-3.6 1.8 1.8 0 0 0 0 3.6Z",
  heart: "M10 16.2S3.8 12.6 3.8 8.4A3.2 3.2 0 0 1 10 7.2a3.2 3.2 0 0 1 6.2 1.2c0 4.2-6.2 7.8-6.2 7.8Z",
  person: "M8 9.5A2.7 2.7 0 1 0 8 4a2.7 2.7 0 0 0 0 5.5ZM3 16c.3-2.7 2.3-4.3 5-4.3s4.7 1.6 5 4.3M15 6.5v5M12.5 9h5",
  following: "M8 9.5A2.7 2.7 0 1 0 8 4a2.7 2.7 0 0 0 0 5.5ZM3 16c.3-2.7 2.3-4.3 5-4.3s4.7 1.6 5 4.3M12.6 8.8l1.9 1.9 3-3.6",
  crossed_eye: "M4 4l12 12M8 6a6 6 0 0 1 2-.4c3.6 0 6 4.4 6 4.4a11 11 0 0 1-1.7 2.2M12 13.9a6 6 0 0 1-2 .5c-3.600 0-6-4.400-6-4.400a11 11 0 0 1 2.300-2.800",
  bookmark: "M6 3.500h8v13l-4-3-4 3Z",
  bubble: "M3.500 5h13v8.500H9.500L6 16.500v-3H3.500Z",
  arrow: "M10 12V4M7 6.500 10 3.500l3 3M5 10.500v5.500h10v-5.500",
  cart: "M3 4h2.200l1.800 8h7.500l1.500-5.500H6M8 15.700v.1M14 15.700v.1",
  flag: "M5 17V4h9l-1.500 3L14 10H5",
  star: "M10 3.500l2 4.200 4.500.6-3.300 3.200.8 4.500-4-2.200-4 2.200.8-4.500L3.500 8.300 8 7.700Z",
  why: "M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14ZM8 8.200c.1-1.200.9-1.900 2-1.900s2 .7 2 1.800c0 1.600-2 1.500-2 3.200M10 13.600v.1",
  search: "M9 14A5 5 0 1 0 9 4a5 5 0 0 0 0 10ZM12.700 12.700 16.500 16.500",
  plus: "M10 4.500v11M4.500 10h11",
  refresh: "M15.500 10a5.500 5.500 0 1 1-1.700-4M15.500 3.500V6.500h-3",
  moon: "M15.500 11.800A6 6 0 1 1 8.200 4.500a4.800 4.800 0 0 0 7.300 7.300Z",
  leave: "M8 4H4.500v12H8M12 7l3.500 3-3.500 3M15.500 10H8",
  keys: "M3 6h14v8H3zM6 8.700v.1M9 8.700v.1M12 8.700v.1M15 8.700v.1M7 11.500h6",
  close: "M5 5l10 10M15 5L5 15",
  pause: "M7 4.500v11M13 4.500v11",
  play: "M6.500 4.500v11l9-5.500Z",
  copy: "M7 7h9v9H7zM4 13V4h9",
  check: "M4.500 10.500l3.500 3.500 7.500-8",
} as const;

export type IconName = keyof typeof paths;

// Of an action's button, by the name that its domain gives it.
export function iconOf(name: string, on: boolean): IconName {
  if (name === "person" && on) return "following";
  return name in paths ? (name as IconName) : "star";
}

export function Icon({ name, filled = false }: { name: IconName; filled?: boolean }) {
  return (
    <svg className="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      <path d={paths[name]} fill={filled ? "currentColor" : "none"} stroke="currentColor" strokeWidth="1.5" strokeLinecap="round" strokeLinejoin="round" />
    </svg>
  );
}
