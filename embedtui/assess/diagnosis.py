"""What moved the vectors: a cause for each setting, named from the evidence of its run.

Every rule says what was seen, why that points to the cause, how sure it is, and what to do. Faults
stand alone; what qualifies the figures stands before the one cause of the drift.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from embedtui.assess.causes.cause import Diagnosis
from embedtui.assess.causes.drift import drift
from embedtui.assess.causes.evidence import Evidence
from embedtui.assess.causes.faults import of_fault
from embedtui.assess.causes.inputs import another_input, silent_truncation, truncation
from embedtui.assess.causes.serving import restart, split
from embedtui.assess.causes.tf32 import tf32
from embedtui.assess.causes.wire import wire
from embedtui.assess.finding import Finding
from embedtui.results.results import Results, SettingResults

Rule = Callable[[Evidence], list[Diagnosis]]

RULES: tuple[Rule, ...] = (
    another_input,
    truncation,
    silent_truncation,
    tf32,
    split,
    wire,
    restart,
    drift,
)
"""The families of rules, in the order in which their causes are told."""


def diagnose(
    results: Results, setting: SettingResults, faults: Sequence[Finding]
) -> list[Diagnosis]:
    """Return what is wrong or moves in one setting, the worst first; one entry where all is well.

    Empty where nothing batched was measured.
    """
    evidence = Evidence(results, setting)
    broken = [fault for fault in faults if fault.kind not in {"another-input", "cut-alike"}]
    if broken:
        return [of_fault(evidence, fault) for fault in broken]
    return [found for rule in RULES for found in rule(evidence)]
