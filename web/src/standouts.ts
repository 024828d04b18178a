// Which features set one item apart from the others of its page.

export interface Standout {
  name: string;
  value: number;
  mean: number;
  deviations: number; // from the page's mean, in standard deviations
}

export function standouts(names: string[], rows: (number | null)[][], row: number, limit: number): Standout[] {
  const result: Standout[] = [];
  names.forEach((name, column) => {
    const values = rows.map((r) => r[column]).filter((v): v is number => typeof v === "number");
    const value = rows[row]?.[column];
    if (typeof value !== "number" || values.length < 2) return;
    const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
    const spread = Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length);
    if (spread > 1e-9) result.push({ name, value, mean, deviations: (value - mean) / spread });
  });
  result.sort((a, b) => Math.abs(b.deviations) - Math.abs(a.deviations) || a.name.localeCompare(b.name));
  return result.slice(0, limit);
}
