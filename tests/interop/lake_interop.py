#!/usr/bin/env python3
"""Reads the lake's tables with readers that are not ours and compares what they see.

  lake_interop.py --data DIR [--own COMMAND]   every table of a data directory: PyIceberg and DuckDB's iceberg extension, and
                                               with --own also our reader; COMMAND gets one SELECT as its last argument and
                                               prints one JSON object a row
  lake_interop.py --sample LAKE_TEST           writes tables of every kind with the given lake_test binary, whose rows are known
                                               beforehand, and compares the same way

Row counts and one checksum a column, which does not depend on the order of rows, must be equal. PyIceberg's metadata tables
(snapshots, history, files, manifests, partitions, entries) and its time travel are compared with the snapshots' summaries, and filtered
scans, which skip files by their bounds, with the whole rows.
The last line is one JSON object; the exit status is 0 when all is equal. Runs in the virtual environment of `tools/setup.sh interop`.
"""
import argparse
import json
import os
import shlex
import sqlite3
import subprocess
import sys
import tempfile

import duckdb
from pyiceberg.expressions import EqualTo, GreaterThan, LessThan
from pyiceberg.table import StaticTable
from pyiceberg.types import BooleanType

SNAPSHOTS_READ_MAX = 10


class Mismatch(Exception):
    pass


def foreign_connection():
    """A DuckDB with its iceberg extension, from the installed packages and never from the network."""
    connection = duckdb.connect()
    packages = [path for path in sys.path if path.endswith("site-packages")][0]
    connection.sql("SET autoinstall_known_extensions = false; SET autoload_known_extensions = false; SET TimeZone = 'UTC'")
    for name in ("avro", "iceberg"):
        connection.sql(f"LOAD '{packages}/duckdb_extension_{name}/extensions/v{duckdb.__version__}/{name}.duckdb_extension'")
    return connection


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def checksum_sql(columns, source):
    """Rows, and per column a sum of hashes: equal when the values are, in any order."""
    sums = "".join(f", coalesce(sum(hash({quoted(name)})::HUGEINT), 0)::VARCHAR AS {quoted(name)}" for name in columns)
    return f"SELECT count(*)::VARCHAR AS {quoted('row count')}{sums} FROM {source}"


def first_row(relation):
    return dict(zip(relation.columns, relation.fetchone()))


def own_checksums(command, table, columns):
    sql = checksum_sql(columns, table.split(".")[-1])
    done = subprocess.run(shlex.split(command) + [sql], capture_output=True, text=True)
    if done.returncode != 0:
        raise Mismatch(f"our reader failed: {done.stderr.strip()}")
    return json.loads(done.stdout.splitlines()[-1])


def compare(table, seen):
    """`seen`: checksums by reader."""
    (first, expected), *others = seen.items()
    for reader, found in others:
        for name, value in expected.items():
            if found.get(name) != value:
                raise Mismatch(f"{table}, {name}: {first} sees {value}, {reader} sees {found.get(name)}")


def check_metadata_tables(name, table):
    """PyIceberg's own views of snapshots, manifests and files agree with the summaries that we wrote."""
    inspect = table.inspect
    snapshots = table.metadata.snapshots
    if inspect.snapshots().num_rows != len(snapshots):
        raise Mismatch(f"{name}: inspect.snapshots has {inspect.snapshots().num_rows} rows of {len(snapshots)}")
    inspect.history()
    current = table.current_snapshot()
    if current is None:
        return
    summary = {**current.summary.additional_properties}
    files = inspect.files().to_pydict()
    if len(files["file_path"]) != int(summary["total-data-files"]):
        raise Mismatch(f"{name}: {len(files['file_path'])} files, the summary says {summary['total-data-files']}")
    if sum(files["record_count"]) != int(summary["total-records"]):
        raise Mismatch(f"{name}: {sum(files['record_count'])} records in files, the summary says {summary['total-records']}")
    for path, size in zip(files["file_path"], files["file_size_in_bytes"]):
        if os.path.getsize(path) != size:
            raise Mismatch(f"{name}: {path} has {os.path.getsize(path)} bytes, the manifest says {size}")
    manifests = inspect.manifests().to_pydict()
    live = sum(manifests["added_data_files_count"]) + sum(manifests["existing_data_files_count"])
    if live != len(files["file_path"]):
        raise Mismatch(f"{name}: manifests list {live} live files, {len(files['file_path'])} are there")
    if sum(inspect.partitions().to_pydict()["record_count"]) != int(summary["total-records"]):
        raise Mismatch(f"{name}: inspect.partitions does not add up to {summary['total-records']} records")
    inspect.entries()


