from __future__ import annotations

import csv
import gc
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedtui.common.errors import InputError
from embedtui.texts import load_texts

from .conftest import Refused

ODD_SPACES = "a\x0bb\x0cc\x1cd\x1de\x1ef\x85g\u2028h\u2029i\rj"
# A NUL early in a text file makes it a binary one; UTF-8 has no surrogates.
TEXTS = st.lists(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    min_size=1,
    max_size=6,
)


def pairs(path: Path, **options: Any) -> list[tuple[str, str]]:
    return [(text.id, text.text) for text in load_texts(str(path), **options).texts]


def texts(path: Path, **options: Any) -> list[str]:
    return [text for _, text in pairs(path, **options)]


def parquet(path: Path, columns: dict[str, Any], **options: Any) -> Path:
    pq.write_table(pa.table(columns), path, **options)
    return path


class TestTxt:
    def test_each_line_is_a_text_and_its_number_the_id(self, tmp_path: Path) -> None:
        path = tmp_path / "a.txt"
        path.write_bytes(b"\xef\xbb\xbfone\r\n\n  two \n \t\r\nthree")
        assert pairs(path) == [("1", "one"), ("3", "  two "), ("5", "three")]

    def test_no_other_white_space_ends_a_line(self, tmp_path: Path) -> None:
        path = tmp_path / "a.txt"
        path.write_bytes(f"{ODD_SPACES}\nlast\r".encode())
        assert texts(path) == [ODD_SPACES, "last\r"]

    def test_only_the_first_byte_order_mark_is_dropped(self, tmp_path: Path) -> None:
        path = tmp_path / "a.txt"
        path.write_text("\ufeff\ufeffa\n\ufeffb\n", encoding="utf-8")
        assert texts(path) == ["\ufeffa", "\ufeffb"]

    def test_a_column_is_refused(self, tmp_path: Path, refused: Refused) -> None:
        path = tmp_path / "a.txt"
        path.write_text("a\n")
        assert "has no column 'body'" in refused(path, column="body")
        assert "has no column 'k\ufffd'" in refused(path, id_column="k\x1b")


class TestEncoding:
    @pytest.mark.parametrize("suffix", [".txt", ".jsonl", ".csv", ".tsv"])
    def test_what_is_not_utf8_is_refused_with_its_place(
        self, tmp_path: Path, refused: Refused, suffix: str
    ) -> None:
        path = tmp_path / f"a{suffix}"
        path.write_bytes(b'\xef\xbb\xbf"text"\n"caf\xe9"\n')
        message = refused(path)
        assert "line 2, byte offset 14: is not UTF-8" in message
        assert "iconv" in message

    def test_surrogates_in_utf8_are_refused(self, tmp_path: Path, refused: Refused) -> None:
        path = tmp_path / "a.txt"
        path.write_bytes(b"\xed\xa0\x80\n")
        assert "line 1, byte offset 0" in refused(path)

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
    def test_utf16_is_refused_by_name(
        self, tmp_path: Path, refused: Refused, encoding: str
    ) -> None:
        path = tmp_path / "a.txt"
        path.write_bytes("\ufeffa\n".encode(encoding))
        assert "iconv -f UTF-16 -t UTF-8" in refused(path)

    @pytest.mark.parametrize("suffix", [".txt", ".jsonl", ".ndjson", ".csv", ".tsv"])
    def test_binary_files_are_refused(self, tmp_path: Path, refused: Refused, suffix: str) -> None:
        path = tmp_path / f"a{suffix}"
        path.write_bytes(b"x" * 8191 + b"\0")
        assert "is binary (a NUL byte at offset 8191)" in refused(path)

    def test_a_nul_further_on_is_part_of_a_text(self, tmp_path: Path) -> None:
        path = tmp_path / "a.txt"
        path.write_bytes(b"x" * 8192 + b"\0")
        assert texts(path) == ["x" * 8192 + "\0"]


