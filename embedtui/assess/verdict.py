"""The sentences: does it drift, is it noise, would a search notice, how much the dtype costs."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from embedtui.assess.answers import ABOUT_EQUAL, headline, undecided
from embedtui.assess.findings import Faults, all_faults
from embedtui.assess.mixed_search import describe as describe_mixed
from embedtui.assess.mixed_search import worst_mixed_batches
from embedtui.assess.noise import effect_size, is_noise, is_open, repeats_differ
from embedtui.assess.retrieval import (
    RANDOM_WEIGHTS,
    Retrieval,
    precision_retrieval,
    worst_of_batches,
)
from embedtui.assess.retrieval_sentences import changes_of, describe
from embedtui.assess.systematic_error import describe_systematic, systematic_error_of
from embedtui.assess.tolerance import Verdicts, judge
from embedtui.measure import Distribution, summarize
from embedtui.measure.intervals import SHORT, about_equal, share_interval
from embedtui.plan.scenarios import Scenario, scenario
from embedtui.results.mismatch import text_errors
from embedtui.results.results import Results, SettingResults
from embedtui.results.speeds import describe as describe_speed
from embedtui.results.speeds import speed_of


class Lists(NamedTuple):
    """What changed lists of neighbours there are to speak of."""

    batched: tuple[int, Retrieval] | None
    """The batch size that changes most, and its lists."""
    mixed: Retrieval | None
    """Those of queries alone in documents of the batches that change most."""
    exact: Retrieval | None
    """The unbatched lists against float64's."""


ListsOf = Callable[[Results, SettingResults], Lists]
"""Finds the lists of a setting; a screen has one that does not search."""


def _searched(results: Results, setting: SettingResults) -> Lists:
    """Return the lists of a setting, searched where nobody has."""
    mixed = worst_mixed_batches(results, setting)
    return Lists(
        worst_of_batches(results, setting),
        mixed[1] if mixed else None,
        precision_retrieval(results, setting),
    )


def setting_verdict(
    results: Results,
    setting: SettingResults,
    faults: Faults | None = None,
    use: Scenario | None = None,
    lists_of: ListsOf | None = None,
) -> str:
    """Say whether one setting is consistent and exact enough for a use, and what was measured."""
    use = use or scenario("rag")
    lists_of = lists_of or _searched
    known = all_faults(results) if faults is None else faults
    if not setting.unbatched.count:
        return f"not measured: {setting.reason or setting.status}"
    if known[setting.number]:
        fault = known[setting.number][0]
        what = "no distance from others" if fault.kind == "turned" else "no distance"
        return f"fault: {fault.message}; {what} means anything until that is mended"
    said = [
        _for_use(results, setting, use, lists_of),
        _wrong_input(results, setting),
        _drift(results, setting),
        _retrieval(results, setting, lists_of),
        _restart(setting),
        _precision(results, setting),
    ]
    if setting.status != "finished":
        total = len(results.plan.pack)
        said.insert(0, f"cut short after {setting.unbatched.count} of {total} texts")
    return ". ".join(map(_capital, filter(None, said))) + "."


def run_verdict(results: Results, faults: Faults | None = None, use: Scenario | None = None) -> str:
    """Say which of the measured settings a use can bear, and which is nearest and fastest."""
    use = use or scenario("rag")
    known = all_faults(results) if faults is None else faults
    begun = [setting for setting in results.settings if setting.unbatched.count]
    faulty = [setting for setting in begun if known[setting.number]]
    measured = [setting for setting in begun if setting not in faulty]
    if not begun:
        return "nothing was measured"
    if len(begun) == 1:
        return f"{begun[0].setting.label}: {setting_verdict(results, begun[0], known, use)}"
    said = [f"{_labels(faulty)}: fault, no distance means anything"] if faulty else []
    if not measured:
        return said[0] + "."
    whole = [setting for setting in measured if setting.status == "finished"]
    partial = [setting for setting in measured if setting not in whole]
    compared = [setting for setting in whole if _batched(setting)]
    said += _by_outcome(results, compared, use)
    steady = [setting for setting in compared if not _changes(setting)]
    noisy = [setting for setting in compared if _changes(setting) and is_noise(setting)]
    moving = [setting for setting in compared if setting not in steady + noisy]
    if steady:
        said.append(f"{_labels(steady)}: no batch drift, bitwise identical at every batch size")
        said += [f"{_labels(loose)}: {_NOT_AGAIN}"] if (loose := _loose(steady)) else []
    if noisy:
        said.append(f"{_labels(noisy)}: no batch drift beyond noise")
    if moving:
        said += [_drifts_most(moving), _most_changed(results, moving)]
    if partial:
        said.append(f"{_labels(partial)}: cut short, not compared")
    said += [_nearest(results, whole), _fastest(results, whole)]
    if results.plan.random_weights:
        said.append(RANDOM_WEIGHTS)
    return "; ".join(sentence for sentence in said if sentence) + "."


