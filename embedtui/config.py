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
from typing import Any

from embedtui.common import paths, schema
from embedtui.common.errors import InputError
from embedtui.common.printable import printable
from embedtui.common.schema import Key
from embedtui.common.suggest import suggest
from embedtui.engine.settings import SWITCHES
from embedtui.plan.choices import Choices
from embedtui.plan.former_names import FORMER_NAMES, by_present_names
from embedtui.plan.options import BY_NAME, CHOSEN
from embedtui.plan.scenarios import METRIC_NAMES, SITUATIONS, Metric, Situation, scenarios

VARIABLE = "EMBEDTUI_CONFIG"
"""Names another config file."""

SECTIONS = {
    "": "looks and habits",
    "explore": "what was chosen last",
    "settings": "values to try for each switch, as `embedtui list settings` explains them",
    "keys": 'keys of actions, such as run = "f6"; several are separated by commas',
}
_SWITCHES = {switch.key: switch for switch in SWITCHES}
_CHOSEN = tuple(option for option in CHOSEN if option.in_config)


def _known_scenario(key: str) -> None:
    if key not in scenarios():
        raise InputError(f"unknown scenario '{printable(key, 40)}'{suggest(key, scenarios())}")


def _field(default: Any, help_: str, key: Key) -> Any:
    return field(default=default, metadata={"help": help_, "section": "", "key": key})


def _option(name: str) -> Any:
    """Return the field of an option of a run."""
    option = BY_NAME[name]
    default = option.default_in("config")
    return field(
        default=default, metadata={"help": option.help, "section": "explore", "key": option.key}
    )


@dataclass(frozen=True)
class Config:
    """Every key of the file with its default."""

    theme: str = _field("phosphor", "colours; `embedtui list themes` lists them", Key(str))
    refresh: float = _field(
        4.0,
        "pictures a second while a run goes on, 0.2 to 10",
        Key(float, 0.2, 10, said="0.2 to 10 pictures a second"),
    )
    slow_link: str = _field(
        "off",
        "on draws once a second; auto does so over SSH",
        Key(str, choices=("off", "on", "auto")),
    )
    ascii: bool = _field(False, "show nothing beyond ASCII", Key(bool))
    scenario: str = _field(
        "rag", "what the embeddings are for, and so the tolerance", Key(str, check=_known_scenario)
    )
    situation: Situation = _field(  # noqa: RUF009 - it makes a field
        "one-server",
        "what the vectors meet, and so which verdict decides",
        Key(str, choices=tuple(SITUATIONS)),
    )
    metric: Metric = _field(  # noqa: RUF009 - it makes a field
        "cosine",
        "the distance that is shown; choosing a use sets it to the one that its limit is in",
        Key(str, choices=tuple(METRIC_NAMES)),
    )
    model: str = _option("model")
    texts: str = _option("texts")
    column: str = _option("column")
    id_column: str = _option("id_column")
    limit: int = _option("limit")
    batch_sizes: str = _option("batch_sizes")
    repeats: int = _option("repeats")
    shuffles: int = _option("shuffles")
    restarts: int = _option("restarts")
    reference: bool = _option("reference")
    prompt: str = _option("prompt")
    against: str = _option("against")
    too_long: str = _option("too_long")
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
        kept = {one.name: one.read(getattr(self, one.name)) for one in _CHOSEN}
        return Choices(**kept, chosen=(chosen,))

    def with_choices(self, choices: Choices) -> Config:
        """Return the config that gives these choices back."""
        return replace(
            self,
            **{one.name: one.write(getattr(choices, one.name)) for one in _CHOSEN},
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
    for former in FORMER_NAMES.keys() & document.get("explore", {}).keys():
        del document["explore"][former]
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
    known, found = _keys(section), by_present_names(found)
    where = f"[{section}] " if section else ""
    if not section:
        found = {key: value for key, value in found.items() if key not in SECTIONS}
    wrong = dict(schema.problems(found, known))
    for key, problem in wrong.items():
        other = "" if section or key in known else _elsewhere(key)
        said = f"unknown key '{printable(key, 40)}'{other}" if other else problem
        problems.append(f"{where}{said}")
    for key in found.keys() & known.keys() - wrong.keys():
        kept[key] = float(found[key]) if known[key].kind is float else found[key]


def _keys(section: str) -> dict[str, Key]:
    """Return the keys of a section of the file."""
    return {
        one.name: one.metadata["key"]
        for one in fields(Config)
        if one.metadata.get("section") == section
    }


def _elsewhere(key: str) -> str:
    section = next(
        (one.metadata["section"] for one in fields(Config) if one.name == key and one.metadata), ""
    )
    return f" (it belongs under [{section}])" if section else ""


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
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
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
