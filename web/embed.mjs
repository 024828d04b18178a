// Writes the files of a folder as one C++ file that defines feedmill::console::Assets(): node embed.mjs DIST_DIR OUT_FILE
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [dist, out] = process.argv.slice(2);
const octal = Array.from({ length: 256 }, (_, byte) => `\\${byte.toString(8).padStart(3, "0")}`);
const lineBytes = 64;

function literal(bytes) {
  const lines = [];
  for (let start = 0; start < bytes.length; start += lineBytes) {
    let line = "";
    for (const byte of bytes.subarray(start, start + lineBytes)) line += octal[byte];
    lines.push(`"${line}"`);
  }
  return lines.length === 0 ? '""' : lines.join("\n");
}

const files = readdirSync(dist, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(dist.length).replace(/^\/+/, ""))
  .sort();
let arrays = "";
let rows = "";
files.forEach((name, i) => {
  const bytes = readFileSync(join(dist, name));
  const etag = createHash("sha256").update(bytes).digest("hex").slice(0, 16);
  arrays += `constexpr char kBytes${i}[] =\n${literal(bytes)};\n`;
  rows += `    {"${name}", {kBytes${i}, sizeof(kBytes${i}) - 1}, "\\"${etag}\\""},\n`;
});
writeFileSync(
  out,
  `// Made by web/embed.mjs; not to be edited.\n#include "console/assets.h"\n\nnamespace feedmill::console {\nnamespace {\n\n${arrays}
constexpr Asset kAssets[] = {\n${rows}};\n\n}  // namespace\n
std::span<const Asset> Assets() { return kAssets; }\n\n}  // namespace feedmill::console\n`,
);