def _drifts_most(moving: list[SettingResults]) -> str:
    """Say which settings drift most; those within a factor that other texts may turn round."""
    most = max(map(_worst, moving))
    alike = [setting for setting in moving if _worst(setting) * ABOUT_EQUAL >= most]
    if len(alike) == 1:
        return f"{_labels(alike)} drifts most, up to L2 {most:.1e}"
    return f"{_labels(alike)} drift most, about equally, up to L2 {most:.1e}"


_NOT_AGAIN = "not when run again, so golden vectors and cache keys do not hold"


def _loose(settings: list[SettingResults]) -> list[SettingResults]:
    return [setting for setting in settings if repeats_differ(setting)]


def _nearest(results: Results, settings: list[SettingResults]) -> str:
    errors = [
        (error, s) for s in settings if (error := s.largest_error(results.reference)) is not None
    ]
    if not errors:
        return ""
    best = min(error for error, _ in errors)
    near = [(error, setting) for error, setting in errors if error <= ABOUT_EQUAL * best]
    limit = max(error for error, _ in near)
    verb = "is nearest" if len(near) == 1 else "are about equally near"
    return (
        f"{_labels([s for _, s in near])} {verb} to the float64 reference, L2 at most {limit:.1e}"
    )


def _fastest(results: Results, settings: list[SettingResults]) -> str:
    largest = results.plan.batch_sizes[-1]
    speeds = [(speed, s) for s in settings if (speed := speed_of(s, largest))]
    if not speeds:
        return ""
    best, fastest = max(speeds, key=lambda pair: pair[0].median)
    near = [setting for speed, setting in speeds if about_equal(speed, best)]
    held = fastest.pass_of(largest).most_together
    if len(near) == 1:
        return f"{_labels(near)} is fastest at batch size {held}: {describe_speed(best)}"
    if any(speed.seconds < SHORT for speed, setting in speeds if setting in near):
        return (
            f"passes of less than {SHORT:.0f} s in all do not tell the speeds of {_labels(near)} "
            f"apart, up to {best.median:.0f} texts/s at batch size {held}"
        )
    return (
        f"{_labels(near)} are about equally fast at batch size {held}, up to {best.median:.0f} "
        "texts/s"
    )


def _drift(results: Results, setting: SettingResults) -> str:
    sizes = [size for size in results.plan.batch_sizes if size > 1 and len(setting.drift(size)[0])]
    if not sizes:
        return "unbatched only: batch drift was not measured"
    by_size = {size: summarize(setting.drift_in_any_order(size)) for size in sizes}
    changed = {size: one.pairs - one.identical for size, one in by_size.items()}
    held = setting.pass_of(sizes[-1]).most_together
    span = f"{sizes[0]} to {held}" if len(sizes) > 1 and held > sizes[0] else f"{held}"
    orders = f", in {setting.orders} orders" if setting.orders > 1 else ""
    by_order = {size: len(setting.drifts(size)) for size in sizes}
    all_sizes = len(set(by_order.values())) == 1
    if not any(changed.values()):
        count = _there(setting, sizes[0])
        again = _unsteady(setting)
        return (
            f"no batch drift: all {count} texts are bitwise identical at batch size {span}"
            f"{orders if all_sizes else f', the largest{orders}'}"
            f"{again}"
        )
    worst_size = max(sizes, key=lambda size: by_size[size]["l2"]["max"])
    worst = by_size[worst_size]
    l2 = worst["l2"]["max"]
    drift = (
        f"L2 up to {l2:.1e}, {_moved(setting, worst_size)} of {_there(setting, worst_size)} texts "
        f"changed at batch size {worst_size}{orders if worst_size == sizes[-1] else ''}"
    )
    return _beside_noise(setting, drift, l2, _growth(by_size, _noise(setting)))


