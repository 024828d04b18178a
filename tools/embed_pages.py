#!/usr/bin/env python3
"""Writes a C++ source that holds every file of a folder: embed_pages.py FOLDER HEADER FUNCTION OUTPUT.

The header declares the function, which returns `std::span<const EmbeddedPage>` (base/embedded_page.h) sorted by path. The bytes come in by the assembler, so that megabytes cost no compile time.
"""

import pathlib
import sys

SOURCE = """// Written by tools/embed_pages.py.
#include "{header}"

{assembly}
extern "C" {{
{symbols}
}}

namespace {namespace} {{

std::span<const EmbeddedPage> {function}() {{
  static const EmbeddedPage kPages[] = {{
{rows}
  }};
  return kPages;
}}

}}  // namespace {namespace}
"""


def main() -> int:
    folder, header, qualified, output = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3], pathlib.Path(sys.argv[4])
    namespace, _, function = qualified.rpartition("::")
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    if not files:
        print(f"embed_pages: {folder} holds no file", file=sys.stderr)
        return 1
    assembly, symbols, rows = [], [], []
    for number, path in enumerate(files):
        begin, end = f"feedmill_{function}_{number}", f"feedmill_{function}_{number}_end"
        lines = ['.section .rodata', f"{begin}:", f'.incbin \\"{path.resolve()}\\"', f"{end}:", ".previous"]
        assembly.append("asm(\n" + "\n".join(f'    "{line}\\n"' for line in lines) + ");")
        symbols.append(f"extern const char {begin}[];\nextern const char {end}[];")
        name = path.relative_to(folder).as_posix()
        rows.append(f'      {{"{name}", {{{begin}, static_cast<size_t>({end} - {begin})}}}},')
    output.write_text(
        SOURCE.format(header=header, assembly="\n".join(assembly), symbols="\n".join(symbols), namespace=namespace, function=function, rows="\n".join(rows)),
        encoding="utf-8",
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