class TestJsonl:
    @pytest.mark.parametrize("suffix", [".jsonl", ".ndjson"])
    def test_objects_and_strings(self, tmp_path: Path, suffix: str) -> None:
        path = tmp_path / f"a{suffix}"
        path.write_bytes(
            b'\xef\xbb\xbf{"id": "x", "text": "one", "more": [1]}\r\n\n"two"\n{"text": ""}'
        )
        assert pairs(path) == [("x", "one"), ("2", "two"), ("3", "")]

    def test_columns_by_name(self, tmp_path: Path) -> None:
        path = tmp_path / "a.jsonl"
        path.write_text('{"id": "x", "key": "k", "text": "one", "body": "two"}\n')
        assert pairs(path, column="body", id_column="key") == [("k", "two")]

    def test_lone_surrogates_are_kept(self, tmp_path: Path) -> None:
        path = tmp_path / "a.jsonl"
        path.write_text('{"id": "\\udfff", "text": "\\ud800"}\n')
        assert pairs(path) == [("\udfff", "\ud800")]

    @pytest.mark.parametrize(
        ("line", "reason"),
        [
            ('{"text": "a"', "is not JSON (Expecting"),
            ('{"text": "a"} {}', "is not JSON (Extra data at column 15)"),
            ('{"text": "a\x1b"}', "is not JSON (Invalid control character"),
            ("[" * 200_000, "is not JSON (nested too deeply)"),
            ("9" * 5000, "is not JSON (a number with too many digits)"),
            ("[]", "holds a list; put an object or a string on each line"),
            ("7", "holds a number"),
            ("null", "holds null"),
            ('{"text": null}', "the text is null, not a string"),
            ('{"text": 1.5}', "the text is a number, not a string"),
            ('{"text": true}', "the text is a boolean, not a string"),
            ('{"text": ["a"]}', "the text is a list, not a string"),
            ('{"text": {}}', "the text is an object, not a string"),
            ('{"txt": "a", "n\\u001b": 1}', "has no column 'text' (did you mean txt?)"),
        ],
    )
    def test_a_bad_line_is_refused_by_its_number(
        self, tmp_path: Path, refused: Refused, line: str, reason: str
    ) -> None:
        path = tmp_path / "a.jsonl"
        path.write_text(f'"fine"\n\n{line}\n')
        assert f"line 3: {reason}" in refused(path)

    def test_missing_columns_are_refused(self, tmp_path: Path, refused: Refused) -> None:
        path = tmp_path / "a.jsonl"
        path.write_text('{"key": "k", "text": "a"}\n"b"\n')
        message = refused(path, column="\x1b")
        assert "line 1: has no column '\ufffd': name one of its columns: 'key', 'text'" in message
        assert "has no column 'kee' (did you mean key?)" in refused(path, id_column="kee")
        assert "line 2: holds a string; put an object on" in refused(path, column="text")


class TestCsv:
    @pytest.mark.parametrize(("suffix", "delimiter"), [(".csv", ","), (".tsv", "\t")])
    def test_records(self, tmp_path: Path, suffix: str, delimiter: str) -> None:
        path = tmp_path / f"a{suffix}"
        content = '\ufeffid;text;n\r\n\r\nx;"a ""b""; c\r\nd";1\ny;;\nz;e\n'
        path.write_bytes(content.replace(";", delimiter).encode())
        assert pairs(path) == [("x", f'a "b"{delimiter} c\r\nd'), ("y", ""), ("z", "e")]
        assert pairs(path, column="id", id_column="id", limit=1) == [("x", "x")]

    def test_row_numbers_are_the_ids_without_an_id_column(self, tmp_path: Path) -> None:
        path = tmp_path / "a.csv"
        path.write_text("text\na\n\nb\n")
        assert pairs(path) == [("1", "a"), ("2", "b")]

    def test_a_field_may_be_of_any_size(self, tmp_path: Path) -> None:
        path = tmp_path / "a.csv"
        path.write_text("text\n" + "x" * 1_000_000 + "\n")
        assert len(texts(path)[0]) == 1_000_000

    def test_odd_white_space_ends_no_record(self, tmp_path: Path) -> None:
        path = tmp_path / "a.csv"
        path.write_bytes(f'text\n"{ODD_SPACES}"\n'.encode())
        assert texts(path) == [ODD_SPACES]

    def test_carriage_returns_alone_may_end_records(self, tmp_path: Path) -> None:
        path = tmp_path / "a.csv"
        path.write_bytes(b"id,text\rx,a\ry,b\r")
        assert pairs(path) == [("x", "a"), ("y", "b")]

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            ("id,txet\nx,a\n", "has no column 'text' (did you mean txet?): name one of its"),
            ("first\x1b text\n", "name one of its columns: 'first\ufffd text'"),
            ("text,text\na,b\n", "has more than one column 'text'"),
            ("id,id,text\na,b,c\n", "has more than one column 'id'"),
            ("id,text\nx,a\ny\n", "row 2: the text is null, not a string"),
            ("text,id\nx,a\ny\n", "row 2: the id is null"),
            ("text\nhello, world\n", "row 1: has 2 fields where the header has 1"),
            ('text\na\n"b\nc\n', "line 4: has wrong quoting"),
            ('text\n"a"b\n', "line 2: has wrong quoting"),
        ],
    )
    def test_what_is_wrong_is_refused(
        self, tmp_path: Path, refused: Refused, content: str, reason: str
    ) -> None:
        path = tmp_path / "a.csv"
        path.write_text(content)
        assert reason in refused(path)

    def test_a_missing_id_column_is_refused(self, tmp_path: Path, refused: Refused) -> None:
        path = tmp_path / "a.tsv"
        path.write_text("key\ttext\nx\ta\n")
        assert "has no column 'keys' (did you mean key?)" in refused(path, id_column="keys")