def _beside_noise(setting: SettingResults, drift: str, l2: float, growth: str) -> str:
    """Say what running again makes of a difference between texts alone and in batches."""
    noise = _noise(setting)
    if noise is None:
        return f"batch drift: {drift}; the noise floor was not measured"
    floor = noise["l2"]["max"]
    alone = "" if setting.company_repeats else _ALONE
    if is_open(setting):
        return (
            f"batch drift or rare noise: {drift}, all in passes that nobody repeated; repeats give "
            f"the same bits{alone}{growth}"
        )
    if noise.all_identical:
        return f"batch drift: {drift}; not noise, a repeat gives the same bits{alone}{growth}"
    effect = effect_size(setting)
    if is_noise(setting):
        beside = f"; batches are {effect}" if effect else ""
        return (
            f"no batch drift beyond noise: {drift}, and simply running again does {floor:.1e}"
            f"{beside}{alone}"
        )
    if l2 >= 1e4 * floor:
        times = "far above the noise floor"
    elif l2 >= 10 * floor or not effect:
        times = f"{l2 / floor:.0f} × the noise floor"
    else:
        times = f"not noise, {effect}; noise floor"
    return f"batch drift: {drift}; {times} ({floor:.1e}){alone}{growth}"


_ALONE = ", of texts alone, since the company of requests at once cannot be repeated"


def _unsteady(setting: SettingResults) -> str:
    """Say so where repeats differ though batches do not."""
    noise = _noise(setting)
    if noise is None or not repeats_differ(setting):
        return ""
    return (
        f"; but running again moves vectors by L2 up to {noise['l2']['max']:.1e}: golden vectors "
        "and cache keys do not hold"
    )


def _for_use(results: Results, setting: SettingResults, use: Scenario, lists_of: ListsOf) -> str:
    """Say both verdicts, and what a search would notice of what does not hold."""
    verdicts = judge(results, setting, use)
    if not setting.batched and not verdicts.exact.texts and verdicts.binding == "consistent":
        return ""
    moved = {verdicts.consistent.outcome, verdicts.exact.outcome} & {"falls short", "borderline"}
    lists = Lists(None, None, None)
    if moved and not results.plan.random_weights:
        lists = lists_of(results, setting)
    drift = lists.batched[1] if lists.batched else None
    if use.situation == "queries-alone":
        drift = lists.mixed or drift
    said = headline(verdicts, use, drift, lists.exact)
    return f"for {use.title}: {_and_why_undecided(said, results, setting, verdicts)}"


def _and_why_undecided(
    said: str, results: Results, setting: SettingResults, verdicts: Verdicts
) -> str:
    return "; ".join(filter(None, (said, undecided(results, setting, verdicts))))


def _by_outcome(results: Results, settings: list[SettingResults], use: Scenario) -> list[str]:
    """Say of all settings which of the two verdicts they meet, those alike together."""
    alike: dict[str, list[SettingResults]] = {}
    for setting in settings:
        verdicts = judge(results, setting, use)
        both = _and_why_undecided(verdicts.both(), results, setting, verdicts)
        alike.setdefault(both, []).append(setting)
    if not alike:
        return []
    said = [
        f"{_labels(some)} {'is' if len(some) == 1 else 'are'} {both}"
        for both, some in alike.items()
    ]
    return [f"for {use.title} {said[0]}", *said[1:]]


def _retrieval(results: Results, setting: SettingResults, lists_of: ListsOf) -> str:
    """Say what batches do to lists of neighbours, where they move any vector beyond noise."""
    if results.plan.random_weights:
        return RANDOM_WEIGHTS
    if not _changes(setting) or is_noise(setting):
        return ""
    found, mixed, _ = lists_of(results, setting)
    if not found:
        return ""
    orders = len(setting.drifts(found[0]))
    where = f"batch size {found[0]}" + (f", the worst of {orders} orders" if orders > 1 else "")
    said = f"{describe(found[1])} ({where})"
    return f"{said}. {_capital(describe_mixed(mixed))}" if mixed else said


