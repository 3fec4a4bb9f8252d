"""The audit before release: every part of the guard on one adapter, within a budget, and what was not tested."""
