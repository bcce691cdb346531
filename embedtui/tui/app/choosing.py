"""What the next run measures: model, texts, use and switches."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from embedtui.common.address import Address, is_address
from embedtui.common.errors import InputError
from embedtui.common.printable import printable
from embedtui.plan.options import CHOSEN
from embedtui.plan.scenarios import SITUATIONS, Scenario, Situation, scenario, scenarios
from embedtui.tui.app.opening import OpeningMixin
from embedtui.tui.state.background import in_background

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.screen import Screen

    from embedtui.plan.choices import Choices
    from embedtui.tui.screens.next_run import NextRunScreen
    from embedtui.tui.viewmodel.view_state import NextRun


def _of_server(ref: str) -> tuple[str, str]:
    """Return what a server's model is called, and what it is."""
    try:
        address = Address.parse(ref)
    except InputError as error:
        return "a server", str(error)
    return address.model or address.host, f"served at {address.host}"


class ChoosingMixin(OpeningMixin):
    """Asks what is to be measured, and keeps it for the next start."""

    def on_next_run_screen_chose(self, message: NextRunScreen.Chose) -> None:
        """Take what was chosen."""
        self.choose(**message.changes)

    def choose(self, **changes: Any) -> None:
        """Change what the next run measures, and keep it for the next start."""
        self.choices = replace(self.choices, **changes)
        planned = self._plan_next()
        if self.drawer is not None:
            self.drawer.show_choices(self.choices, planned)
        if "model" in changes:
            self._describe_model()
        if self.frame is None or not self.frame.view.lines:
            self._show_idle()
        self._keep_choices()

    def _plan_next(self) -> NextRun:
        """Have the next run shown as it is chosen."""
        from embedtui.plan.choices import settings_of  # noqa: PLC0415 - after the first paint
        from embedtui.plan.server_sides import applicable  # noqa: PLC0415 - likewise
        from embedtui.tui.viewmodel.view_state import NextRun  # noqa: PLC0415 - likewise

        settings = settings_of("", applicable(self.choices).chosen)
        planned = NextRun(
            tuple(one.short_label for one in settings),
            self.choices.batch_sizes,
            self._texts_name(),
        )
        if self.opened is None:
            self.framer.change(next_run=planned)
        return planned

    @in_background("asking what machine this is", group="machine")
    def _machine_name(self) -> None:
        from embedtui.common import machine  # noqa: PLC0415 - asks the driver, which takes its time

        try:
            self._machine = machine.machine_name()
        except InputError as error:
            self._machine = ""
            self.call_later(
                self.notify, printable(str(error)), severity="error", markup=False, timeout=30
            )
        self.framer.again()

    @in_background("describing the model", group="describe", exclusive=True)
    def _describe_model(self) -> None:
        """Find out what the chosen model is; a path may lie on a slow disk."""
        from embedtui import models  # noqa: PLC0415 - not before the first paint
        from embedtui.tui.viewmodel.model_facts import in_brief, mark_of  # noqa: PLC0415 - likewise

        ref = self.choices.model
        if is_address(ref):
            self.call_later(self._show_model, ref, *_of_server(ref))
            return
        try:
            info = models.resolve(ref)
        except InputError as error:
            mark, name, note = mark_of("no"), ref, str(error)
        else:
            mark, note = mark_of(info.embeds), in_brief(info)
            name = ref if ref in models.ALIASES else info.name
        self.call_later(self._show_model, ref, name, f"{mark} {note}".strip())

    def _show_model(self, ref: str, name: str, note: str) -> None:
        self._model_known[ref] = name, note
        if not self.is_running:
            return
        if self.drawer is not None:
            self.drawer.show_model(ref, name, note)
        if self.frame is None or not self.frame.view.lines:
            self._show_idle()

    def action_next_run(self) -> None:
        """Choose what the next run measures."""
        self._open_drawer()

    def action_dtypes(self) -> None:
        """Choose the dtypes."""
        self._open_drawer("dtypes")

    def action_batch_sizes(self) -> None:
        """Choose the batch sizes."""
        self._open_drawer("sizes-chips")

    def _open_drawer(self, part: str = "") -> None:
        from embedtui.tui.screens.next_run import NextRunScreen  # noqa: PLC0415 - when asked for

        async def closed(answer: str | None) -> None:
            if answer == "run":
                await self.run_action("run")

        if not isinstance(self.screen, NextRunScreen):
            self.push_screen(NextRunScreen(part), closed)

    def action_model(self) -> None:
        """Choose the model; of run files, the one that is shown."""
        if self.opened is not None:
            from embedtui.tui.app.choosing_recording import choose  # noqa: PLC0415 - when it is asked for

            choose(self, self.opened)
            return
        from embedtui.tui.pickers.model import ModelPicker  # noqa: PLC0415 - when it is asked for

        def chosen(ref: str | None) -> None:
            if ref is not None:
                self.choose(model=ref)

        self.push_screen(ModelPicker(self.choices.model, self.session.engines), chosen)

    def action_texts(self) -> None:
        """Choose the texts."""
        from embedtui.tui.pickers.texts import TextsChoice, TextsPicker  # noqa: PLC0415 - likewise

        now = TextsChoice(
            self.choices.texts, self.choices.column, self.choices.id_column, self.choices.limit
        )

        def chosen(choice: TextsChoice | None) -> None:
            if choice is not None:
                self.choose(
                    texts=choice.ref,
                    column=choice.column,
                    id_column=choice.id_column,
                    limit=choice.limit,
                )

        self.push_screen(TextsPicker(now), chosen)

    def action_use(self) -> None:
        """Choose what the embeddings are for."""
        from embedtui.tui.pickers.choice import ChoiceScreen  # noqa: PLC0415 - likewise

        options = [
            (one.key, f"{one.name}: {one.limit}", (one.reason, f"source: {one.source}"))
            for one in scenarios().values()
        ]

        def chosen(key: str | None) -> None:
            if key is not None:
                self._use(scenario(key, self.config.situation))

        self.push_screen(
            ChoiceScreen(
                "What are the embeddings for?", lambda: options, self.framer.view_state.scenario.key
            ),
            chosen,
        )

    def action_situation(self) -> None:
        """Choose what the vectors meet."""
        from embedtui.tui.pickers.choice import ChoiceScreen  # noqa: PLC0415 - likewise

        use = self.framer.view_state.scenario
        options = [
            (key, key, (f"{said}: {replace(use, situation=key).binding} decides",))
            for key, said in SITUATIONS.items()
        ]

        def chosen(key: str | None) -> None:
            if key is not None:
                self._use(scenario(use.key, cast(Situation, key)))

        self.push_screen(
            ChoiceScreen("What do the vectors meet?", lambda: options, use.situation), chosen
        )

    def _use(self, use: Scenario) -> None:
        """Judge by a use from now on, and remember it."""
        self.framer.change(scenario=use)
        self._keep(replace(self.config, scenario=use.key, situation=use.situation))
        self._show_idle() if self.frame is None else self._show_header(self.frame.view)
        if self.drawer is not None:
            self.drawer.show_use(use)

    @in_background("asking what engines can do here", group="advanced", once=True)
    def action_advanced(self) -> None:
        """Change the other switches."""
        from embedtui.common import machine  # noqa: PLC0415 - asks the driver, which takes its time
        from embedtui.tui.pickers.advanced import AdvancedScreen, toggles_of  # noqa: PLC0415 - likewise

        choices = self.choices
        server = is_address(choices.model)
        try:
            device = "server" if server else machine.engine_device()
        except InputError as error:
            told = printable(str(error))
            self.call_later(self.notify, told, severity="error", markup=False)
            return
        dtypes = 1 if server else len(choices.chosen[0]["dtype"])
        screen = partial(AdvancedScreen, choices, toggles_of(device), device=device, dtypes=dtypes)
        self.call_later(self._open_advanced, screen)

    def _open_advanced(self, screen: Callable[[], Screen[Choices | None]]) -> None:
        def chosen(choices: Choices | None) -> None:
            if choices is not None:
                kept = [option.name for option in CHOSEN if option.name != "model"]
                self.choose(**{name: getattr(choices, name) for name in [*kept, "chosen"]})

        self.push_screen(screen(), chosen)
