"""The config file: looks, keys, and what was chosen last; the fields below are its whole schema.

Whatever is wrong in it is told and left alone: a slip in a file never keeps the explorer shut.
"""

from __future__ import annotations

import os
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, cast

from embedtui import paths
from embedtui.engine.messages import TooLong
from embedtui.engine.settings import SWITCHES
from embedtui.errors import InputError
from embedtui.printable import printable
from embedtui.study.batch_sizes import parse_batch_sizes
from embedtui.study.choices import Choices
from embedtui.study.scenarios import METRIC_NAMES, Metric, scenarios
from embedtui.suggest import suggest

VARIABLE = "EMBEDTUI_CONFIG"
"""Names another config file."""

SECTIONS = {
    "": "looks and habits",
    "explore": "what was chosen last",
    "settings": "values to try for each switch, as `embedtui settings` explains them",
    "keys": 'keys of actions, such as run = "f6"; several are separated by commas',
}
_SWITCHES = {switch.key: switch for switch in SWITCHES}


def _field(default: Any, help_: str, section: str = "", choices: tuple[str, ...] = ()) -> Any:
    return field(default=default, metadata={"help": help_, "section": section, "choices": choices})


@dataclass(frozen=True)
class Config:
    """Every key of the file with its default."""

    theme: str = _field("phosphor", "colours; `embedtui themes` lists them")
    refresh: float = _field(4.0, "pictures a second while a run goes on, 0.2 to 10")
    slow_link: str = _field(
        "off", "on draws once a second; auto does so over SSH", choices=("off", "on", "auto")
    )
    ascii: bool = _field(False, "show nothing beyond ASCII")
    scenario: str = _field("rag", "what the embeddings are for, and so the tolerance")
    metric: Metric = _field(  # noqa: RUF009 - it makes a field
        "l2", "the distance that is shown", choices=tuple(METRIC_NAMES)
    )
    model: str = _field("minilm", "alias, folder or hub id", "explore")
    texts: str = _field("passages", "text pack or file", "explore")
    column: str = _field("", "the file's column of texts; empty for `text`", "explore")
    id_column: str = _field("", "the file's column of ids; empty for `id`", "explore")
    limit: int = _field(64, "take the first so many texts only; 0 for all", "explore")
    batch_sizes: str = _field("1,2,4,8,16,32,64", "texts per step, such as 1,2,4-64*2", "explore")
    repeats: int = _field(1, "how often batches are run again for the noise floor", "explore")
    shuffles: int = _field(2, "how many other orders the largest batches are tried in", "explore")
    restarts: int = _field(0, "how often engines are loaded anew to run batches again", "explore")
    truth: bool = _field(True, "measure against float64", "explore")
    prompt: str = _field(
        "", "put before every text: a name of the model's own prompts, or a text", "explore"
    )
    against: str = _field("", "the model on this machine that a server is held against", "explore")
    too_long: str = _field(
        "truncate",
        "what to do with texts beyond the model's limit",
        "explore",
        ("truncate", "refuse"),
    )
    settings: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: {"dtype": ("bfloat16", "float32", "float16")}
    )
    keys: Mapping[str, str] = field(default_factory=dict)

    @property
    def slow(self) -> bool:
        """Whether to draw as seldom as a slow line wants."""
        return self.slow_link == "on" or (
            self.slow_link == "auto" and bool(os.environ.get("SSH_CONNECTION"))
        )

    def choices(self) -> Choices:
        """Return what was chosen last."""
        chosen = {
            key: [_SWITCHES[key].parse(value) for value in values]
            for key, values in self.settings.items()
        }
        chosen = {"dtype": chosen.pop("dtype", ["float32"]), **chosen}
        return Choices(
            model=self.model,
            texts=self.texts,
            column=self.column or None,
            id_column=self.id_column or None,
            limit=self.limit or None,
            chosen=(chosen,),
            batch_sizes=parse_batch_sizes(self.batch_sizes),
            repeats=self.repeats,
            shuffles=self.shuffles,
            restarts=self.restarts,
            truth=self.truth,
            too_long=cast(TooLong, self.too_long),
            prompt=self.prompt,
            against=self.against,
        )

    def with_choices(self, choices: Choices) -> Config:
        """Return the config that gives these choices back."""
        return replace(
            self,
            model=choices.model,
            texts=choices.texts,
            column=choices.column or "",
            id_column=choices.id_column or "",
            limit=choices.limit or 0,
            batch_sizes=",".join(map(str, choices.batch_sizes)),
            repeats=choices.repeats,
            shuffles=choices.shuffles,
            restarts=choices.restarts,
            truth=choices.truth,
            too_long=choices.too_long,
            prompt=choices.prompt,
            against=choices.against,
            settings={
                key: tuple(_SWITCHES[key].show(value) for value in values)
                for key, values in choices.chosen[0].items()
            },
        )