def check_time_travel(name, table):
    for snapshot in table.metadata.snapshots[-SNAPSHOTS_READ_MAX:]:
        wanted = int(snapshot.summary.additional_properties["total-records"])
        found = table.scan(snapshot_id=snapshot.snapshot_id, selected_fields=(table.schema().fields[0].name,)).to_arrow().num_rows
        if found != wanted:
            raise Mismatch(f"{name}, snapshot {snapshot.snapshot_id}: {found} rows, its summary says {wanted}")


def check_filters(connection, name, table, location, arrow):
    """Bounds and partition values are right: readers that skip files by them find as many rows as are there."""
    for field in table.schema().fields:
        if str(field.field_type).startswith("list") or table.current_snapshot() is None:
            continue
        if field.field_type == BooleanType():
            continue
        column, kind = quoted(field.name), {"timestamptz": "TIMESTAMPTZ", "date": "DATE"}.get(str(field.field_type))
        shown = {"TIMESTAMPTZ": f"strftime(timezone('UTC', {column}), '%Y-%m-%dT%H:%M:%S.%f') || '+00:00'", "DATE": f"{column}::VARCHAR"}
        picked = f"SELECT {shown.get(kind, column)} FROM arrow WHERE {column} IS NOT NULL ORDER BY {column}"
        value = connection.sql(f"{picked} OFFSET {arrow.num_rows // 3} LIMIT 1").fetchone()
        if value is None:
            continue
        cast = f"::{kind}" if kind else ""
        for operator, expression in (("=", EqualTo), ("<", LessThan), (">", GreaterThan)):
            count = f"SELECT count(*) FROM {{}} WHERE {column} {operator} ?{cast}"
            wanted = connection.execute(count.format("arrow"), value).fetchone()[0]
            filtered = table.scan(row_filter=expression(field.name, value[0]), selected_fields=(field.name,))
            by_pyiceberg = filtered.to_arrow().num_rows
            by_duckdb = connection.execute(count.format(f"iceberg_scan('{location}')"), value).fetchone()[0]
            if not wanted == by_pyiceberg == by_duckdb:
                raise Mismatch(f"{name}, {field.name} {operator} {value[0]}: {wanted} rows, "
                               f"PyIceberg finds {by_pyiceberg}, DuckDB {by_duckdb}")


def check_table(connection, name, location, own, expected):
    table = StaticTable.from_metadata(location)
    columns = [field.name for field in table.schema().fields]
    arrow = table.scan().to_arrow()  # DuckDB finds it under this name, as does check_filters
    seen = {"PyIceberg": first_row(connection.sql(checksum_sql(columns, "arrow")))}
    if table.current_snapshot() is not None:
        seen["DuckDB"] = first_row(connection.sql(checksum_sql(columns, f"iceberg_scan('{location}')")))
    if own:
        seen["ours"] = own_checksums(own, name, columns)
    if expected is not None:
        seen["the rows written"] = first_row(connection.sql(checksum_sql(columns, f"({expected})")))
    compare(name, seen)
    check_filters(connection, name, table, location, arrow)
    check_metadata_tables(name, table)
    check_time_travel(name, table)
    return arrow.num_rows, len(columns)


def tables_of(data):
    with sqlite3.connect(f"file:{data}/meta.db?mode=ro", uri=True) as store:
        return [(name, f"{data}/lake/{pointer}") for name, pointer in store.execute("SELECT name, metadata_location FROM lake_table ORDER BY name")]


def check_data(data, own=None, expected=None):
    connection = foreign_connection()
    rows = columns = failures = 0
    tables = tables_of(data)
    for name, location in tables:
        try:
            table_rows, table_columns = check_table(connection, name, location, own, (expected or {}).get(name))
            rows, columns = rows + table_rows, columns + table_columns
            print(f"  {name}: {table_rows} rows, {table_columns} columns equal")
        except Exception as error:  # one bad table must not hide the others
            failures += 1
            print(f"  {name}: {type(error).__name__}: {error}", file=sys.stderr)
    readers = ["pyiceberg", "duckdb"] + (["own"] if own else []) + (["rows written"] if expected else [])
    print(json.dumps({"tables": len(tables), "failed": failures, "rows": rows, "columns": columns, "readers": readers}))
    return 0 if failures == 0 and tables else 1


# --- the sample ------------------------------------------------------------------------------------------------------------------

