"""A run at one look: a row for each setting, then DRIFT, EXACT, WHY and SERVE in one line each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from rich.console import Console
from rich.table import Table
from rich.text import Text

from embedtui.assess.answers import Answer, Answers, Entry, State, answer
from embedtui.assess.diagnosis import diagnose
from embedtui.assess.finding import Finding
from embedtui.assess.findings import Faults, all_faults, find
from embedtui.assess.mixed_search import mixed_retrieval
from embedtui.assess.retrieval import most_changed, precision_retrieval, worst_of_batches
from embedtui.assess.setting_answers import answer_setting
from embedtui.assess.tolerance import MARKS, Outcome, judge
from embedtui.cli.fit_columns import fit_columns, plain_table
from embedtui.cli.output import unicode_works
from embedtui.common.machine import vllm_of
from embedtui.common.printable import printable
from embedtui.common.wording import percent, text_count
from embedtui.measure import Distances, largest_finite
from embedtui.plan.scenarios import METRIC_NAMES, Scenario
from embedtui.results.results import Results
from embedtui.results.speeds import fastest

_FEW = 3
"""So many settings have their three lines each; of more, the recommended one alone."""
_STYLES: dict[State, str] = {"good": "green", "bad": "red", "open": ""}
_MARK_STYLES: dict[Outcome, str] = {"holds": "green", "borderline": "yellow", "falls short": "red"}
_WIDEST = 24
"""Columns of a setting's name before it is folded."""


@dataclass(frozen=True)
class Overview:
    """What one look at a run shows."""

    entries: tuple[Entry, ...]
    """The settings with figures."""
    answers: Answers
    """What of them to serve with."""
    faults: Faults
    use: Scenario
    results: Results

    def lines_of(self, entry: Entry) -> tuple[Answer, Answer, Answer]:
        """Return DRIFT, EXACT and WHY of a setting."""
        causes = diagnose(entry.results, entry.setting, self.faults[entry.setting.number])
        found = answer_setting(entry, self.use, causes)
        return found.drift, found.exact, found.why


def overview_of(results: Results, use: Scenario) -> Overview:
    """Return what one look at a run shows, computed from its results."""
    faults = all_faults(results)
    entries = []
    for setting in results.settings:
        if not setting.unbatched.count:
            continue
        wrong = faults[setting.number]
        entry = Entry(setting.setting.short_label, results, setting, wrong[0].kind if wrong else "")
        if not wrong:
            mixed = use.situation == "queries-alone"
            worst = worst_of_batches(results, setting, *((mixed_retrieval,) if mixed else ()))
            entry = replace(
                entry,
                lists=worst[1] if worst else None,
                error_lists=precision_retrieval(results, setting),
                verdicts=judge(results, setting, use),
            )
        entries.append(entry)
    return Overview(tuple(entries), answer(entries, use), faults, use, results)


def show(found: Overview, console: Console, about: str = "") -> None:
    """Print what was measured: rows, what has to be known, the lines and the serving command.

    The lines are `about` the setting of that label, where one is named.
    """
    console.print()
    console.print(_head(found))
    unmeasured = [one for one in found.results.settings if not one.unbatched.count]
    if found.entries:
        console.print(_legend(found))
        unicode = unicode_works(console)
        rows = [_cells(entry, found.use, unicode=unicode) for entry in found.entries]
        made = partial(_table, found, console, rows)
        console.print(fit_columns(console, _order(found.entries), made))
    for one in unmeasured:
        why = one.reason or one.status
        console.print(Text(f" {printable(one.setting.short_label)}: {printable(why, 300)}", "red"))
    chosen = [entry for entry in found.entries if entry.label == about] or _told(found)
    told = {entry.setting.number for entry in chosen}
    for finding in find(found.results, found.faults):
        warns = finding.severity == "warning"
        if warns or (finding.severity == "fault" and finding.setting not in told):
            style = "yellow" if warns else "red"
            console.print(Text(_finding(found.results, finding), style=style))
    console.print(_lines(found, chosen))
    if command := found.answers.command:
        # One line whatever its length: it is there to be copied.
        console.print(Text(f"      {printable(command)}"), soft_wrap=True)
    results = found.results
    if results.status in {"cancelled", "cut off"}:
        why = f": {printable(results.reason, 300)}" if results.reason else ""
        console.print(f"The run was {results.status}{why}.")


def _lines(found: Overview, chosen: Sequence[Entry]) -> Table:
    """Return DRIFT, EXACT and WHY of the `chosen` settings, and SERVE, with their words wrapped."""
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True, style="bold", width=5)
    table.add_column(overflow="fold")
    three = [one for entry in chosen for one in found.lines_of(entry)]
    for one in (*three, found.answers.serve):
        table.add_row(one.question, Text(printable(one.text), style=_STYLES[one.state]))
    return table