class TestParquet:
    @pytest.mark.parametrize(
        "string", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())]
    )
    def test_columns_of_strings(self, tmp_path: Path, string: pa.DataType) -> None:
        values = pa.array(["one", "", "one"], string)
        path = parquet(tmp_path / "a.parquet", {"text": values, "id": ["x", "y", "z"]})
        assert pairs(path) == [("x", "one"), ("y", ""), ("z", "one")]
        assert pairs(path, limit=1) == [("x", "one")]

    def test_ids_may_be_integers_row_numbers_or_the_texts(self, tmp_path: Path) -> None:
        path = parquet(tmp_path / "a.parquet", {"n": [7, 8], "body": ["a", "b"], "x.y": [1, 2]})
        assert pairs(path, column="body") == [("1", "a"), ("2", "b")]
        assert pairs(path, column="body", id_column="n") == [("7", "a"), ("8", "b")]
        assert pairs(path, column="body", id_column="x.y") == [("1", "a"), ("2", "b")]
        assert pairs(path, column="body", id_column="body") == [("a", "a"), ("b", "b")]

    def test_a_column_whose_name_continues_another_is_told_apart(self, tmp_path: Path) -> None:
        path = parquet(tmp_path / "a.parquet", {"text.en": ["wrong"], "text": ["right"]})
        assert texts(path) == ["right"]

    def test_batches_and_row_groups_follow_one_another(self, tmp_path: Path) -> None:
        values = [f"t{i}" for i in range(1000)]
        path = parquet(tmp_path / "a.parquet", {"text": values}, row_group_size=300)
        assert pairs(path) == [(str(i + 1), value) for i, value in enumerate(values)]

    def test_beyond_the_limit_no_further_batch_is_read(
        self, tmp_path: Path, refused: Refused
    ) -> None:
        path = parquet(
            tmp_path / "a.parquet",
            {"text": [f"{i:0200}" for i in range(2000)]},
            row_group_size=1000,
            compression="none",
            use_dictionary=False,
        )
        data = bytearray(path.read_bytes())
        at = pq.ParquetFile(path).metadata.row_group(1).column(0).data_page_offset
        data[at : at + 1000] = b"\xff" * 1000
        path.write_bytes(data)
        assert len(texts(path, limit=700)) == 700
        assert "cannot be read as Parquet" in refused(path)

    def test_other_files_are_refused(self, tmp_path: Path, refused: Refused) -> None:
        path = tmp_path / "a.parquet"
        path.write_bytes(b"text\na\n")
        assert "is not a Parquet file" in refused(path)

    @pytest.mark.parametrize("kept", [4, 40, -1])
    def test_cut_off_files_are_refused(self, tmp_path: Path, refused: Refused, kept: int) -> None:
        path = parquet(tmp_path / "a.parquet", {"text": ["a"]})
        path.write_bytes(path.read_bytes()[:kept])
        assert "cannot be read as Parquet" in refused(path)

    def test_no_rows_are_refused(self, tmp_path: Path, refused: Refused) -> None:
        path = parquet(tmp_path / "a.parquet", {"text": pa.array([], pa.string())})
        assert "holds no texts" in refused(path)

    @pytest.mark.parametrize(
        ("columns", "options", "reason"),
        [
            ({"txt": ["a"]}, {}, "has no column 'text' (did you mean txt?)"),
            ({"text": ["a"]}, {"id_column": "x\x1b"}, "has no column 'x\ufffd'"),
            ({"text": [1]}, {}, "row 1: column 'text' holds int64, not strings"),
            ({"text": [b"a"]}, {}, "row 1: column 'text' holds binary, not strings"),
            ({"text": [["a"]]}, {}, "row 1: column 'text' holds list<"),
            ({"text": ["a"], "id": [1.5]}, {}, "row 1: column 'id' holds double"),
            ({"text": ["a", None]}, {}, "row 2: the text is null, not a string"),
            ({"text": ["a", "b"], "id": [1, None]}, {}, "row 2: the id is null"),
        ],
    )
    def test_wrong_columns_and_values_are_refused(
        self,
        tmp_path: Path,
        refused: Refused,
        columns: dict[str, Any],
        options: dict[str, str],
        reason: str,
    ) -> None:
        assert reason in refused(parquet(tmp_path / "a.parquet", columns), **options)

    def test_a_column_that_is_there_twice_is_refused(
        self, tmp_path: Path, refused: Refused
    ) -> None:
        path = tmp_path / "a.parquet"
        pq.write_table(pa.table([["a"], ["b"]], names=["text", "text"]), path)
        assert "has more than one column 'text'" in refused(path)

    def test_strings_that_are_not_utf8_are_refused(self, tmp_path: Path, refused: Refused) -> None:
        column = pa.array([b"fine", b"\xff"], pa.binary()).view(pa.string())
        path = parquet(tmp_path / "a.parquet", {"text": column})
        assert "row 2: is not UTF-8" in refused(path)