COLUMNS = [("event_id", "string"), ("event_time", "timestamptz"), ("country", "string"), ("clicks", "long"), ("shard", "int"),
           ("day", "date"), ("score", "double"), ("weight", "float"), ("bot", "boolean"), ("vector", "list<float>")]

# Texts that are cut for bounds, end in the last code point, or hold code points of two, three and four bytes; nulls in every column but
# the first two; times before 1970.
ROWS_SQL = """
SELECT 'ereignis-äöü-€-😀-' || repeat('z', i % 40) || i AS event_id,
  to_timestamp({start} + i * 977) AS event_time,
  CASE WHEN i % 7 = 0 THEN NULL WHEN i % 11 = 0 THEN repeat(chr(1114111), 20) ELSE 'de' END AS country,
  CASE WHEN i % 5 = 0 THEN NULL ELSE (i - 50) * 1000000007 END AS clicks,
  CASE WHEN i % 3 = 0 THEN NULL ELSE i - 20 END::INT AS shard,
  CASE WHEN i % 4 = 0 THEN NULL ELSE DATE '1969-12-20' + i::INT END AS day,
  CASE WHEN i % 6 = 0 THEN NULL WHEN i % 13 = 0 THEN 'inf'::DOUBLE ELSE -i / 3.0 END AS score,
  CASE WHEN i % 9 = 0 THEN NULL ELSE i / 7.0 END::FLOAT AS weight,
  CASE WHEN i % 2 = 0 THEN NULL ELSE i % 3 = 0 END AS bot,
  CASE WHEN i % 8 = 0 THEN NULL ELSE [i::FLOAT, NULL, 0.5] END AS vector
FROM range({count}) r(i)"""


def rows_sql(start, count):
    return ROWS_SQL.format(start=start, count=count)


class Sample:
    """Commands for lake_test, Parquet files for them, and the rows that each table must then have."""

    def __init__(self, folder):
        self.folder = folder
        self.connection = duckdb.connect()
        self.connection.sql("SET TimeZone = 'UTC'")
        self.commands = []
        self.expected = {}
        self.columns = {}
        self.files = 0

    def create(self, table, partition, columns=None):
        self.columns[table] = list(columns or COLUMNS)
        described = [{"name": name, "type": kind, "required": name in ("event_id", "event_time")} for name, kind in self.columns[table]]
        self.commands.append({"do": "create", "table": table, "columns": described, "partition": partition})
        os.makedirs(f"{self.folder}/lake/{table.replace('.', '/')}/data")

    def commit(self, table, kind, parts):
        """`parts`: pairs of partition values and SELECT."""
        self.commands.append({"do": kind, "table": table, "files": [self.write(table, *part) for part in parts]})

    def write(self, table, partition, select):
        path = f"{self.folder}/lake/{table.replace('.', '/')}/data/part-{self.files:05d}.parquet"
        self.files += 1
        ids = self.field_ids(table)
        self.connection.sql(f"COPY ({select}) TO '{path}' (FORMAT parquet, COMPRESSION zstd, FIELD_IDS {{{', '.join(ids)}}})")
        return {"path": path, "partition": partition, **self.describe(table, select)}

    def field_ids(self, table):
        # Ids as the catalog gives them: columns in order, then the elements of lists.
        element = len(COLUMNS)
        ids = []
        for position, (name, kind) in enumerate(self.columns[table], start=1):
            position = position if position <= len(COLUMNS) else position + 1  # the sample's one list comes before added columns
            if kind == "list<float>":
                ids.append(f"{name}: {{__duckdb_field_id: {position}, element: {element + 1}}}")
            else:
                ids.append(f"{name}: {position}")
        return ids

    def describe(self, table, select):
        statistics = {}
        columns = [(name, kind) for name, kind in self.columns[table] if kind != "list<float>"]
        casts = {"timestamptz": "epoch_us({})", "date": "({} - DATE '1970-01-01')", "boolean": "{}::INT"}
        values = [casts.get(kind, "{}").format(name) for name, kind in columns]
        wanted = ", ".join(f"min({value}), max({value}), count({value})" for value in values)
        rows, *found = self.connection.sql(f"SELECT count(*), {wanted} FROM ({select})").fetchone()
        for position, (name, kind) in enumerate(columns):
            low, high, present = found[3 * position : 3 * position + 3]
            statistics[name] = {"values": rows, "nulls": rows - present, "bytes": 100}
            if kind != "double" or high != float("inf"):
                statistics[name].update(min=low, max=high)
        return {"records": rows, "statistics": statistics}


