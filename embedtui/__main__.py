"""`python -m embedtui` and the `embedtui` command."""

from embedtui.cli.main import main

if __name__ == "__main__":
    main()