def write_jsonl(path: Path, values: Sequence[str], *, ascii_only: bool) -> None:
    lines = [json.dumps({"text": value}, ensure_ascii=ascii_only) for value in values]
    path.write_bytes("\n".join(lines).encode())


@settings(deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=())), min_size=1, max_size=6))
def test_any_text_comes_back_from_escaped_jsonl(values: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.jsonl"
        write_jsonl(path, values, ascii_only=True)
        assert texts(path) == values


@settings(deadline=None)
@given(TEXTS)
def test_any_unicode_text_comes_back_from_every_format(values: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.jsonl"
        write_jsonl(path, values, ascii_only=False)
        assert texts(path) == values
        for suffix, dialect in ((".csv", "excel"), (".tsv", "excel-tab")):
            path = path.with_suffix(suffix)
            with path.open("w", encoding="utf-8", newline="") as file:
                csv.writer(file, dialect).writerows([["text"], *([value] for value in values)])
            assert texts(path) == values
        path = parquet(path.with_suffix(".parquet"), {"text": values})
        assert texts(path) == values


def test_a_refused_parquet_file_leaves_nothing_open(tmp_path: Path) -> None:
    """What pyarrow reads with aborts the process where it outlives the interpreter's end."""
    path = parquet(tmp_path / "a.parquet", {"text": [*map(str, range(600)), None]})
    with pytest.raises(InputError, match="row 601: the text is null") as raised:
        load_texts(str(path))
    assert raised.value.__traceback__ is not None  # its frames hold whatever was left half-way
    readers = [one for one in gc.get_objects() if isinstance(one, pq.ParquetFile)]
    assert [one for one in readers if not one.closed] == []


@pytest.mark.parametrize("name", ["a.txt", "a.jsonl"])
def test_carriage_returns_alone_end_no_line_and_are_told(
    tmp_path: Path, refused: Refused, name: str
) -> None:
    path = tmp_path / name
    path.write_bytes(b'"one"\r"two"\r"three"')
    assert "its lines end in carriage returns alone; convert it with tr" in refused(path)


def test_a_name_is_told_with_all_of_its_spaces(tmp_path: Path, refused: Refused) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Text ,id\none,1\n")
    assert "name one of its columns: 'Text ', 'id'" in refused(path)
    assert texts(path, column="Text ") == ["one"]