def by_partition(sample, select, expression):
    values = [row[0] for row in sample.connection.sql(f"SELECT DISTINCT {expression} FROM ({select}) ORDER BY 1").fetchall()]
    for value in values:
        literal = "NULL" if value is None else f"'{value}'" if isinstance(value, str) else value
        yield [value], f"SELECT * FROM ({select}) WHERE {expression} IS NOT DISTINCT FROM {literal}"


def build_sample(folder):
    sample = Sample(folder)
    day, hour = "(event_time::DATE - DATE '1970-01-01')", "floor(epoch(event_time) / 3600)::BIGINT"
    first, second, third = rows_sql(-90_000, 200), rows_sql(1_700_000_000, 300), rows_sql(1_700_500_000, 150)

    few, more = rows_sql(-5_000, 30), rows_sql(1_700_000_000, 60)

    sample.create("ods.empty", [])
    sample.expected["ods.empty"] = f"{first} LIMIT 0"

    sample.create("ods.flat", [])
    sample.commit("ods.flat", "append", [([], first)])
    sample.commit("ods.flat", "append", [([], second)])
    sample.expected["ods.flat"] = f"{first} UNION ALL {second}"

    sample.create("dwd.by_day", [["event_time", "day"]])
    for select in (first, second, third):
        sample.commit("dwd.by_day", "append", by_partition(sample, select, day))
    kept = f"SELECT * FROM ({third}) WHERE clicks IS NOT NULL"
    sample.commit("dwd.by_day", "replace", by_partition(sample, kept, day))
    replaced = f"SELECT DISTINCT {day} FROM ({kept})"
    sample.expected["dwd.by_day"] = f"SELECT * FROM ({first} UNION ALL {second}) WHERE {day} NOT IN ({replaced}) UNION ALL {kept}"

    sample.create("dws.by_hour", [["event_time", "hour"]])
    sample.commit("dws.by_hour", "append", by_partition(sample, first, hour))
    sample.expected["dws.by_hour"] = first

    for column in ("country", "shard", "day", "bot", "clicks"):
        table = f"ads.by_{column}"
        expression = "(day - DATE '1970-01-01')" if column == "day" else f"{column}::INT" if column == "bot" else column
        sample.create(table, [[column, "identity"]])
        for select in (few, more):
            sample.commit(table, "append", by_partition(sample, select, expression))
        sample.expected[table] = f"{few} UNION ALL {more}"

    # More commits than manifests are kept: they are merged; then a column is added, and old snapshots go.
    sample.create("ods.grown", [["event_time", "day"]])
    parts = []
    for i in range(30):
        parts.append(rows_sql(1_700_000_000 + 86_400 * i, 20))
        sample.commit("ods.grown", "append", by_partition(sample, parts[-1], day))
    sample.columns["ods.grown"].append(("scene", "string"))
    sample.commands.append({"do": "add_columns", "table": "ods.grown", "columns": [{"name": "scene", "type": "string"}]})
    wider = f"SELECT *, 'home' AS scene FROM ({third})"
    sample.commit("ods.grown", "append", by_partition(sample, wider, day))
    sample.commands.append({"do": "expire", "table": "ods.grown", "keep": 3})
    sample.expected["ods.grown"] = " UNION ALL ".join(f"SELECT *, NULL::VARCHAR AS scene FROM ({part})" for part in parts) + f" UNION ALL {wider}"
    return sample


def check_sample(lake_test):
    with tempfile.TemporaryDirectory(prefix="feedmill-interop-") as folder:
        sample = build_sample(folder)
        commands = f"{folder}/commands.json"
        with open(commands, "w") as file:
            json.dump({"data": folder, "small_manifests_max": 8, "commands": sample.commands}, file)
        done = subprocess.run([lake_test, "--gtest_filter=CommandFile.Run"], env={**os.environ, "FEEDMILL_LAKE_COMMANDS": commands},
                              capture_output=True, text=True)
        if done.returncode != 0 or "[  PASSED  ] 1 test." not in done.stdout:
            print(done.stdout[-4000:], file=sys.stderr)
            return 1
        return check_data(folder, expected=sample.expected)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--data", help="data directory of Feedmill")
    what.add_argument("--sample", metavar="LAKE_TEST", help="path of the lake_test binary")
    parser.add_argument("--own", metavar="COMMAND", help="our reader, e.g. 'feedmill query --project P --rows 0 --format jsonl'")
    arguments = parser.parse_args()
    return check_sample(arguments.sample) if arguments.sample else check_data(arguments.data, arguments.own)


if __name__ == "__main__":
    sys.exit(main())
