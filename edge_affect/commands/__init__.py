"""The subcommands of ``edge-affect``, one module each."""
