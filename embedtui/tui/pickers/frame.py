"""The look that all pickers share."""

FRAME_CSS = """
    align: center middle;
    & > .frame {
        width: 92%; max-width: 110; height: auto; max-height: 92%; padding: 0 1;
        border: round $primary; background: $surface; border-title-color: $primary;
        border-subtitle-color: $muted;
    }
    & Input, & Input:focus { height: 1; border: none; padding: 0; background: $boost; }
    & OptionList, & OptionList:focus {
        border: none; padding: 0; text-wrap: nowrap; text-overflow: ellipsis;
        background: $surface; height: auto; max-height: 100%;
        scrollbar-size-vertical: 1;
    }
    & OptionList > .option-list--option-highlighted {
        background: $cursor; color: $foreground; text-style: bold;
    }
    &:ansi OptionList > .option-list--option-highlighted { text-style: reverse; }
    & .details { color: $muted; height: auto; }
    & .error { color: $error; height: auto; }
    &:ansi .details { text-style: dim; }
"""
"""Nested in each picker's own rule."""
