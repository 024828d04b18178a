// A small line of figures over time, the last one marked.
export function linePath(values: number[], width: number, height: number, top: number): string {
  const step = values.length > 1 ? width / (values.length - 1) : 0;
  return values
    .map((value, i) => `${i === 0 ? "M" : "L"}${(i * step).toFixed(1)} ${(height - (height * Math.min(value, top)) / top).toFixed(1)}`)
    .join("");
}

export function Sparkline({ values, label, second }: { values: number[]; label: string; second?: number[] }) {
  const width = 160;
  const height = 36;
  const top = Math.max(1e-9, ...values, ...(second ?? [])) * 1.1;
  const line = linePath(values, width, height, top);
  return (
    <svg className="sparkline" viewBox={`0 -2 ${width} ${height + 4}`} preserveAspectRatio="none" role="img" aria-label={label}>
      {values.length > 1 && <path className="sparkline-area" d={`${line}L${width} ${height}L0 ${height}Z`} />}
      {second && second.length > 1 && <path className="sparkline-second" d={linePath(second, width, height, top)} />}
      {values.length > 1 && <path className="sparkline-line" d={line} />}
    </svg>
  );
}
