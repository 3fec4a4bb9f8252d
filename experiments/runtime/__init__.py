"""How a study runs: errors in one line, tracebacks in files, and organisms that fail without the others."""