def _capital(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:]


def _most_changed(results: Results, settings: list[SettingResults]) -> str:
    """Say of which setting a search would notice most; nothing where it would of none."""
    if results.plan.random_weights:
        return ""
    known = [(s, worst_of_batches(results, s)) for s in settings]
    worst = [(s, one[1]) for s, one in known if one is not None]
    if not worst:
        return ""
    found = max((one for _, one in worst), key=lambda one: one.order_changed)
    if not found.order_changed[0]:
        return f"a search would notice none of it, {changes_of(found)}"
    least = share_interval(found.order_changed[0], found.queries).low
    alike = [s for s, one in worst if one.order_changed[0] >= least * one.queries]
    how = "most, " if len(alike) == 1 else "most, about equally: in the worst of them "
    return f"a search would notice {_labels(alike)} {how}{changes_of(found)}"


def _there(setting: SettingResults, size: int) -> int:
    return max(len(rows) for _, rows, _ in setting.drifts(size))


def _moved(setting: SettingResults, size: int) -> int:
    """Return how many texts differ from their unbatched vectors in any order."""
    return len({int(row) for _, rows, d in setting.drifts(size) for row in rows[~d.identical]})


def _restart(setting: SettingResults) -> str:
    """Say how far another engine of the same setting is from this one."""
    found = setting.noise("restart")
    if found is None:
        return ""
    times = len({pass_key for _, pass_key in found[0]})
    said = "a restart gives" if times == 1 else f"{times} restarts give"
    summary = summarize(found[1])
    if summary.all_identical:
        return f"{said} the same bits"
    l2 = summary["l2"]["max"]
    within = setting.noise()
    floor = summarize(within[1])["l2"]["max"] if within else 0.0
    beside = f", {floor:.1e} without one" if within else ""
    return f"{said} L2 up to {l2:.1e}{beside}"


def _growth(by_size: dict[int, Distribution], noise: Distribution | None) -> str:
    """Say so where the largest batch drifts four times as much as the smallest, above noise."""
    sizes = sorted(by_size)
    first, last = by_size[sizes[0]]["l2"]["max"], by_size[sizes[-1]]["l2"]["max"]
    floor = noise["l2"]["max"] if noise else 0.0
    if len(sizes) < 2 or first <= floor or last < 4 * first:
        return ""
    return f"; it grows with the batch, {last / first:.0f} × from {sizes[0]} to {sizes[-1]}"


def _wrong_input(results: Results, setting: SettingResults) -> str:
    """Say that vectors are not the model's own, which comes before any drift."""
    errors = text_errors(setting, results.reference)
    if errors is None or not errors.wrong.any():
        return ""
    those = f"{int(errors.wrong.sum())} of {len(errors.rows)} vectors are not the model's own"
    return f"{those}: L2 up to {errors.l2.max():.1e} from float64, which no rounding explains"


def _precision(results: Results, setting: SettingResults) -> str:
    error = setting.largest_error(results.reference)
    if error is None:
        reason = results.reference.reason
        return f"the error against float64 was not measured: {reason}" if reason else ""
    errors = text_errors(setting, results.reference)
    said = f"precision error against float64: L2 up to {error:.1e}"
    if errors is not None and errors.wrong.any():
        return said
    said += describe_systematic(systematic_error_of(results, setting))
    worst = _worst(setting)
    if worst and error and not is_noise(setting):
        said += f", so batch drift is {worst / error:.2g} × what the setting costs anyway"
    return said


def _batched(setting: SettingResults) -> list[Distribution]:
    """Return the batch drift of every batch size that there is something of."""
    drifts = [summarize(setting.drift_in_any_order(size)) for size in setting.batched]
    return [drift for drift in drifts if drift.pairs]


def _changes(setting: SettingResults) -> bool:
    return not all(drift.all_identical for drift in _batched(setting))


def _worst(setting: SettingResults) -> float:
    return max((drift["l2"]["max"] for drift in _batched(setting)), default=0.0)


def _noise(setting: SettingResults) -> Distribution | None:
    found = setting.noise()
    return summarize(found[1]) if found else None


def _labels(settings: list[SettingResults]) -> str:
    return ", ".join(setting.setting.label for setting in settings)
