"""Says that it worked, and never connects."""
