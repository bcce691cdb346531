"""One reader for each file format: rows of id and text, read as they are asked for.

Readers raise InputError with a message that does not name the file; `load_texts` puts it in front.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

from embedtui.common.errors import InputError
from embedtui.common.printable import printable
from embedtui.common.suggest import suggest
from embedtui.texts.quoting import listed, quoted

DEFAULT_COLUMN = "text"
DEFAULT_ID_COLUMN = "id"

_SNIFFED = 8192
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_PARQUET_MAGIC = b"PAR1"
_PARQUET_ROWS = 256
_PARQUET_BUFFER = 1 << 20
_KINDS: dict[type, str] = {
    type(None): "null",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "a list",
    dict: "an object",
}


class Row(NamedTuple):
    """One row as the file has it: `place` is how a message names it, the values are unchecked."""

    place: str
    id: object
    text: object


Rows = Generator[Row, None, None]
Reader = Callable[[io.BufferedReader, str | None, str | None], Rows]


def read_txt(file: io.BufferedReader, column: str | None, id_column: str | None) -> Rows:
    r"""Yield each line that is not blank, its line number as the id.

    Only `\n` and `\r\n` end a line: U+2028, form feeds and the like are part of a text.

    Raises InputError where a column was named, for binary data and for bytes that are not UTF-8.
    """
    named = column if column is not None else id_column
    if named is not None:
        raise InputError(f"plain text has no column {quoted(named)}; leave the column out")
    for number, line in text_lines(file):
        if line.strip():
            yield Row(f"line {number}", number, line)


def read_jsonl(file: io.BufferedReader, column: str | None, id_column: str | None) -> Rows:
    """Yield a row for each line, which holds a JSON object or, with no column named, a string.

    Raises InputError, with the line's number, for what is not JSON, for other JSON values, for an
    object without the column, for binary data and for bytes that are not UTF-8.
    """
    count = 0
    for number, line in text_lines(file):
        if not line.strip():
            continue
        count += 1
        place = f"line {number}"
        value = _json_value(line, place)
        if isinstance(value, str) and column is None and id_column is None:
            yield Row(place, count, value)
        elif isinstance(value, dict):
            yield _object_row(value, place, count, column, id_column)
        else:
            wanted = (
                "an object or a string" if column is None and id_column is None else "an object"
            )
            raise InputError(f"{place}: holds {kind_of(value)}; put {wanted} on each line")


def read_csv(
    file: io.BufferedReader, column: str | None, id_column: str | None, *, delimiter: str
) -> Rows:
    """Yield a row for each record below the header; empty lines are no records.

    Quoting is strict: a quote that never closes would otherwise swallow the rest of the file into
    one text, and a record with more fields than the header has would lose the end of its text.

    Raises InputError for a missing column, a record that is too long, wrong quoting, binary data
    and bytes that are not UTF-8.
    """
    records = _csv_records(file, delimiter)
    header = next(records, None)
    if header is None:
        return
    text_at, id_at = _columns(header, column, id_column)
    for number, record in enumerate(records, start=1):
        place = f"row {number}"
        if len(record) > len(header):
            raise InputError(
                f"{place}: has {len(record)} fields where the header has {len(header)};"
                " put quotes around fields that hold the delimiter"
            )
        yield Row(
            place,
            number if id_at is None else _cell(record, id_at),
            _cell(record, text_at),
        )


def read_parquet(file: io.BufferedReader, column: str | None, id_column: str | None) -> Rows:
    """Yield the rows of a Parquet file, reading no columns but the two and no batch too early.

    Raises InputError for what is not Parquet, damaged data, a missing column, and a column of
    another type than strings (for ids, integers as well).
    """
    if file.peek(len(_PARQUET_MAGIC))[: len(_PARQUET_MAGIC)] != _PARQUET_MAGIC:
        raise InputError("is not a Parquet file; give one, or name the file by its own format")

    # Importing pyarrow takes a good part of a second, which only Parquet files should cost.
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    row = 0
    try:
        with pq.ParquetFile(file, buffer_size=_PARQUET_BUFFER) as parquet:
            schema = parquet.schema_arrow
            text_at, id_at = _columns(schema.names, column, id_column)
            wanted = [schema.names[at] for at in (text_at, id_at) if at is not None]
            for name, is_id in zip(wanted, (False, True), strict=False):
                _check_type(pa.types, schema.field(name), is_id=is_id)
            read = list(dict.fromkeys(wanted))  # texts may be their own ids
            batches = parquet.iter_batches(_PARQUET_ROWS, columns=read, use_threads=False)
            for batch in batches:
                texts = batch.column(wanted[0])
                ids = None if id_at is None else batch.column(wanted[-1])
                for i in range(batch.num_rows):
                    row += 1
                    text_id = row if ids is None else ids[i].as_py()
                    yield Row(f"row {row}", text_id, texts[i].as_py())
    except UnicodeDecodeError as error:
        place = f"row {row}" if row else "the schema"
        raise InputError(f"{place}: is not UTF-8; write the file again as UTF-8") from error
    except (pa.ArrowException, OSError) as error:
        reason = printable(str(error), 160)
        raise InputError(f"cannot be read as Parquet ({reason}); write the file again") from error


READERS: dict[str, Reader] = {
    ".txt": read_txt,
    ".jsonl": read_jsonl,
    ".ndjson": read_jsonl,
    ".csv": partial(read_csv, delimiter=","),
    ".tsv": partial(read_csv, delimiter="\t"),
    ".parquet": read_parquet,
}


def json_objects(file: io.BufferedReader) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the object of each line that is not blank, and how a message names the line.

    Raises InputError for what is not JSON, for other JSON values, and as `text_lines` does.
    """
    for number, line in text_lines(file):
        if not line.strip():
            continue
        value = _json_value(line, place := f"line {number}")
        if not isinstance(value, dict):
            raise InputError(f"{place}: holds {kind_of(value)}; put an object on each line")
        yield place, value


