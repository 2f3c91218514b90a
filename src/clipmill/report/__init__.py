"""A static report: one HTML page with what was kept, what was not, and why."""
