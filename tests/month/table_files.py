"""Which data files a table's versions name, read without the product: Iceberg's metadata and Avro's container format alone."""

import json
import pathlib
import re
import zlib


def named_files(platform, table: str) -> set[str]:
    """Names of the data files of all versions that the table has, read by Avro's container format alone."""
    document = json.loads(pathlib.Path(platform.try_verb("tables", table, "--metadata").stdout.strip().splitlines()[-1]).read_text())
    lists = [pathlib.Path(snapshot["manifest-list"]) for snapshot in document["snapshots"]]
    manifests = {lists[0].parent / name for path in lists for name in texts_of(path, rb"[\w.-]+\.avro")}
    return {name for manifest in manifests for name in texts_of(manifest, rb"[\w.-]+\.parquet")}


def texts_of(path: pathlib.Path, pattern: bytes) -> set[str]:
    return {text.decode() for block in avro_blocks(path.read_bytes()) for text in re.findall(pattern, block)}


def avro_blocks(data: bytes):
    """The bytes of each block of an Avro object container file, inflated."""
    place = 4

    def long() -> int:
        nonlocal place
        value = shift = 0
        while True:
            byte = data[place]
            place += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return (value >> 1) ^ -(value & 1)

    def text() -> bytes:
        nonlocal place
        size = long()
        place += size
        return data[place - size:place]

    header = {}
    while (count := long()) != 0:
        if count < 0:   # with its size in bytes
            count = -count
            long()
        for _ in range(count):
            name = text()
            header[name] = text()
    place += 16
    while place < len(data):
        long()
        block = text()
        place += 16
        yield zlib.decompress(block, -15) if header.get(b"avro.codec") == b"deflate" else block
