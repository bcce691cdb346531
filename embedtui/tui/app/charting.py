"""What charts and tables speak of: the setting, the metric, the batch size, one text."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from embedtui.plan.scenarios import METRIC_NAMES, Metric
from embedtui.tui.app.opening import OpeningMixin

if TYPE_CHECKING:
    from embedtui.tui.screens.detail import DetailScreen
    from embedtui.tui.viewmodel.view_state import SettingRow
    from embedtui.tui.widgets.chart import ChartView
    from embedtui.tui.widgets.settings_grid import SettingsGrid
    from embedtui.tui.widgets.text_table import TextTable

_METRICS: tuple[Metric, ...] = tuple(METRIC_NAMES)


class ChartingMixin(OpeningMixin):
    """Changes what is wished of the next frame."""

    async def on_settings_grid_chosen(self, message: SettingsGrid.Chosen) -> None:
        """Select a setting."""
        self.framer.change(focus=message.key)
        if message.enter:
            await self.open_view("texts")

    def _step(self, by: int) -> None:
        lines = self._lines()
        if lines:
            # What was wished for last: keys may come faster than frames.
            shown = self.frame.view.focus_key if self.frame else None
            wished = self.framer.view_state.focus or shown
            place = next((n for n, one in enumerate(lines) if one.key == wished), 0)
            self.framer.change(focus=lines[(place + by) % len(lines)].key)

    def action_next_setting(self) -> None:
        """Select the next setting."""
        self._step(1)

    def action_previous_setting(self) -> None:
        """Select the setting before."""
        self._step(-1)

    async def action_compare(self) -> None:
        """Show two settings side by side."""
        keys = [line.key for line in self._lines()]
        one, other = self.framer.view_state.compared
        if one not in keys or other not in keys:
            focus = self.frame.view.focus if self.frame else None
            first = focus.key if focus else None
            second = next((key for key in keys if key != first), None)
            self.framer.change(compared=(first, second))
        await self.open_view("compare")

    def action_compare_step(self, which: int, by: int) -> None:
        """Compare another setting."""
        pair = list(self.framer.view_state.compared)
        keys = [line.key for line in self._lines() if line.key != pair[1 - which]]
        if keys:
            compared = pair[which]
            now = keys.index(compared) if compared in keys else -1
            pair[which] = keys[(now + by) % len(keys)]
            self.framer.change(compared=(pair[0], pair[1]))

    def action_hide(self) -> None:
        """Hide a setting."""
        focus = self.frame.view.focus if self.frame else None
        if focus is not None:
            self._step(1)
            self.framer.change(hidden=self.framer.view_state.hidden | {focus.key})

    def action_show_all(self) -> None:
        """Show hidden settings again."""
        self.framer.change(hidden=frozenset())

    def action_metric(self) -> None:
        """Measure by the next metric."""
        metric = _METRICS[(_METRICS.index(self.framer.view_state.metric) + 1) % len(_METRICS)]
        self.framer.change(metric=metric)
        self._keep(replace(self.config, metric=metric))
        self.notify(f"distances are {METRIC_NAMES[metric]}", markup=False, timeout=2)

    def action_heat(self) -> None:
        """Show drift or error by batch size."""
        heat = "error" if self.framer.view_state.heat == "drift" else "drift"
        self.framer.change(heat=heat)

    def _histogram_step(self, by: int) -> None:
        sizes = (None, *(self.frame.view.histogram_sizes if self.frame else ()))
        now = self.framer.view_state.histogram_of
        place = (sizes.index(now) if now in sizes else 0) + by
        if 0 <= place < len(sizes):
            self.framer.change(histogram_of=sizes[place])
        else:
            what = "smaller one: this is the largest at any" if by < 0 else "larger one"
            self.notify(f"batch size: there is no {what}", timeout=3)

    def action_smaller(self) -> None:
        """Show the histogram of the next smaller batch size."""
        self._histogram_step(-1)

    def action_larger(self) -> None:
        """Show the histogram of the next larger batch size."""
        self._histogram_step(1)

    def on_chart_view_sized(self, message: ChartView.Sized) -> None:
        """Have a chart drawn at its size."""
        if message.chart.picture_name:
            name, size = message.chart.picture_name, message.size
            self.ask_framer(lambda framer: framer.size(name, size, unicode=not self.ascii))

    def on_text_table_row_selected(self, message: TextTable.RowSelected) -> None:
        """Show the text."""
        self._open_detail(message.table, message.row)

    def on_text_table_copy_requested(self, message: TextTable.CopyRequested) -> None:
        """Copy the row."""
        self.copy_text(message.text)

    def _open_detail(self, table: TextTable, row: int) -> None:
        """Show one text under the setting that is spoken of."""
        from embedtui.tui.screens.detail import DetailScreen  # noqa: PLC0415 - when asked for

        line = self.frame.view.focus if self.frame else None
        if line is None:
            return

        def step(screen: DetailScreen, by: int) -> None:
            table.action_move(by)
            if table.cursor_row is not None:
                self._fill_detail(screen, line, table.cursor_row)

        screen = DetailScreen(line.label, self.framer.view_state.metric, step)
        self._fill_detail(screen, line, row)
        self.push_screen(screen)

    def _fill_detail(self, screen: DetailScreen, line: SettingRow, row: int) -> None:
        from embedtui.tui.viewmodel.groups import shown_of  # noqa: PLC0415 - likewise
        from embedtui.tui.viewmodel.text_detail import detail_of  # noqa: PLC0415 - likewise

        found = shown_of(self.session.snapshot()).get(line.key)
        if found is not None:
            screen.show(detail_of(*found, row, self.framer.view_state.metric))

    async def action_filter(self) -> None:
        """Go to the filter of the texts."""
        (await self.open_view("texts")).focus_filter()

    async def action_worst(self) -> None:
        """Go to the text that drifts most."""
        (await self.open_view("texts")).jump_to_worst()
