"""What serving does beside computing: split batches, another engine."""

from __future__ import annotations

from embedtui.assess.causes.cause import Diagnosis
from embedtui.assess.causes.evidence import Evidence
from embedtui.assess.noise import restart_is_noise


def split(evidence: Evidence) -> list[Diagnosis]:
    """Return that batches were not run as they were asked for."""
    setting = evidence.setting
    split = {size: setting.pass_of(size).split_steps for size in setting.batched}
    split = {size: steps for size, steps in split.items() if steps}
    if not split:
        return []
    size, steps = max(split.items())
    return [
        Diagnosis(
            "split",
            "batches that vLLM split",
            f"{steps} of {len(setting.pass_of(size).steps)} steps at batch size {size} held fewer "
            "texts than were handed in together",
            "a step ends where it is full of tokens or of texts, so the company of a text is not "
            "what was asked for",
            "certain",
            "raise max_num_batched_tokens, or measure smaller batches",
        )
    ]


def restart(evidence: Evidence) -> list[Diagnosis]:
    """Return that another engine of the same setting computes something else."""
    setting = evidence.setting
    restarted, repeated = setting.noise("restart"), setting.noise()
    if restarted is None:
        return []
    floor = float(repeated[1].l2.max()) if repeated else None
    most = float(restarted[1].l2.max())
    if restarted[1].identical.all() or restart_is_noise(setting):
        return []
    beside = "nothing was run again" if floor is None else f"{floor:.1e} by running again"
    return [
        Diagnosis(
            "restart",
            "another engine of the same setting",
            f"L2 {most:.1e} at most after a restart, {beside} without one",
            "kernels are tuned and chosen when an engine is loaded, by times that vary",
            "possible" if floor is None else "likely",
            "keep golden vectors per process, or fix what is tuned (eager, one attention backend)",
        )
    ]