def _told(found: Overview) -> Sequence[Entry]:
    if len(found.entries) <= _FEW:
        return found.entries
    return (found.entries[found.answers.recommended or 0],)


def _head(found: Overview) -> Text:
    plan, environment = found.results.plan, found.results.environment
    facts = [f"{text_count(len(plan.pack))} ({plan.pack.name})", environment["machine"]]
    if environment["device"] != "server":
        facts.append(f"vLLM {vllm_of(environment)}")
    rest = "".join(f" · {printable(str(one))}" for one in facts)
    return Text.assemble((printable(plan.model_name), "bold"), rest)


def _legend(found: Overview) -> Text:
    use = found.use
    limit = "identical vectors" if use.bitwise else f"{use.limit}"
    said = (
        f"{METRIC_NAMES[use.metric]} of the worst text; @N: in batches of N against alone; "
        "error: against float64, alone and batched. "
        f"{use.title} limit: {limit}; {use.binding} decides"
    )
    return Text(printable(said), style="dim")


def _order(entries: Sequence[Entry]) -> list[str]:
    """Return the columns that a narrow terminal does without, the first of them first."""
    sizes = [f"@{size}" for size in _sizes(entries)]
    return [*sizes[1:-1], "noise", *sizes[:1][: len(sizes) - 1], "texts/s", "top-10"]


def _sizes(entries: Sequence[Entry]) -> list[int]:
    return sorted({size for entry in entries for size in entry.setting.batched})


def _table(
    found: Overview, console: Console, rows: Sequence[dict[str, Text]], left_out: set[str]
) -> Table:
    table = plain_table(console)
    table.add_column("setting", overflow="fold", max_width=_WIDEST)
    names = [f"@{size}" for size in _sizes(found.entries)]
    names += ["noise", "error", "cons.", "exact", "top-10", "texts/s"]
    shown = [name for name in names if name not in left_out]
    for name in shown:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    here = "◂" if unicode_works(console) else "<"
    for place, (entry, cells) in enumerate(zip(found.entries, rows, strict=True)):
        mark = here if place == found.answers.recommended else ""
        label = Text(printable(entry.label))
        if entry.fault:
            label.append(f"  fault: {printable(entry.fault)}", style="red")
        table.add_row(label, *(cells.get(name, "") for name in shown), Text(mark, style="green"))
    return table


def _cells(entry: Entry, use: Scenario, *, unicode: bool) -> dict[str, Text]:
    setting, results = entry.setting, entry.results
    if entry.fault:
        return {}
    cells = {
        f"@{size}": _largest(setting.drift_in_any_order(size), use) for size in setting.batched
    }
    noise = setting.noise()
    verdicts = entry.verdicts or judge(results, setting, use)
    exact = verdicts.exact
    speed = fastest(setting)
    return cells | {
        "noise": _largest(noise[1] if noise else None, use),
        "error": Text(f"{exact.worst:.1e}" if exact.texts else "-"),
        "cons.": _mark(verdicts.consistent.outcome, unicode=unicode),
        "exact": _mark(exact.outcome, unicode=unicode),
        "top-10": _changed(entry),
        "texts/s": Text(f"{speed[1].median:.0f}" if speed else "-"),
    }


def _largest(distances: Distances | None, use: Scenario) -> Text:
    if distances is None or not len(distances.l2):
        return Text("-", style="dim")
    if distances.identical.all():
        return Text("identical", style="green")
    most = largest_finite(getattr(distances, use.metric))
    return Text("-" if most is None else f"{most:.1e}")


def _mark(outcome: Outcome, *, unicode: bool) -> Text:
    words: dict[Outcome, str] = {"holds": "yes", "borderline": "~", "falls short": "no"}
    mark = MARKS[outcome] if unicode else words.get(outcome, "")
    return Text(mark or "-", style=_MARK_STYLES.get(outcome, "dim"))


def _changed(entry: Entry) -> Text:
    """Return the larger share of lists whose order changes, by batches or against float64."""
    worst = most_changed(entry.lists, entry.error_lists)
    if worst is None:
        return Text("-", style="dim")
    return Text(percent(worst.order_changed[0], worst.queries))


def _finding(results: Results, finding: Finding) -> str:
    where = "" if finding.setting is None else results.settings[finding.setting].setting.short_label
    return printable(f"! {finding.severity}: {where}{': ' if where else ''}{finding.message}")
