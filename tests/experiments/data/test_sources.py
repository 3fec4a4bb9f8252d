"""The same rows are read from every form of file, and the form is named."""

import csv
import gzip
import io
import json

import datasets
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from experiments.data.rows import read_rows
from experiments.data.sources import open_rows

ROWS = [{"n": str(n), "text": f"Wörter {n}, und\u2028mehr"} for n in range(150)]


def as_lines(rows, **options):
    return "".join(json.dumps(row, ensure_ascii=False, **options) + "\n" for row in rows)


def as_csv(rows, **options):
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0], **options)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def zstd(content):
    return pa.Codec("zstd").compress(content, asbytes=True)


LINES, ARRAY = as_lines(ROWS), json.dumps(ROWS, indent=2)
TEXTS = {
    "a.jsonl": (LINES.encode(), "JSON lines"),
    "b.json": (LINES.replace("}\n", "},\n").encode(), "JSON lines"),
    "c.jsonl": (LINES.replace("\n", "\r\n").encode("utf-8-sig"), "JSON lines"),
    "d.jsonl": (LINES.replace("\n", "\r").encode(), "JSON lines"),
    "e.txt": (LINES.encode("utf-16"), "JSON lines"),
    "f.jsonl": (LINES.encode("utf-16-le"), "JSON lines"),
    "g.jsonl.gz": (gzip.compress(LINES.encode()), "JSON lines"),
    "h.jsonl": (zstd(LINES.encode("utf-16")), "JSON lines"),
    "i.json": (json.dumps(ROWS).encode(), "JSON document"),
    "j.JSON": (ARRAY.encode("utf-16"), "JSON document"),
    "k.jsonl": (as_lines(ROWS, indent=2).encode(), "JSON document"),
    "l.json": (f"[\n{LINES.replace(chr(10), f',{chr(10)}')}]".encode(), "JSON document"),
    "m.csv": (as_csv(ROWS).encode(), "CSV with commas"),
    "n.CSV": (as_csv(ROWS, delimiter=";").encode("utf-8-sig"), "CSV with semicolons"),
    "o.tsv": (as_csv(ROWS, delimiter="\t").encode("utf-16"), "CSV with tabs"),
    "p.csv.gz": (gzip.compress(as_csv(ROWS).encode()), "CSV with commas"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_rows_of_a_text_are_read_in_every_form(tmp_path, name):
    content, form = TEXTS[name]
    (tmp_path / name).write_bytes(content)
    loaded = read_rows(tmp_path / name, dict)
    assert (list(loaded), loaded.form, loaded.bad) == (ROWS, form, ())


def test_rows_of_tables_and_saved_data_sets_are_read(tmp_path):
    table = pa.Table.from_pylist(ROWS)
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=40)
    pq.write_table(table, tmp_path / "nameless")
    feather.write_feather(table, tmp_path / "a.feather")
    with pa.ipc.new_stream(tmp_path / "a.arrow", table.schema) as stream:
        stream.write_table(table)
    datasets.Dataset(table).save_to_disk(tmp_path / "one")
    split = {"train": datasets.Dataset(table), "test": datasets.Dataset(table[:5])}
    datasets.DatasetDict(split).save_to_disk(tmp_path / "two")
    for name in ("a.parquet", "nameless", "a.feather", "a.arrow", "one", "two:train", "two/train"):
        assert list(read_rows(tmp_path / name, dict)) == ROWS, name
    with pytest.raises(ValueError, match=r"name one of its splits: .*two:train, .*two:test"):
        read_rows(tmp_path / "two", dict)


def test_dates_and_missing_fields_of_a_table_can_be_written_again(tmp_path):
    table = pa.table(
        {"when": pa.array([0], pa.timestamp("s")), "who": pa.array([None], pa.string())}
    )
    pq.write_table(table, tmp_path / "a.parquet")
    (row,) = read_rows(tmp_path / "a.parquet", dict)
    assert json.loads(json.dumps(row)) == row == {"when": "1970-01-01 00:00:00", "who": None}


@pytest.mark.parametrize(
    ("name", "broken", "good", "reason"),
    [
        ("a.jsonl", b'{"n": 1}\n{"n": \n{"n": 3}\n', 2, "a.jsonl:2: not JSON"),
        ("a.jsonl", b'{"n":\n{"n": 2}\n{"n": 3}\n', 2, "a.jsonl:1: not JSON"),
        ("a.jsonl", b'{"n": 1}\n{"n": "\xfc"}\n{"n": 3}\n', 2, "a.jsonl:2: not UTF-8 text; save"),
        ("a.json", b'[{"n": 1},\n 5,\n {"n": "\xfc"}, {"n": 4}]', 2, "a.json row 2: a JSON int"),
        ("a.json", b'[{"n": 1}, {"n": 2}, {"n": oops}, {"n": 4}]', 2, "a.json row 3: not JSON"),
        ("a.json", b'[{"n": 1}, {"n": 2}', 2, "a.json row 3: not JSON .* what follows is not read"),
        ("a.csv", b"n,m\n1,2\n1\n3,\xfc\n4,5\n", 2, "a.csv:3: fewer fields"),
    ],
)
def test_a_fault_is_that_of_its_row(tmp_path, name, broken, good, reason):
    (tmp_path / name).write_bytes(broken)
    with pytest.raises(ValueError, match=reason):
        read_rows(tmp_path / name, dict)
    assert len(read_rows(tmp_path / name, dict, skip_bad=True)) == good


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.jsonl.gz", gzip.compress(LINES.encode())[:-200], "cannot be read .* it is damaged"),
        ("a.parquet", b"PAR1" + bytes(100) + b"PAR1", "cannot be read .* it is damaged"),
        ("a.arrow", b"nothing of the kind", "cannot be read"),
        ("a.xlsx", b"PK\x03\x04", "zip archive or a spreadsheet"),
        ("a.csv", b"n,n\n1,2\n", "two columns 'n'"),
    ],
)
def test_a_file_that_is_none_is_refused_in_one_line(tmp_path, name, content, reason):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=reason) as raised:
        read_rows(tmp_path / name, dict, skip_bad=True)
    assert str(tmp_path / name) in str(raised.value) and "\n" not in str(raised.value)


def test_a_data_set_of_the_hub_that_is_not_here_is_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    with pytest.raises(
        ValueError, match=r"'owner/chats' cannot be loaded .* set HF_HUB_OFFLINE=0"
    ) as raised:
        list(open_rows("owner/chats").rows)
    assert "\n" not in str(raised.value)
    found = {"train": datasets.Dataset(pa.Table.from_pylist(ROWS))}
    monkeypatch.setattr(datasets, "load_dataset", lambda name: found)
    assert list(read_rows("owner/chats", dict)) == ROWS
    with pytest.raises(FileNotFoundError):
        read_rows("chats.jsonl", dict)


def test_a_folder_without_a_data_set_is_refused(tmp_path):
    with pytest.raises(ValueError, match="is a folder: name the file in it"):
        read_rows(tmp_path, dict)
