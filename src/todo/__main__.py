"""`python -m todo` is the `todo` command."""

from todo.cli import main

main()