def text_lines(file: io.BufferedReader) -> Iterator[tuple[int, str]]:
    """Yield number and text of each line.

    Raises InputError for binary data, for bytes that are not UTF-8, and for a file whose lines
    end in carriage returns alone, which would pass for one long text.
    """
    for number, line in _lines(file):
        text = _without_ending(line)
        if text == line and "\r" in line and number == 1:  # the first line, and no other comes
            raise InputError(
                "its lines end in carriage returns alone; convert it with tr '\\r' '\\n'"
            )
        yield number, text


def kind_of(value: object) -> str:
    """Return what a value is in the words that a message uses."""
    return _KINDS.get(type(value), f"a value of type {type(value).__name__}")


def _lines(file: io.BufferedReader) -> Iterator[tuple[int, str]]:
    head = file.peek(_SNIFFED)[:_SNIFFED]
    if head.startswith(_UTF16_MARKS):
        raise InputError("is UTF-16, not UTF-8; convert it with iconv -f UTF-16 -t UTF-8")
    if (nul := head.find(0)) >= 0:
        raise InputError(f"is binary (a NUL byte at offset {nul}); give a text file in UTF-8")
    offset = 0
    # Read as bytes: a binary file's lines end at \n alone, and offsets can be told.
    for number, data in enumerate(file, start=1):
        try:
            line = data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InputError(
                f"line {number}, byte offset {offset + error.start}: is not UTF-8; convert the"
                " file with iconv -f ISO-8859-1 -t UTF-8, its own encoding after -f"
            ) from error
        offset += len(data)
        yield number, line.removeprefix("\ufeff") if number == 1 else line


def _without_ending(line: str) -> str:
    if line.endswith("\r\n"):
        return line[:-2]
    return line.removesuffix("\n")


def _json_value(line: str, place: str) -> object:
    try:
        value: object = json.loads(line)
    except json.JSONDecodeError as error:
        reason = f"{error.msg} at column {error.colno}"
    except ValueError:
        reason = "a number with too many digits"
    except RecursionError:
        reason = "nested too deeply"
    else:
        return value
    raise InputError(f"{place}: is not JSON ({reason}); put one JSON object on each line")


def _object_row(
    value: dict[str, Any], place: str, count: int, column: str | None, id_column: str | None
) -> Row:
    names = list(value)
    text_name = DEFAULT_COLUMN if column is None else column
    if text_name not in value:
        raise InputError(f"{place}: {_no_column(text_name, names)}")
    if id_column is not None and id_column not in value:
        raise InputError(f"{place}: {_no_column(id_column, names)}")
    id_name = DEFAULT_ID_COLUMN if id_column is None else id_column
    return Row(place, value.get(id_name, count), value[text_name])


def _csv_records(file: io.BufferedReader, delimiter: str) -> Iterator[list[str]]:
    # The limit is one for the whole process; the module offers no other way to lift it.
    csv.field_size_limit(sys.maxsize)
    # newline="" also splits at a lone \r, which the csv module takes for the end of a record.
    pieces = (piece for _, line in _lines(file) for piece in io.StringIO(line, newline=""))
    reader = csv.reader(pieces, delimiter=delimiter, strict=True)
    while True:
        try:
            record = next(reader, None)
        except csv.Error as error:
            raise InputError(
                f"line {reader.line_num}: has wrong quoting ({printable(str(error), 80)}); write"
                ' fields as "…" with each quote inside them doubled'
            ) from error
        if record is None:
            return
        if record:
            yield record


def _cell(record: list[str], at: int) -> str | None:
    return record[at] if at < len(record) else None


def _columns(
    names: Sequence[str], column: str | None, id_column: str | None
) -> tuple[int, int | None]:
    text_at = _column(names, DEFAULT_COLUMN if column is None else column)
    if id_column is not None:
        return text_at, _column(names, id_column)
    return text_at, _column(names, DEFAULT_ID_COLUMN) if DEFAULT_ID_COLUMN in names else None


def _column(names: Sequence[str], name: str) -> int:
    if name not in names:
        raise InputError(_no_column(name, names))
    if names.count(name) > 1:
        raise InputError(f"has more than one column {quoted(name)}; give each its own name")
    return names.index(name)


def _no_column(name: str, names: Sequence[str]) -> str:
    near = suggest(name, names)
    columns = listed(names, exactly=True)
    return f"has no column {quoted(name)}{near}: name one of its columns: {columns}"


def _check_type(types: Any, field: Any, *, is_id: bool) -> None:
    value_type = field.type.value_type if types.is_dictionary(field.type) else field.type
    is_string = (
        types.is_string(value_type)
        or types.is_large_string(value_type)
        or types.is_string_view(value_type)
    )
    if not is_string and not (is_id and types.is_integer(value_type)):
        raise InputError(
            f"row 1: column {quoted(field.name)} holds {printable(str(field.type), 40)}, not"
            " strings; name a column of strings"
        )
