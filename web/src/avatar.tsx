// A small picture made from a name: four tiles of quarter circles, in the name's own hue. Always the same for one name,
// and unlike that of the next.
import { mix } from "./format";

const cells = [
  [0, 0],
  [1, 0],
  [0, 1],
  [1, 1],
] as const;
// Of a cell of 10 by 10: quarter circles by corner, a disc, a half.
const shapes = [
  "M0 0H10A10 10 0 0 1 0 10Z",
  "M10 0V10A10 10 0 0 1 0 0Z",
  "M10 10H0A10 10 0 0 1 10 0Z",
  "M0 10V0A10 10 0 0 1 10 10Z",
  "M5 1.500a3.500 3.500 0 1 1 0 7a3.500 3.500 0 1 1 0-7Z",
  "M0 5H10V10H0Z",
];
export const hues = 18;

export function picture(name: string): { hue: number; shapes: number[]; strong: boolean[] } {
  const hash = mix(name);
  const digits = [3, 7, 11, 15].map((shift) => (hash >>> shift) % shapes.length);
  return { hue: (hash >>> 19) % hues, shapes: digits, strong: [0, 1, 2, 3].map((i) => ((hash >>> (24 + i)) & 1) === 1) };
}

export function Avatar({ name, small = false }: { name: string; small?: boolean }) {
  const { hue, shapes: drawn, strong } = picture(name);
  return (
    <svg className={small ? "avatar avatar-small" : "avatar"} data-tint={hue} viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      {cells.map(([x, y], i) => (
        <path key={`${x}${y}`} d={shapes[drawn[i]!]} transform={`translate(${x * 10} ${y * 10})`} fill="currentColor" opacity={strong[i] ? 0.85 : 0.38} />
      ))}
    </svg>
  );
}
