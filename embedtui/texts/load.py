"""What the user names, a pack or a file, made into a TextPack, or told why it cannot be."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path

from embedtui.common.errors import InputError
from embedtui.common.printable import printable
from embedtui.common.suggest import suggest
from embedtui.texts import samples
from embedtui.texts.labelled import CORPUS, is_labelled, read_labelled
from embedtui.texts.pack import Text, TextPack
from embedtui.texts.quoting import given, listed, quoted
from embedtui.texts.readers import READERS, Row, kind_of
from embedtui.texts.sampling import Sample, draw

_BUFFER = 1 << 16
_SUFFIXES = listed(list(READERS))


def load_texts(
    ref: str,
    *,
    column: str | None = None,
    id_column: str | None = None,
    limit: int | None = None,
    join: int = 1,
    seed: int | None = None,
) -> TextPack:
    """Return the texts of a sample pack or of a file, `limit` of them.

    With a `seed` these are drawn by it from all, since packs are often sorted by topic; without
    one they are the first, and no more is read.
    With `join`, each is made of that many texts that follow one another, with an empty line between
    them, so that any pack gives long ones; texts that are left over are left out.

    A folder in BEIR's layout, and a pack that is one, gives queries and documents with labels; see
    `read_labelled`.

    `ref` is a pack's name where it has neither a path separator nor the suffix of a format that
    is read. The texts stand in `column` ("text"); their ids in `id_column`, else in "id" where
    there is one, else they are row numbers. Texts are kept exactly as they are, empty ones and
    lone surrogates too, because what a model makes of them is a thing to find out; what is not a
    string is refused, because turning it into one would be a guess.

    Raises InputError, its message one line that begins with what was given, for everything that
    keeps the texts from being read: an unknown pack or format, a file that is missing, unreadable,
    damaged or not UTF-8, a missing column, an id used twice, a limit or join below 1, no texts at
    all, fewer texts than are to be joined.
    """
    if limit is not None and limit < 1:
        raise InputError(f"limit {limit}: give 1 or more")
    if join < 1:
        raise InputError(f"join {join}: give 1 or more")
    rows = None if limit is None or seed is not None else limit * join
    try:
        pack = _pack_path(ref)
        folder = pack or Path(ref)
        if _is_folder(folder) and is_labelled(folder):
            if column or id_column or join > 1:
                raise InputError("is a folder of queries and documents; leave column and join out")
            texts, labels, whole = read_labelled(folder, limit, seed)
            source = ref if pack else str(folder.absolute())
            sample = _sample_of(len(texts), whole, seed)
            return TextPack(folder.absolute().name, source, texts, labels, sample)
        path = pack or _file(ref)
        name, source = (ref, ref) if pack else (path.name, str(path.absolute()))
        if seed is not None and limit is not None and join == 1:
            texts, whole = _drawn_texts(path, column, id_column, limit, seed)
            return TextPack(name, source, texts, sample=_sample_of(len(texts), whole, seed))
        read = TextPack(name, source, _texts(path, column, id_column, rows))
        return _drawn(_joined(read, join), limit, seed)
    except InputError as error:
        raise InputError(f"{given(ref)}: {error}") from error.__cause__
    except OSError as error:
        reason = printable(error.strerror or str(error), 80)
        raise InputError(
            f"{given(ref)}: cannot be read ({reason}); give a readable file ending in {_SUFFIXES}"
        ) from error


def _drawn(pack: TextPack, limit: int | None, seed: int | None) -> TextPack:
    """Return as many texts of a pack, drawn by a seed."""
    if limit is None or seed is None or limit >= len(pack):
        return pack
    texts, whole = draw(pack.texts, limit, seed)
    return replace(pack, texts=tuple(texts), sample=Sample(seed, whole))


def _sample_of(count: int, whole: int, seed: int | None) -> Sample | None:
    return None if seed is None or count == whole else Sample(seed, whole)


def _joined(pack: TextPack, join: int) -> TextPack:
    """Put every `join` texts together; the id is that of the first."""
    if join == 1:
        return pack
    whole = len(pack) // join
    if not whole:
        raise InputError(f"holds {len(pack)} texts, too few to join {join}; give fewer")
    groups = [pack.texts[at * join : (at + 1) * join] for at in range(whole)]
    texts = [Text(group[0].id, "\n\n".join(one.text for one in group)) for group in groups]
    return TextPack(f"{pack.name}×{join}", pack.source, tuple(texts))


def _pack_path(ref: str) -> Path | None:
    if os.sep in ref or Path(ref).suffix.lower() in READERS:
        return None
    path = samples.pack_path(ref)
    if path is None and not _exists(Path(ref)):
        names = samples.pack_names()
        raise InputError(
            f"is not a pack{suggest(ref, names)}: give one of {listed(names) or '(none)'},"
            f" or a file ending in {_SUFFIXES}"
        )
    return path


def _exists(path: Path) -> bool:
    # Path.exists() raises for some names that no file can have.
    try:
        path.stat()
    except (OSError, ValueError):
        return False
    return True


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except ValueError:
        return False


def _file(ref: str) -> Path:
    path = Path(ref)
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(f"no such file; give a file ending in {_SUFFIXES}") from error
    except ValueError as error:
        raise InputError(f"not a file's name; give a file ending in {_SUFFIXES}") from error
    if stat.S_ISDIR(mode):
        raise InputError(
            f"is a folder without {CORPUS}; give a file ending in {_SUFFIXES},"
            " or a folder in BEIR's layout"
        )
    if path.suffix.lower() not in READERS:
        suffix = f"the suffix {quoted(path.suffix)}" if path.suffix else "no suffix"
        raise InputError(f"has {suffix}; give a file ending in {_SUFFIXES}")
    # Opening a pipe would wait, perhaps for ever, for somebody to write to it.
    if not stat.S_ISREG(mode):
        raise InputError(f"is not a regular file; give a file ending in {_SUFFIXES}")
    return path


def _texts(
    path: Path, column: str | None, id_column: str | None, limit: int | None
) -> tuple[Text, ...]:
    with _reading(path, column, id_column) as rows:
        texts = tuple(_checked(islice(rows, limit)))
    return _not_empty(texts)


def _drawn_texts(
    path: Path, column: str | None, id_column: str | None, limit: int, seed: int
) -> tuple[tuple[Text, ...], int]:
    """Return texts drawn by a seed, and how many there are; all are checked."""
    with _reading(path, column, id_column) as rows:
        texts, whole = draw(_checked(rows), limit, seed)
    return _not_empty(tuple(texts)), whole


@contextmanager
def _reading(path: Path, column: str | None, id_column: str | None) -> Iterator[Iterator[Row]]:
    with _opened(path) as file:
        if not file.peek(1):
            raise InputError("is empty; give a file with at least one text")
        # A reader that is left half-way holds what it reads with, pyarrow's threads among it, until
        # whatever refers to it goes: an error's traceback does, to the end of the process.
        with closing(READERS[path.suffix.lower()](file, column, id_column)) as rows:
            yield rows


def _not_empty(texts: tuple[Text, ...]) -> tuple[Text, ...]:
    if not texts:
        raise InputError("holds no texts; give a file with at least one text")
    return texts


def _opened(path: Path) -> io.BufferedReader:
    # The default buffer is as small as the file system's block, less than the readers look at.
    return io.BufferedReader(path.open("rb", buffering=0), _BUFFER)


def _checked(rows: Iterator[Row]) -> Iterator[Text]:
    seen: set[str] = set()
    for row in rows:
        if not isinstance(row.text, str):
            raise InputError(
                f"{row.place}: the text is {kind_of(row.text)}, not a string; write it as a"
                " string or name another column"
            )
        # Integers name rows as well as strings do; true and 1.0 are more likely a mistake.
        if not isinstance(row.id, str | int) or isinstance(row.id, bool):
            raise InputError(
                f"{row.place}: the id is {kind_of(row.id)}; give a string or an integer, or name"
                " another id column"
            )
        text_id = str(row.id)
        if text_id in seen:
            raise InputError(
                f"{row.place}: the id {quoted(text_id)} was used before; give each text its own"
                " id, or name another id column"
            )
        seen.add(text_id)
        yield Text(text_id, row.text)
