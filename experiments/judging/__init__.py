"""What answers are judged by, and the rates that follow."""