def config_path() -> Path:
    """Return the file that is read and written."""
    named = os.environ.get(VARIABLE)
    return Path(named).expanduser() if named else paths.config_folder() / "config.toml"


def load(path: Path, actions: Iterable[str] = ()) -> tuple[Config, list[str]]:
    """Read the file; return the config and a line for everything that is wrong with it.

    A key that is wrong keeps its default. A file that is not there is all defaults.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Config(), []
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return Config(), [f"{_shown(path)} is no TOML: {printable(str(error), 120)}"]
    except OSError as error:
        return Config(), [f"{_shown(path)} cannot be read: {error.strerror}"]
    problems: list[str] = []
    kept: dict[str, Any] = {}
    for section in SECTIONS:
        found = values if not section else values.get(section, {})
        if not isinstance(found, dict):
            problems.append(f"[{section}] must be a table of keys and values")
            continue
        _read_section(section, found, set(actions), kept, problems)
    return Config(**kept), [f"{_shown(path)}: {problem}" for problem in problems]


def save(path: Path, config: Config) -> None:
    """Write what differs from the file; comments, order and unknown keys stay.

    The file is replaced in one step, so that a crash leaves the old one or the new one.

    Raises:
        InputError: if the file is no TOML, or cannot be written.
    """
    import tomlkit  # noqa: PLC0415 - only where something is saved: it costs tens of milliseconds
    from tomlkit.exceptions import TOMLKitError  # noqa: PLC0415 - likewise

    path = path.resolve()
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        document = tomlkit.parse(text)
    except (TOMLKitError, UnicodeDecodeError) as error:
        raise InputError(
            f"{_shown(path)} is no TOML and was not overwritten: mend it or remove it"
        ) from error
    except OSError as error:
        raise InputError(f"{_shown(path)} cannot be read: {error.strerror}") from error
    defaults = Config()
    for one in fields(Config):
        if one.name in {"settings", "keys"}:
            continue
        value = getattr(config, one.name)
        section = one.metadata["section"]
        table = _table(document, section)
        if one.name in table or value != getattr(defaults, one.name):
            _put(table, one.name, value)
    if config.settings != defaults.settings or "settings" in document:
        table = _table(document, "settings")
        for key in [key for key in table if key in _SWITCHES and key not in config.settings]:
            del table[key]
        for key, values in config.settings.items():
            _put(table, key, list(values))
    for section in ("explore", "settings"):
        if section in document and not document[section]:
            del document[section]
    _replace(path, tomlkit.dumps(document))


def _read_section(
    section: str,
    found: Mapping[str, Any],
    actions: set[str],
    kept: dict[str, Any],
    problems: list[str],
) -> None:
    if section == "settings":
        settings = _read_settings(found, problems)
        if settings:
            kept["settings"] = {**Config().settings, **settings}
        return
    if section == "keys":
        kept["keys"] = _read_keys(found, actions, problems)
        return
    known = {one.name: one for one in fields(Config) if one.metadata.get("section") == section}
    where = f"[{section}] " if section else ""
    for key, value in found.items():
        if key in known:
            problem = _wrong(key, value, getattr(Config(), key), known[key].metadata["choices"])
            if problem:
                problems.append(f"{where}{problem}")
            else:
                kept[key] = float(value) if isinstance(getattr(Config(), key), float) else value
        elif section or key not in SECTIONS:
            other = "" if section else _elsewhere(key)
            problems.append(
                f"{where}unknown key '{printable(key, 40)}'{other or suggest(key, known)}"
            )


def _elsewhere(key: str) -> str:
    section = next(
        (one.metadata["section"] for one in fields(Config) if one.name == key and one.metadata), ""
    )
    return f" (it belongs under [{section}])" if section else ""


def _wrong(key: str, value: Any, default: Any, choices: tuple[str, ...]) -> str:
    """Return what is wrong with a value, or nothing."""
    kind = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
    wanted = type(default)
    fits = isinstance(value, (int, float) if wanted is float else wanted)
    if not fits or (wanted is not bool and isinstance(value, bool)):
        return f"{key} must be {kind[wanted]}"
    if choices and value not in choices:
        return f"{key} must be one of {', '.join(choices)}"
    return _beyond(key, value)


def _beyond(key: str, value: Any) -> str:
    """Return what is wrong with a value of the right kind, or nothing."""
    said = ""
    match key:
        case "refresh" if not 0.2 <= value <= 10:
            said = "refresh must be 0.2 to 10 pictures a second"
        case "scenario" if value not in scenarios():
            said = f"unknown scenario '{printable(value, 40)}'{suggest(value, scenarios())}"
        case "repeats" | "shuffles" | "restarts" if not 0 <= value <= 100:
            said = f"{key} must be 0 to 100"
        case "limit" if value < 0:
            said = "limit must be 0, for all texts, or more"
        case "batch_sizes":
            try:
                parse_batch_sizes(value)
            except InputError as error:
                said = f"batch_sizes: {error}"
        case _:
            pass
    return said


def _read_settings(found: Mapping[str, Any], problems: list[str]) -> dict[str, tuple[str, ...]]:
    settings = {}
    for key, value in found.items():
        values = value if isinstance(value, list) else [value]
        if key not in _SWITCHES:
            problems.append(
                f"[settings] unknown key '{printable(key, 40)}'{suggest(key, _SWITCHES)}"
            )
        elif not values or not all(isinstance(one, str | int) for one in values):
            problems.append(f"[settings] {key} must be a list of values")
        else:
            try:
                parsed = [_SWITCHES[key].parse(_said(one)) for one in values]
                settings[key] = tuple(_SWITCHES[key].show(one) for one in parsed)
            except InputError as error:
                problems.append(f"[settings] {error}")
    return settings


def _said(value: Any) -> str:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)


def _read_keys(found: Mapping[str, Any], actions: set[str], problems: list[str]) -> dict[str, str]:
    keys = {}
    for action, key in found.items():
        if actions and action not in actions:
            problems.append(
                f"[keys] unknown action '{printable(action, 40)}'{suggest(action, actions)}"
            )
        elif not isinstance(key, str) or not all(key.replace(" ", "").split(",")):
            problems.append(f'[keys] {action} must be a key\'s name, such as "f6" or "ctrl+r"')
        else:
            keys[action] = key.replace(" ", "")
    return keys


def _table(document: Any, section: str) -> Any:
    if not section:
        return document
    if section not in document:
        import tomlkit  # noqa: PLC0415 - only where something is saved

        document[section] = tomlkit.table()
    return document[section]


def _put(table: Any, key: str, value: Any) -> None:
    """Set a key unless it says so already: what is not touched keeps its comment and form."""
    if key in table and table[key] == value:
        return
    table[key] = value


def _replace(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".config-", suffix=".toml")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            Path(name).chmod(mode)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InputError(f"{_shown(path)} cannot be written: {error.strerror}") from error


def _shown(path: Path) -> str:
    return printable(str(path))
