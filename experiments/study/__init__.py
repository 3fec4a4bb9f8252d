"""A study: its configuration, its organisms, and the steps that measure them."""
